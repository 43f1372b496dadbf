"""Cascades: a pipeline that draws small, and others that enlarge its pictures, such as DeepFloyd IF."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from copycat.cards.hooks import Conditioning, Denoise, Hooks, Steering, WeightEdit
from copycat.cards.models import ModelCard
from copycat.diffusion.denoising import denoising
from copycat.errors import UserError
from copycat.generators.base import Generator, ImageOutcome
from copycat.generators.compiling import compiled_for, explained
from copycat.generators.conditioning import embeds_for, with_tokens
from copycat.generators.pipelines import accepted, finished, flags, load_pipeline, noise
from copycat.generators.reading import by_kind, check_texts, overlong, reading_of
from copycat.records import Request
from copycat.runtime.batching import AdaptiveBatch


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
    batch size, since the last ones need most memory. Weight edits and conditionings are for the first
    pipeline, which reads the prompt; a denoise hook is asked by all.
    """

    open_weights = True

    def __init__(self, card: ModelCard, device: str, edits: Sequence[WeightEdit] = ()) -> None:
        self.identity = card.identity()
        self._card = card
        self._first = load_pipeline(card, device, edits=edits)
        self._later = [(stage, load_pipeline(card, device, stage)) for stage in card.stages]
        batches = partial(AdaptiveBatch, card.batch_size, what=card.title)
        self._encoding, self._drawing = batches(), batches(padded=card.compile)
        self._enlarging = [batches(padded=card.compile) for _ in card.stages]

    @property
    def batch_size(self) -> int:  # type: ignore[override]
        """The smallest of the stages'."""
        return min(f.size for f in (self._encoding, self._drawing, *self._enlarging))

    def draw(self, requests: Sequence[Request], hooks: Hooks) -> list[ImageOutcome]:
        if isinstance(hooks.denoise, Steering):
            raise UserError(
                f"{self._card.title} is a cascade, whose text encoder is gone while it draws, so it cannot "
                "be steered by further texts; use a mitigation that acts on the prompt or on the weights."
            )

        def encode(some: Sequence[Request]) -> list[_Drawn]:
            pictures = [_Drawn(r) for r in some]
            return self._encoding.map(pictures, partial(self._encode, hooks.conditionings), _failed)

        pictures = with_tokens(self._first, requests, hooks.conditionings, encode)
        pictures = self._map(self._drawing, pictures, partial(self._draw, hooks.denoise))
        for number, batches in enumerate(self._enlarging, 1):
            pictures = self._map(batches, pictures, partial(self._enlarge, hooks.denoise, number))
        lost = ImageOutcome("error", error="the cascade gave no picture")
        return [p.outcome or lost for p in pictures]

    @classmethod
    def check_texts(cls, card: ModelCard, requests: Sequence[Request], *, ask: bool = True) -> None:
        check_texts(card, requests, "encode_prompt", ask=ask)

    def cut_off(self, requests: Sequence[Request]) -> list[str]:
        return overlong(by_kind(requests), reading_of(self._first, self._card, "encode_prompt"))

    @staticmethod
    def _map(batches: AdaptiveBatch, pictures: list[_Drawn], work: Any) -> list[_Drawn]:
        """`work` on the pictures that have not failed yet."""
        alive = [p for p in pictures if p.outcome is None]
        done = iter(batches.map(alive, work, _failed))
        return [p if p.outcome else next(done) for p in pictures]

    def _encode(self, known: Mapping[str, Conditioning], batch: Sequence[_Drawn]) -> list[_Drawn]:
        encode, given = self._first.encode_prompt, embeds_for(self._first, [p.request for p in batch], known)
        with torch.inference_mode():
            embeds, negative = encode(
                [p.request.prompt for p in batch],
                do_classifier_free_guidance=True,
                negative_prompt=[p.request.negative for p in batch],
                **accepted(encode, self._card.call),
            )
        embeds, negative = (
            given.get(name, words)
            for name, words in (("prompt_embeds", embeds), ("negative_prompt_embeds", negative))
        )
        return [
            replace(p, embeds=e.cpu(), negative_embeds=n.cpu())
            for p, e, n in zip(batch, embeds, negative, strict=True)
        ]

    def _draw(self, hook: Denoise | None, batch: Sequence[_Drawn]) -> list[_Drawn]:
        sampling, last = batch[0].request.sampling, not self._later
        hooked = denoising(self._first, [p.request for p in batch], hook)
        with self._compiled(batch, self._drawing), hooked, torch.inference_mode():
            done = self._first(
                **_embeds(batch),
                num_inference_steps=sampling.steps,
                generator=noise(p.request.seed for p in batch),
                output_type="pil" if last else "pt",
                **{self._card.guidance_argument: sampling.guidance},
                **self._card.call,
            )
        return _advance(batch, done, last)

    def _enlarge(self, hook: Denoise | None, number: int, batch: Sequence[_Drawn]) -> list[_Drawn]:
        last, (stage, pipeline) = number == len(self._later), self._later[number - 1]
        pixels = torch.stack([p.pixels for p in batch if p.pixels is not None])
        if "text_encoder" in stage.null_components:
            text = _embeds(batch)
        else:
            text = {"prompt": [p.request.prompt for p in batch]}
            if batch[0].request.negative:
                text["negative_prompt"] = [p.request.negative for p in batch]
            # Latent upscalers take [0, 1], and guess the range from the batch's minimum otherwise.
            pixels = (pixels / 2 + 0.5).clamp(0, 1)
        hooked = denoising(pipeline, [p.request for p in batch], hook)
        with self._compiled(batch, self._enlarging[number - 1]), hooked, torch.inference_mode():
            done = pipeline(
                **text,
                image=pixels,
                num_inference_steps=stage.steps,
                guidance_scale=stage.guidance,
                generator=noise((p.request.seed for p in batch), number),
                output_type="pil" if last else "pt",
                **stage.call,
            )
        return _advance(batch, done, last)

    @contextmanager
    def _compiled(self, batch: Sequence[_Drawn], batches: AdaptiveBatch) -> Iterator[None]:
        compiled = compiled_for(len(batch), batches.size) if self._card.compile else nullcontext()
        with explained(self._card.title), compiled:
            yield


def _failed(picture: _Drawn, why: str) -> _Drawn:
    return replace(picture, outcome=ImageOutcome("error", error=why))


def _embeds(batch: Sequence[_Drawn]) -> dict[str, Any]:
    positive = [p.embeds for p in batch if p.embeds is not None]
    negative = [p.negative_embeds for p in batch if p.negative_embeds is not None]
    return {"prompt_embeds": torch.stack(positive), "negative_prompt_embeds": torch.stack(negative)}


def _advance(batch: Sequence[_Drawn], done: Any, last: bool) -> list[_Drawn]:
    if not last:
        return [replace(p, pixels=pixels.cpu()) for p, pixels in zip(batch, done.images, strict=True)]
    pictures = zip(batch, done.images, flags(done), strict=True)
    return [replace(p, outcome=finished(image, flag)) for p, image, flag in pictures]
