"""Image pipelines of diffusers, from a folder or the hub."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch

from copycat.cards.hooks import Hooks, WeightEdit
from copycat.cards.models import ModelCard
from copycat.diffusion.steering import steered
from copycat.generators.base import Generator, ImageOutcome
from copycat.generators.compiling import compiled_for, explained
from copycat.generators.conditioning import embeds_for, with_tokens
from copycat.generators.pipelines import accepted, finished, flags, load_pipeline, noise
from copycat.generators.reading import by_kind, check_texts, overlong, reading_of
from copycat.generators.shortcuts import forget_steps
from copycat.records import Request
from copycat.runtime.batching import AdaptiveBatch

_ZEROS = (
    "{} was given zeros where there is no negative prompt, and not an encoded text, so pictures with and "
    'without one differ in more than its words; say empty_negative: "" in its card.'
)


class DiffusersImage(Generator):
    """Any text-to-image pipeline; the card says which argument carries guidance and the negative prompt."""

    open_weights = True

    def __init__(self, card: ModelCard, device: str, edits: Sequence[WeightEdit] = ()) -> None:
        self.identity = card.identity()
        self._card, self._pipeline = card, self._load(card, device, edits)
        self._batches = AdaptiveBatch(card.batch_size, padded=card.compile, what=card.title)

    def _load(self, card: ModelCard, device: str, edits: Sequence[WeightEdit]) -> Any:
        return load_pipeline(card, device, edits=edits)

    @property
    def batch_size(self) -> int:  # type: ignore[override]
        """Smaller than the card's once memory ran out."""
        return self._batches.size

    @property
    def pipeline(self) -> Any:
        return self._pipeline

    def draw(self, requests: Sequence[Request], hooks: Hooks) -> list[ImageOutcome]:
        if hooks.denoise is not None:
            self._card.check_every_step("a guardrail")

        def draw(batch: Sequence[Request]) -> list[ImageOutcome]:
            forget_steps(self._pipeline)
            embeds = embeds_for(self._pipeline, batch, hooks.conditionings)
            hooked = steered(self._pipeline, self._card, batch, hooks.denoise)
            compiled = compiled_for(len(batch), self._batches.size) if self._card.compile else nullcontext()
            with explained(self._card.title), compiled, hooked, torch.inference_mode():
                return self._draw(batch, self._texts(batch, embeds))

        def in_batches(some: Sequence[Request]) -> list[ImageOutcome]:
            return self._batches.map(some, draw, lambda _, why: ImageOutcome("error", error=why))

        return with_tokens(self._pipeline, requests, hooks.conditionings, in_batches)

    @classmethod
    def check_texts(cls, card: ModelCard, requests: Sequence[Request], *, ask: bool = True) -> None:
        check_texts(card, requests, ask=ask)

    def cut_off(self, requests: Sequence[Request]) -> list[str]:
        return overlong(by_kind(requests), reading_of(self._pipeline, self._card))

    def remarks(self, requests: Sequence[Request]) -> list[str]:
        told = self.cut_off(requests)
        zeros = getattr(self._pipeline.config, "force_zeros_for_empty_prompt", False)
        if zeros and self._card.empty_negative is None and len({bool(r.negative) for r in requests}) > 1:
            told.append(_ZEROS.format(self._card.title))
        return told

    def _draw(self, requests: Sequence[Request], texts: dict[str, Any]) -> list[ImageOutcome]:
        done = self._call(requests, texts)
        return [finished(image, flag) for image, flag in zip(done.images, flags(done), strict=True)]

    def _call(self, requests: Sequence[Request], texts: dict[str, Any], **more: Any) -> Any:
        sampling = requests[0].sampling
        return self._pipeline(
            num_inference_steps=sampling.steps,
            height=sampling.height,
            width=sampling.width,
            generator=noise(r.seed for r in requests),
            **{self._card.guidance_argument: sampling.guidance},
            **more,
            **texts,
            **self._card.call,
        )

    def _texts(self, requests: Sequence[Request], embeds: dict[str, Any]) -> dict[str, Any]:
        """The arguments with prompts and negative prompts, or with the embeddings in their place."""
        negatives = {} if any(n.startswith("negative") for n in embeds) else self._negatives(requests)
        return (embeds or {"prompt": [r.prompt for r in requests]}) | negatives

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
