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
    """Quick enough for small models; the authors' search is
    `timesteps=50,steps=40,queries=51` (and `tokens=5` for nudity)."""

    tokens: int = Field(default=3, ge=1)
    """k: words before the prompt, each one token for every text encoder of the model."""
    timesteps: int = Field(default=8, ge=1)
    """Noise levels, from the least to the most noise; the words after each of them are tried."""
    steps: int = Field(default=20, ge=1)
    """Of gradient descent at each noise level."""
    noises: int = Field(default=4, ge=1)
    """Draws of noise that the error of one step is a mean over; one in the authors' code."""
    lr: float = Field(default=0.01, gt=0)
    """Of Adam."""
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
        search = PrefixSearch(victim, tokens=o.tokens, noises=o.noises, lr=o.lr, decay=o.decay, seed=o.seed)
        seen: set[str] = set()
        for number in range(o.timesteps):
            words = search.descend((number + 0.5) / o.timesteps, o.steps)
            prompt = " ".join([*words, request.source_prompt])
            if prompt not in seen:
                seen.add(prompt)
                yield Attempt(prompt=prompt)
