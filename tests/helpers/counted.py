"""Counting captions the slow way: one caption and one name after the other, by the rule's words alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from copycat.subjects.characters import Registry, normalise


@dataclass
class Slowly:
    """What :class:`copycat.counting.tally.Tally` counts."""

    captions: int = 0
    named: Counter[str] = field(default_factory=Counter)
    doubtful: Counter[str] = field(default_factory=Counter)
    by_name: Counter[str] = field(default_factory=Counter)
    """By normalised name; once a caption, whoever is called so."""
    words: dict[str, Counter[str]] = field(default_factory=dict)


def places(words: list[str], name: list[str]) -> list[tuple[int, int]]:
    """Where `name` stands in `words`: first and one past the last word."""
    return [(i, i + len(name)) for i in range(len(words) - len(name) + 1) if words[i : i + len(name)] == name]


def slowly(captions: Iterable[str], registry: Registry, *, distinct: bool = False) -> Slowly:
    """Count `captions`, empty ones left out; with `distinct` those that name somebody once each."""
    found, before = Slowly(), set[str]()
    for caption in captions:
        if not caption:
            continue
        found.captions += 1
        if distinct:
            if caption in before:
                continue
            before.add(caption)
        words = normalise(caption).split()
        names_here = set[str]()
        for c in registry.characters:
            names = {normalise(n) for n in c.spoken} - {""}
            others = [p for n in c.namesakes for p in places(words, normalise(n).split()) if normalise(n)]
            common = {normalise(w) for w in c.common_words}
            seen = [(n, p) for n in names for p in places(words, n.split())]
            if not seen:
                continue
            names_here |= {n for n, _ in seen}
            found.named[c.slug] += 1
            certain = [
                n
                for n, (low, high) in seen
                if n not in common
                and not any(a <= low and high <= b and (a, b) != (low, high) for a, b in others)
            ]
            found.doubtful[c.slug] += not certain
            found.words.setdefault(c.slug, Counter()).update(set(words))
        found.by_name.update(names_here)
    return found
