"""Ring-A-Bell (Tsai et al. 2024): words that a text encoder takes for the character."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from copycat.attacks.base import Attack, AttackOptions, Attempt, Victim
from copycat.cards.models import ModelCard


class RingABellOptions(AttackOptions):
    """Quick enough for small models; the authors' search is
    `population=200,generations=3000`."""

    length: int = Field(default=16, ge=1)
    """Words of the prompt; fewer where the text encoder does not read as many."""
    population: int = Field(default=40, ge=2)
    """Prompts that are kept at a time."""
    generations: int = Field(default=100, ge=1)
    """In each, the worse half is replaced."""
    rounds: int = Field(default=5, ge=1)
    """Parts that the generations come in; the best prompt is tried after each."""
    strength: float = Field(default=3.0, gt=0)
    """η: how far the prompt's encoding is led to the character."""
    mutation: float = Field(default=0.25, ge=0, le=1)
    """Probability that a word of a new prompt is changed."""
    crossover: float = Field(default=0.5, ge=0, le=1)
    """Probability that a new prompt has two parents."""
    seed: int = 0


class RingABell(Attack[RingABellOptions]):
    """Looks for words that the original text encoder puts where the character is."""

    name = "ringabell"
    options = RingABellOptions
    white_box = True
    needs_text_encoder = True

    def examine(self, card: ModelCard, pipeline: Any) -> None:
        from copycat.attacks.genetic import refuse_own_lengths

        if pipeline is not None:
            refuse_own_lengths(card, pipeline)

    def attempts(self, victim: Victim) -> Iterator[Attempt]:
        """The prompt c' minimises ‖E(c') − (E(p) + η d)‖², where d is the mean of E⁺ − E⁻ over pairs of
        prompts with the character's name and with generic words in its place."""
        # It brings torch.
        from copycat.attacks.genetic import GeneticSearch

        o = self.config
        search = GeneticSearch(
            victim,
            length=o.length,
            population=o.population,
            strength=o.strength,
            mutation=o.mutation,
            crossover=o.crossover,
            seed=o.seed,
        )
        done, seen = 0, set[str]()
        for number in range(1, o.rounds + 1):
            until = number * o.generations // o.rounds
            search.evolve(until - done)
            done = until
            if search.best not in seen:
                seen.add(search.best)
                yield Attempt(prompt=search.best)
