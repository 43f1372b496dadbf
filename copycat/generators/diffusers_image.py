"""Image pipelines of diffusers, from a folder or the hub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from copycat.generators.base import Generator, ImageOutcome
from copycat.generators.batching import Fitting
from copycat.generators.pipelines import accepted, cut_off, finished, flags, load_pipeline, noise
from copycat.models import ModelCard
from copycat.records import Request


class DiffusersImage(Generator):
    """Any text-to-image pipeline; the card says which argument carries guidance and the negative prompt."""

    def __init__(self, card: ModelCard, device: str) -> None:
        self.identity = card.identity()
        self._card, self._pipeline = card, load_pipeline(card, device)
        self._fitting = Fitting(card.batch_size)

    @property
    def batch_size(self) -> int:  # type: ignore[override]
        """Smaller than the card's once memory ran out."""
        return self._fitting.size

    def generate(self, requests: Sequence[Request]) -> list[ImageOutcome]:
        return self._fitting.map(requests, self._together, lambda _, why: ImageOutcome("error", error=why))

    def cut_off(self, requests: Sequence[Request]) -> list[str]:
        return cut_off(self._pipeline, requests, self._card.name)

    def _together(self, requests: Sequence[Request]) -> list[ImageOutcome]:
        sampling = requests[0].sampling
        with torch.inference_mode():
            done = self._pipeline(
                prompt=[r.prompt for r in requests],
                num_inference_steps=sampling.steps,
                height=sampling.height,
                width=sampling.width,
                generator=noise(r.seed for r in requests),
                **{self._card.guidance_argument: sampling.guidance},
                **self._negatives(requests),
                **self._card.call,
            )
        return [finished(image, flag) for image, flag in zip(done.images, flags(done), strict=True)]

    def _negatives(self, requests: Sequence[Request]) -> dict[str, Any]:
        """The argument with the negative prompts; none where there is none, since \"\" is not the same."""
        texts = [r.negative or self._card.empty_negative for r in requests]
        if not self._card.steers(requests[0].sampling.guidance) or None in texts:
            return {}
        if self._card.negative_argument == "negative_prompt":
            return {"negative_prompt": texts}
        encode = self._pipeline.encode_prompt
        encoded = encode(prompt=texts, **accepted(encode, self._card.call))
        return {"negative_prompt_embeds": encoded[0]}
