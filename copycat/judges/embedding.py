"""Similarity in the features of a vision tower: CLIP, SigLIP, DINO, or a vision-language model's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy.typing as npt
import torch
import transformers
from PIL import Image

from copycat.cards.judges import JudgeCard
from copycat.judges.base import check_weights
from copycat.judges.gallery import Detector


class EmbeddingDetector(Detector):
    """Cosine in the features of any model that AutoModel loads.

    A dual encoder (CLIP, SigLIP) gives its projected features, a model with a vision tower that tower's
    pooled ones, and a plain vision model (DINO) its own pooled ones, or its first token.
    """

    @classmethod
    def check(cls, card: JudgeCard) -> None:
        check_weights(card)
        super().check(card)

    def _load(self, card: JudgeCard, device: str) -> None:
        self._device = device
        self._processor, model = _load(card)
        tower: Any = getattr(model, "vision_tower", None)
        self._model = (tower if tower is not None else model).eval().to(device)
        self._projects = tower is None and hasattr(model, "get_image_features")

    def _describe(self, images: Sequence[Image.Image]) -> npt.NDArray[Any]:
        pixels = self._processor(images=list(images), return_tensors="pt")["pixel_values"]
        pixels = pixels.to(self._device, self._model.dtype)
        with torch.inference_mode():
            found = self._model.get_image_features(pixels) if self._projects else self._model(pixels)
        if not isinstance(found, torch.Tensor):
            pooled = getattr(found, "pooler_output", None)
            found = found.last_hidden_state[:, 0] if pooled is None else pooled
        return cast(npt.NDArray[Any], found.flatten(1).float().cpu().numpy())


def _load(card: JudgeCard) -> tuple[Any, Any]:
    source, revision = card.location, card.revision or "main"
    auto: Any = transformers.AutoImageProcessor
    with card.loading(card.name, "a vision model"):
        processor = auto.from_pretrained(source, revision=revision, trust_remote_code=False)
        model = transformers.AutoModel.from_pretrained(
            source,
            revision=revision,
            dtype=getattr(torch, card.dtype),
            use_safetensors=True,
            trust_remote_code=False,
        )
    return processor, model
