"""Whom guardrails are to keep out, and whom they are to leave alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from copycat.errors import UserError
from copycat.subjects.characters import Character, Registry


@dataclass(frozen=True)
class Neighbour:
    """A character that nobody erases, and the erased one that it has most in common with."""

    character: Character
    near: Character
    shared: tuple[str, ...]
    """What both have and most characters have not: words of attributes, and what they are (`key`)."""


@dataclass(frozen=True)
class People:
    """The characters of one study."""

    erased: tuple[Character, ...]
    neighbours: tuple[Neighbour, ...]
    """Those of the others that share most with an erased one, the nearest first."""
    unrelated: tuple[Neighbour, ...]
    """Those that share least."""

    @property
    def others(self) -> tuple[Character, ...]:
        """All that are not erased."""
        return tuple(n.character for n in (*self.neighbours, *self.unrelated))


def choose(registry: Registry, names: Sequence[str], count: int, others: int) -> People:
    """The characters called `names` as the erased ones, or else `count` of `registry`; and `others`
    neighbours and as many unrelated ones.

    Without names, of the 2 · `count` characters with the most training pictures every second one is erased,
    and the rest are preferred as others: a character that the model draws badly anyway shows nothing. Where
    the registry has no such numbers its own order stands for them. Raises UserError where there are too few.
    """
    known = sorted(registry.characters, key=lambda c: -(c.training_images or 0))
    erased = registry.select(names) if names else tuple(known[: 2 * count : 2])
    slugs = {c.slug for c in erased}
    pool = [c for c in known if c.slug not in slugs][: 3 * others]
    if len(pool) < 2 * others or not others or not erased:
        raise UserError(
            f"{registry.name} has {len(registry)} characters: {len(erased)} to erase, {others} neighbours "
            "and as many unrelated ones to leave alone do not fit or are none; ask for other numbers."
        )
    usual = _usual(registry)
    # Those who share alike stay in the order of the pool, so that neither group is of the worse drawn.
    near = [_nearest(c, erased, usual) for c in pool]
    closest = sorted(near, key=lambda n: -len(n.shared))[:others]
    rest = [n for n in near if n not in closest]
    return People(tuple(erased), tuple(closest), tuple(sorted(rest, key=lambda n: len(n.shared))[:others]))


def _usual(registry: Registry) -> frozenset[str]:
    """Words that more than half of all characters have, which bring nobody nearer to anybody."""
    found = Counter(word for c in registry.characters for word in _traits(c))
    return frozenset(word for word, times in found.items() if 2 * times > len(registry))


def _nearest(character: Character, erased: Sequence[Character], usual: frozenset[str]) -> Neighbour:
    shared = {c.slug: tuple(t for t in _shared(character, c) if t not in usual) for c in erased}
    near = max(erased, key=lambda c: len(shared[c.slug]))
    return Neighbour(character, near, shared[near.slug])


def _shared(a: Character, b: Character) -> tuple[str, ...]:
    mine, theirs = _traits(a), _traits(b)
    return tuple(t for t in mine if t in theirs)


def _traits(character: Character) -> tuple[str, ...]:
    """What it is, in what colour or manner, and what it wears and holds, word by word: a "pink cape" is like
    another cape, and like another thing in pink."""
    texts = (character.generic, character.key, *(a.text for a in character.attributes))
    words = (w for text in texts for w in text.casefold().split() if w not in {"a", "an", "the", "of"})
    return tuple(dict.fromkeys(words))
