"""The relaxation that UnlearnDiffAtk descends on: k words before a prompt, of one pipeline's vocabulary."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from copycat.attacks.base import Victim
from copycat.attacks.inverting import Inversion
from copycat.attacks.simplex import drawn, projected
from copycat.diffusion.schedule import random_timestep
from copycat.diffusion.tap import Call
from copycat.diffusion.tokens import gradients_off, placeholders, token_embeddings, vocabulary


class PrefixSearch:
    """Words before one picture's prompt, warm from one noise level to the next.

    Chance follows from `seed` and the picture's own noise seed alone.
    """

    def __init__(
        self, victim: Victim, *, tokens: int, draws: int, lr: float, decay: float, seed: int
    ) -> None:
        """The error of one step is a mean over `draws`, each of words and of noise. Raises UserError for a
        model without a schedule of noise levels, and for one that has too few words to hold places for
        so many tokens."""
        self._inversion = Inversion(victim, "udatk", pictures=1, seed=seed)
        self._victim, self._pipeline, self._prompt = victim, victim.pipeline, victim.request.source_prompt
        self._lr, self._decay, self._tokens, self._draws = lr, decay, tokens, draws
        # Gradients need several times the memory of drawing.
        self._at_once = max(1, min(draws, victim.card.batch_size // 4))
        self._words = vocabulary(self._pipeline)
        self._places = placeholders(self._pipeline, [self._prompt], tokens * self._at_once)
        size = len(self._words.words)
        self._rows = torch.full((tokens, size), 1 / size, device=self._inversion.latents.device)

    def descend(self, level: float, steps: int) -> list[str]:
        """The most likely words after `steps` of descent at one noise `level`, in [0, 1): 0 is none."""
        at = random_timestep(self._pipeline.scheduler, level)
        rows = self._rows.clone().requires_grad_(True)
        optimiser = torch.optim.Adam([rows], lr=self._lr, weight_decay=self._decay)
        with gradients_off(self._pipeline):
            for _ in range(steps):
                rows.grad = self._gradient(rows, at)
                optimiser.step()
                with torch.no_grad():
                    rows.copy_(projected(rows))
                self._victim.step()
        self._rows = rows.detach()
        return [self._words.words[i] for i in self._rows.argmax(1).tolist()]

    def _gradient(self, rows: Tensor, at: Tensor) -> Tensor:
        """Of the mean error of all draws of one step, in `rows`; as many draws at once as memory is likely to
        suffice for."""
        found = torch.zeros_like(rows)
        for first in range(0, self._draws, self._at_once):
            count = min(self._at_once, self._draws - first)
            (part,) = torch.autograd.grad(self._error(rows, at, count), [rows])
            found += part * (count / self._draws)
        return found

    def _error(self, rows: Tensor, at: Tensor, draws: int) -> Tensor:
        """The mean squared error of the guarded model's predictions for so many draws of noise, each under
        words that are drawn by `rows`."""
        chosen = drawn(rows.repeat(draws, 1), self._inversion.chance)
        return self._inversion.error(self._said(chosen), at, draws)

    def _said(self, chosen: Tensor) -> Call:
        """What the denoiser is given for the words that `chosen`, one-hot rows, name before the prompt: those
        of one draw after another, a prompt each."""
        vectors: dict[str, dict[str, Tensor]] = {}
        for encoder, ids in self._words.ids.items():
            table: Any = getattr(self._pipeline, encoder).get_input_embeddings().weight
            found = chosen.to(table) @ table[ids.to(table.device)]
            # Every draw has placeholders of its own.
            vectors[encoder] = dict(zip(self._places, found, strict=False))
        prefixes = [self._places[i : i + self._tokens] for i in range(0, len(chosen), self._tokens)]
        with token_embeddings(self._pipeline, vectors):
            prompts = [" ".join([*prefix, self._prompt]) for prefix in prefixes]
            return self._inversion.tap.arguments(prompts, gradients=True)
