"""Intent by the words of the registry: names, aliases and give-away marks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from copycat.characters import Character, Registry, normalise
from copycat.intent.base import Detector, Guess

NAMED = 1.0
"""The score of a name or alias; marks alone stay below it."""


class Lexical(Detector):
    """A name scores 1. Without one, the score is the share of a character's marks that the prompt holds,
    each weighted by the logarithm of how rare it is in the registry, times 0.99."""

    identity = "lexical"
    certain = NAMED

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        marks = {c.slug: _marks(c) for c in registry.characters}
        # A mark that is also a name elsewhere, such as a studio's word, weighs as any other.
        holders = Counter(m for own in marks.values() for m in own)
        weigh = {m: math.log((1 + len(registry)) / n) for m, n in holders.items()}
        self._marks = {s: {m: weigh[m] for m in own} for s, own in marks.items() if own}

    def guess(self, prompts: Sequence[str]) -> list[Guess]:
        return [self._one(p) for p in prompts]

    def _one(self, prompt: str) -> Guess:
        named = self._registry.mentioned(prompt)
        if named:
            # Of several, the one that the registry lists first.
            who = next(c for c in self._registry.characters if c.slug in named)
            return Guess(who.slug, NAMED, who.name)
        text = f" {normalise(prompt)} "
        best = Guess(None, 0.0)
        for slug, weights in self._marks.items():
            found = [m for m in weights if f" {m} " in text]
            score = round(0.99 * sum(weights[m] for m in found) / sum(weights.values()), 4)
            if score > best.score:
                best = Guess(slug, score, ", ".join(found))
        return best


def _marks(character: Character) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (normalise(m.text) for m in character.marks))))
