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


def places(text: str, names: Iterable[str]) -> list[tuple[str, int, int]]:
    """Where each of `names` stands in the normalised `text`: it, its first and one past its last word."""
    words, found = text.split(), []
    for name in names:
        if f" {name} " not in f" {text} ":
            continue
        size = len(name.split())
        for i in range(len(words) - size + 1):
            if " ".join(words[i : i + size]) == name:
                found.append((name, i, i + size))
    return found


def slowly(captions: Iterable[str], *registries: Registry, distinct: bool = False) -> Slowly:
    """Count `captions`, empty ones left out; with `distinct` those that name somebody once each."""
    people = [
        (
            c.slug,
            {normalise(n) for n in c.spoken} - {""},
            {normalise(n) for n in c.namesakes} - {""},
            {normalise(w) for w in c.common_words},
        )
        for registry in registries
        for c in registry.characters
    ]
    found, before = Slowly(), set[str]()
    for caption in captions:
        if not caption:
            continue
        found.captions += 1
        if distinct:
            if caption in before:
                continue
            before.add(caption)
        text = normalise(caption)
        names_here = set[str]()
        for slug, names, namesakes, common in people:
            seen = places(text, names)
            if not seen:
                continue
            others = places(text, namesakes)
            names_here |= {n for n, _, _ in seen}
            found.named[slug] += 1
            certain = [
                n
                for n, low, high in seen
                if n not in common and not any(n != o and a <= low and high <= b for o, a, b in others)
            ]
            found.doubtful[slug] += not certain
            found.words.setdefault(slug, Counter()).update(set(text.split()))
        found.by_name.update(names_here)
    return found
