"""Composing a prediction of several prompts with signed weights, as composable diffusion does (Liu et al.
2022, equation 11; Petsiuk and Saenko 2024 turn it into attacks).

Write ε(c) for what a denoiser predicts under a prompt c, and d(c) = ε(c) − ε(∅) for the direction in which
the prompt leads. Classifier-free guidance is ε(∅) + s d(c) with one prompt; here there are several, and a
weight may be negative, which leads away from its prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from copycat.cards.hooks import DenoiseStep
from copycat.diffusion.wording import worded
from copycat.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

Term = tuple[str, float]
"""A text and its weight w."""


def signed(empty: Tensor, found: Sequence[Tensor], weights: Sequence[float | Tensor]) -> Tensor:
    """ε(∅) + Σ wᵢ (ε(cᵢ) − ε(∅)), of the shape of `empty`, which is ε(∅); `found` are the ε(cᵢ)."""
    total = empty
    for prediction, weight in zip(found, weights, strict=True):
        total = total + weight * (prediction - empty)
    return total


def guided_pictures(step: DenoiseStep, method: str, instead: str) -> int:
    """How many pictures are drawn in a call that asks for each of them twice, without its prompt first and
    then with it. Raises UserError, which says what to do `instead`, for a pipeline that does not ask for both
    in one call, as `method` needs."""
    pictures = len({r.id for r in step.requests})
    if len(step.latents) != 2 * pictures:
        raise UserError(
            f"{method} needs a model that is asked with and without the prompt in one call (classifier-free "
            f"guidance, --guidance above 1); {instead}."
        )
    return pictures


class Composed:
    """One call of a denoiser under classifier-free guidance, for pictures and before them for the same
    without their prompts, asked for more texts at the same noisy latents.

    Every text is asked through whatever guardrail wraps the denoiser already, in a call of the usual form,
    and what such a guardrail remembers from step to step is kept apart for each.
    """

    def __init__(self, step: DenoiseStep, method: str) -> None:
        """Raises UserError for a pipeline that does not ask for both in one call, which `method` needs."""
        self._step = step
        self.pictures = guided_pictures(step, method, "use an attack on the prompt alone, such as typo")

    def guided(self, scale: float) -> Tensor:
        """ε(∅) + s (ε(c) − ε(∅)) with the texts that the pipeline itself gave: what it would go on with.
        Shape (pictures, channels, …)."""
        empty, prompted = self._step.predict().chunk(2)
        return signed(empty, [prompted], [scale])

    def along(self, terms: Sequence[Sequence[Term]]) -> Tensor:
        """Σ wᵢ d(cᵢ) for each picture, with the terms of each, of which some may have fewer than others.
        Shape (pictures, channels, …), as the denoiser predicts. Raises ValueError without any term."""
        most = max(map(len, terms))
        filled = [[*mine, *[("", 0.0)] * (most - len(mine))] for mine in terms]
        found = [self._weighted(number, column) for number, column in enumerate(zip(*filled, strict=True))]
        if not found:
            raise ValueError("there is nothing to compose")
        total = found[0]
        for one in found[1:]:
            total = total + one
        return total

    def _weighted(self, number: int, column: Sequence[Term]) -> Tensor:
        """w d(c) with one term a picture, the `number`-th of each."""
        import torch

        direction = self._direction(number, [text for text, _ in column])
        weights = torch.tensor([weight for _, weight in column]).to(direction)
        return weights.reshape(-1, *[1] * (direction.dim() - 1)) * direction

    def _direction(self, number: int, texts: Sequence[str]) -> Tensor:
        """d of one text a picture, the `number`-th of this step. ∅ is what the pipeline itself puts in the
        place of no negative prompt; where there is one, the empty text."""
        step = self._step
        none = step.said[""] if any(r.negative for r in step.requests) else None
        said = [none] * len(texts) + [step.said[text] for text in texts]
        empty, prompted = step.predict(
            arguments=worded(step.arguments, said, len(said)),
            memory=step.memory.setdefault(f"composed {number}", {}),
        ).chunk(2)
        return prompted - empty

    def sent(self, prediction: Tensor) -> Tensor:
        """What the denoiser is to return, so that the sampler goes on with `prediction`: the same with and
        without the prompt, of which any guidance makes the same again."""
        import torch

        both: Tensor = torch.cat([prediction, prediction])
        return both
