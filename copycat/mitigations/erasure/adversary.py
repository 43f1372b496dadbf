"""Looking for token embeddings that bring an erased concept back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from copycat.diffusion.tap import Call, predict
from copycat.diffusion.tokens import placeholders, text_encoders, token_embeddings
from copycat.mitigations.erasure.training import Lesson, squared_error

Vectors = dict[str, Tensor]
"""By text encoder: (tokens, width)."""


class Adversary:
    """Free vectors in the place of a few tokens before a prompt."""

    def __init__(self, lesson: Lesson, prompts: Sequence[str], *, tokens: int) -> None:
        """`tokens` are how many vectors there are; the words that hold their places occur in none of
        `prompts`."""
        self._lesson = lesson
        self._encoders = list(text_encoders(lesson.pipeline))
        self._places = placeholders(lesson.pipeline, prompts, tokens)

    def say(self, prompt: str, vectors: Vectors) -> Call:
        """What the denoiser is given for `prompt` behind these vectors; differentiable in them and in the
        text encoders."""
        given = {e: dict(zip(self._places, vectors[e], strict=True)) for e in self._encoders}
        with token_embeddings(self._lesson.pipeline, given):
            return self._lesson.tap.arguments([" ".join([*self._places, prompt])], gradients=True)

    def attack(self, at: Call, prompt: str, *, steps: int, lr: float, sign: bool, seed: int) -> Vectors:
        """Vectors under which the model predicts at `at` what the original did for `prompt` (Zhang et al.
        2024, equation 5), from random rows of the vocabulary."""
        vectors = {e: self._first(e, seed) for e in self._encoders}
        with torch.no_grad():
            wanted = predict(self._lesson.teacher, at.of(self._lesson.say(prompt)))
        optimiser = torch.optim.Adam(vectors.values(), lr=lr)
        for _ in range(steps):
            error = squared_error(predict(self._lesson.student, at.of(self.say(prompt, vectors))), wanted)
            found = torch.autograd.grad(error, list(vectors.values()))
            for vector, gradient in zip(vectors.values(), found, strict=True):
                vector.grad = gradient.sign() if sign else gradient
            optimiser.step()
        return {e: v.detach() for e, v in vectors.items()}

    def _first(self, encoder: str, seed: int) -> Tensor:
        table: Any = getattr(self._lesson.pipeline, encoder).get_input_embeddings().weight
        chance = torch.Generator().manual_seed(seed)
        rows = torch.randint(0, len(table), (len(self._places),), generator=chance)
        first: Tensor = table[rows.to(table.device)].detach().clone().requires_grad_(True)
        return first
