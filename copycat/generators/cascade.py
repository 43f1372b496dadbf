"""Cascades: a pipeline that draws small, and others that enlarge its pictures, such as DeepFloyd IF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from copycat.generators.base import Generator, ImageOutcome
from copycat.generators.batching import Fitting
from copycat.generators.pipelines import accepted, cut_off, finished, flags, load_pipeline, noise
from copycat.models import ModelCard, Stage
from copycat.records import Request


@dataclass(frozen=True)
class _Drawn:
    """One picture on its way through the stages; tensors wait in main memory."""

    request: Request
    embeds: torch.Tensor | None = None
    negative_embeds: torch.Tensor | None = None
    pixels: torch.Tensor | None = None
    """3 × height × width in [-1, 1]."""
    outcome: ImageOutcome | None = None
    """Set when it is finished or failed."""


class Cascade(Generator):
    """The card's own pipeline (as :class:`diffusers.IFPipeline`), then each of `card.stages`.

    The prompt is encoded once, by the first pipeline; a stage without a text encoder is given the
    embeddings, one with its own the words. The negative prompt goes to every stage. Each stage has its own
    batch size, since the last ones need most memory.
    """

    def __init__(self, card: ModelCard, device: str) -> None:
        self.identity = card.identity()
        self._card = card
        self._first = load_pipeline(card, device)
        self._later = [(stage, load_pipeline(card, device, stage)) for stage in card.stages]
        self._encoding, self._drawing = Fitting(card.batch_size), Fitting(card.batch_size)
        self._enlarging = [Fitting(card.batch_size) for _ in card.stages]

    @property
    def batch_size(self) -> int:  # type: ignore[override]
        """The smallest of the stages'."""
        return min(f.size for f in (self._encoding, self._drawing, *self._enlarging))

    def generate(self, requests: Sequence[Request]) -> list[ImageOutcome]:
        pictures = self._encoding.map([_Drawn(r) for r in requests], self._encode, _failed)
        pictures = self._map(self._drawing, pictures, self._draw)
        later = zip(self._later, self._enlarging, strict=True)
        for number, ((stage, pipeline), fitting) in enumerate(later, 1):

            def enlarge(
                batch: Sequence[_Drawn], stage: Stage = stage, pipeline: Any = pipeline, number: int = number
            ) -> list[_Drawn]:
                return self._enlarge(batch, stage, pipeline, number)

            pictures = self._map(fitting, pictures, enlarge)
        lost = ImageOutcome("error", error="the cascade gave no picture")
        return [p.outcome or lost for p in pictures]

    def cut_off(self, requests: Sequence[Request]) -> list[str]:
        return cut_off(self._first, requests, self._card.name)

    @staticmethod
    def _map(fitting: Fitting, pictures: list[_Drawn], work: Any) -> list[_Drawn]:
        """`work` on the pictures that have not failed yet."""
        alive = [p for p in pictures if p.outcome is None]
        done = iter(fitting.map(alive, work, _failed))
        return [p if p.outcome else next(done) for p in pictures]

    def _encode(self, batch: Sequence[_Drawn]) -> list[_Drawn]:
        encode = self._first.encode_prompt
        with torch.inference_mode():
            embeds, negative = encode(
                [p.request.prompt for p in batch],
                do_classifier_free_guidance=True,
                negative_prompt=[p.request.negative for p in batch],
                **accepted(encode, self._card.call),
            )
        return [
            replace(p, embeds=e.cpu(), negative_embeds=n.cpu())
            for p, e, n in zip(batch, embeds, negative, strict=True)
        ]

    def _draw(self, batch: Sequence[_Drawn]) -> list[_Drawn]:
        sampling, last = batch[0].request.sampling, not self._later
        with torch.inference_mode():
            done = self._first(
                **_embeds(batch),
                num_inference_steps=sampling.steps,
                generator=noise(p.request.seed for p in batch),
                output_type="pil" if last else "pt",
                **{self._card.guidance_argument: sampling.guidance},
                **self._card.call,
            )
        return _onwards(batch, done, last)

    def _enlarge(self, batch: Sequence[_Drawn], stage: Stage, pipeline: Any, number: int) -> list[_Drawn]:
        last = number == len(self._later)
        pixels = torch.stack([p.pixels for p in batch if p.pixels is not None])
        if "text_encoder" in stage.null_components:
            text = _embeds(batch)
        else:
            text = {"prompt": [p.request.prompt for p in batch]}
            if batch[0].request.negative:
                text["negative_prompt"] = [p.request.negative for p in batch]
            # Latent upscalers take [0, 1], and guess the range from the batch's minimum otherwise.
            pixels = (pixels / 2 + 0.5).clamp(0, 1)
        with torch.inference_mode():
            done = pipeline(
                **text,
                image=pixels,
                num_inference_steps=stage.steps,
                guidance_scale=stage.guidance,
                generator=noise((p.request.seed for p in batch), number),
                output_type="pil" if last else "pt",
                **stage.call,
            )
        return _onwards(batch, done, last)


def _failed(picture: _Drawn, why: str) -> _Drawn:
    return replace(picture, outcome=ImageOutcome("error", error=why))


def _embeds(batch: Sequence[_Drawn]) -> dict[str, Any]:
    positive = [p.embeds for p in batch if p.embeds is not None]
    negative = [p.negative_embeds for p in batch if p.negative_embeds is not None]
    return {"prompt_embeds": torch.stack(positive), "negative_prompt_embeds": torch.stack(negative)}


def _onwards(batch: Sequence[_Drawn], done: Any, last: bool) -> list[_Drawn]:
    if not last:
        return [replace(p, pixels=pixels.cpu()) for p, pixels in zip(batch, done.images, strict=True)]
    pictures = zip(batch, done.images, flags(done), strict=True)
    return [replace(p, outcome=finished(image, flag)) for p, image, flag in pictures]
