"""Intent by the words of the registry: names, aliases and distinguishing attributes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from copycat.intent.base import Detector, Guess
from copycat.subjects.characters import Character, Registry, normalise

NAMED = 1.0
"""The score of a name or alias; attributes alone stay below it."""


class Lexical(Detector):
    """A name scores 1. Without one, the score is the share of a character's distinguishing attributes that
    the prompt holds, each weighted by the logarithm of how rare it is in the registry, times 0.99."""

    identity = "lexical"
    certain = NAMED

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        attributes = {c.slug: _attributes(c) for c in registry.characters}
        # An attribute that is also a name elsewhere, such as a studio's word, weighs as any other.
        holders = Counter(a for own in attributes.values() for a in own)
        weigh = {a: math.log((1 + len(registry)) / n) for a, n in holders.items()}
        self._weights = {s: {a: weigh[a] for a in own} for s, own in attributes.items() if own}

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
        for slug, weights in self._weights.items():
            found = [a for a in weights if f" {a} " in text]
            score = round(0.99 * sum(weights[a] for a in found) / sum(weights.values()), 4)
            if score > best.score:
                best = Guess(slug, score, ", ".join(found))
        return best


def _attributes(character: Character) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (normalise(a.text) for a in character.attributes))))
