"""UnlearnDiffAtk (Zhang et al. 2024): words before the prompt that bring an erased character back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from copycat.attacks.base import Attack, AttackOptions, Attempt, Victim


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
    names: bool = False
    """Whether words of the character's names may be chosen where the prompt does not say the name; where it
    does they may be in any case."""
    seed: int = 0

    @model_serializer(mode="wrap")
    def _bare(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As searches were written before there was `names`: without it where it is not set."""
        row: dict[str, Any] = dump(self)
        return row if self.names else {k: v for k, v in row.items() if k != "names"}


class UDAtk(Attack[UDAtkOptions]):
    """Looks for words under which the guarded model denoises the original model's picture best."""

    name = "udatk"
    options = UDAtkOptions
    white_box = True
    needs_pictures = True
    needs_text_encoder = True
    needs_schedule = True

    def attempts(self, victim: Victim) -> Iterator[Attempt]:
        """The k words c' before the prompt c minimise E ‖ε_θ(z_t, t, [c'; c]) − ε‖² for z_t noised from the
        latents that the original model draws of c, with one noise level t after another."""
        # It brings torch.
        from copycat.attacks.prefix import PrefixSearch

        request, o = victim.request, self.config
        search = PrefixSearch(
            victim, tokens=o.tokens, draws=o.draws, lr=o.lr, decay=o.decay, seed=o.seed, names=o.names
        )
        seen: set[str] = set()
        for number in range(o.timesteps):
            words = search.descend((number + 0.5) / o.timesteps, o.steps)
            prompt = " ".join([*words, request.source_prompt])
            if prompt not in seen:
                seen.add(prompt)
                yield Attempt(prompt=prompt)
