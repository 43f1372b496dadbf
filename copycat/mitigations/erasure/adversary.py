"""Looking for token embeddings that bring an erased concept back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from copycat.diffusion.tap import Call, predict
from copycat.diffusion.tokens import placeholders, text_encoders, token_embeddings
from copycat.mitigations.erasure.training import Lesson, Prompts, listed, squared_error

Vectors = dict[str, Tensor]
"""By text encoder: (prompts, tokens, width)."""


class Adversary:
    """Free vectors in the place of a few tokens before a prompt."""

    def __init__(self, lesson: Lesson, prompts: Sequence[str], *, tokens: int) -> None:
        """`tokens` are how many vectors there are; the words that hold their places occur in none of
        `prompts`."""
        self._lesson = lesson
        self._encoders = list(text_encoders(lesson.pipeline))
        self._places = placeholders(lesson.pipeline, prompts, tokens)

    def say(self, prompts: Prompts, vectors: Vectors) -> Call:
        """What the denoiser is given for `prompts`, each behind vectors of its own; differentiable in them
        and in the text encoders."""
        texts = [" ".join([*self._places, prompt]) for prompt in listed(prompts)]
        given = {e: {place: vectors[e][:, i] for i, place in enumerate(self._places)} for e in self._encoders}
        with token_embeddings(self._lesson.pipeline, given):
            return self._lesson.tap.arguments(texts, gradients=True)

    def attack(self, at: Call, prompts: Prompts, *, steps: int, lr: float, sign: bool, seed: int) -> Vectors:
        """Vectors under which the model predicts at `at` what the original did for `prompts`, a row each
        (Zhang et al. 2024, equation 5), from random rows of the vocabulary."""
        asked = listed(prompts)
        vectors = {e: self._first(e, len(asked), seed) for e in self._encoders}
        with torch.no_grad():
            wanted = predict(self._lesson.teacher, at.of(self._lesson.say(asked)))
        optimiser = torch.optim.Adam(vectors.values(), lr=lr)
        for _ in range(steps):
            error = squared_error(predict(self._lesson.student, at.of(self.say(asked, vectors))), wanted)
            # Of the sum over the prompts, since each has an adversary of its own.
            found = torch.autograd.grad(error * len(asked), list(vectors.values()))
            for vector, gradient in zip(vectors.values(), found, strict=True):
                vector.grad = gradient.sign() if sign else gradient
            optimiser.step()
        return {e: v.detach() for e, v in vectors.items()}

    def _first(self, encoder: str, prompts: int, seed: int) -> Tensor:
        table: Any = getattr(self._lesson.pipeline, encoder).get_input_embeddings().weight
        chance = torch.Generator().manual_seed(seed)
        rows = torch.randint(0, len(table), (prompts, len(self._places)), generator=chance)
        first: Tensor = table[rows.to(table.device)].detach().clone().requires_grad_(True)
        return first
