"""Learning token embeddings on a guarded model from pictures of the original one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from copycat.attacks.base import Victim
from copycat.attacks.inverting import Inversion
from copycat.attacks.names import renamed
from copycat.cards.hooks import Conditioning
from copycat.diffusion.schedule import random_timestep
from copycat.diffusion.tokens import (
    gradients_off,
    placeholders,
    text_encoders,
    token_embeddings,
    tokenizer_of,
)
from copycat.errors import UserError


class SoftSearch:
    """Free vectors in the place of a few tokens of one picture's prompt.

    Chance follows from `seed` and the picture's own noise seed alone.
    """

    def __init__(self, victim: Victim, *, tokens: int, pictures: int, lr: float, seed: int) -> None:
        """Draws the `pictures` of the original model that are learnt from. Raises UserError for a model
        without a text encoder, or without a schedule of noise levels."""
        self._inversion = Inversion(victim, "soft-prompt", pictures=pictures, seed=seed)
        pipeline, asked = victim.pipeline, victim.request.source_prompt
        self._victim, self._pipeline = victim, pipeline
        self._encoders = list(text_encoders(pipeline))
        if not self._encoders:
            raise UserError(
                f"soft-prompt learns embeddings of tokens, and {victim.card.title} has no text encoder; use "
                "an attack on the denoiser or on the weights."
            )
        self._places = placeholders(pipeline, [asked, *victim.character.spoken], tokens)
        put = " ".join(self._places)
        self.prompt = renamed(asked, victim.character, lambda _: put)
        """With the tokens in the place of the character's names, or before a prompt that has none."""
        if self.prompt == asked:
            self.prompt = f"{put} {asked}"
        self._vectors = {e: self._first(e) for e in self._encoders}
        self._optimiser = torch.optim.Adam(self._vectors.values(), lr=lr)

    def descend(self, steps: int) -> Conditioning:
        """The vectors after `steps` more of descent."""
        with gradients_off(self._pipeline):
            for _ in range(steps):
                found = torch.autograd.grad(self._error(), list(self._vectors.values()))
                for vectors, gradient in zip(self._vectors.values(), found, strict=True):
                    vectors.grad = gradient
                self._optimiser.step()
                self._victim.step()
        return Conditioning(
            tokens={
                encoder: {place: v.detach().clone() for place, v in zip(self._places, vectors, strict=True)}
                for encoder, vectors in self._vectors.items()
            }
        )

    def _error(self) -> Tensor:
        """E ‖ε_θ(z_t, t, v) − ε‖², over the pictures, at one random noise level."""
        given = {e: dict(zip(self._places, v, strict=True)) for e, v in self._vectors.items()}
        with token_embeddings(self._pipeline, given):
            said = self._inversion.tap.arguments([self.prompt], gradients=True)
        level = torch.rand(1, generator=self._inversion.chance).item()
        return self._inversion.error(said, random_timestep(self._pipeline.scheduler, level))

    def _first(self, encoder: str) -> Tensor:
        """Where a text encoder's vectors begin: the mean of the tokens of the character's generic words, for
        each of them. Shape (tokens, width)."""
        table: Any = getattr(self._pipeline, encoder).get_input_embeddings().weight
        tokenizer = tokenizer_of(self._pipeline, encoder)
        ids = tokenizer.encode(self._victim.character.generic, add_special_tokens=False)
        mean = table[torch.tensor(ids, device=table.device)].detach().float().mean(0)
        first: Tensor = mean.repeat(len(self._places), 1).requires_grad_(True)
        return first
