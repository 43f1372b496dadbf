"""UnlearnDiffAtk (Zhang et al. 2024): words before the prompt that bring an erased character back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from copycat.attacks.base import Attack, AttackOptions, Attempt, Victim
from copycat.cards.models import ModelCard
from copycat.errors import UserError

if TYPE_CHECKING:
    pass


class UDAtkOptions(AttackOptions):
    """Made for vocabularies of hundreds of words and seconds a search. The authors' search is
    `tokens=3,timesteps=50,steps=40,draws=1,lr=0.01,queries=51`, for a vocabulary of fifty thousand."""

    tokens: int = Field(default=5, ge=1)
    """k: words before the prompt, each one token for every text encoder of the model."""
    timesteps: int = Field(default=6, ge=1)
    """Noise levels, from the least to the most noise; the words after each of them are tried."""
    steps: int = Field(default=10, ge=1)
    """Of gradient descent at each noise level."""
    draws: int = Field(default=8, ge=1)
    """Of words and noise, that the error of one step is a mean over; one in the authors' code."""
    lr: float = Field(default=0.002, gt=0)
    """Of Adam. Where it is far above 1 / (words of the vocabulary), rows forget what earlier noise levels
    told."""
    decay: float = Field(default=0.1, ge=0)
    """Adam's weight decay."""
    seed: int = 0


class UDAtk(Attack[UDAtkOptions]):
    """Looks for words under which the guarded model denoises the original model's picture best."""

    name = "udatk"
    options = UDAtkOptions
    white_box = True

    def check(self, card: ModelCard) -> None:
        super().check(card)
        if card.sampling.frames:
            raise UserError(
                f"{self.name} is for pictures, and {card.title} makes videos; use an attack on the prompt "
                "alone, such as typo."
            )

    def attempts(self, victim: Victim) -> Iterator[Attempt]:
        """The k words c' before the prompt c minimise E ‖ε_θ(z_t, t, [c'; c]) − ε‖² for z_t noised from the
        latents that the original model draws of c, with one noise level t after another."""
        # It brings torch.
        from copycat.attacks.prefix import PrefixSearch

        request, o = victim.request, self.config
        search = PrefixSearch(victim, tokens=o.tokens, draws=o.draws, lr=o.lr, decay=o.decay, seed=o.seed)
        seen: set[str] = set()
        for number in range(o.timesteps):
            words = search.descend((number + 0.5) / o.timesteps, o.steps)
            prompt = " ".join([*words, request.source_prompt])
            if prompt not in seen:
                seen.add(prompt)
                yield Attempt(prompt=prompt)
