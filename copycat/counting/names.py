"""The names that are looked for in captions, and whose each of them is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from copycat.counting.automaton import Automaton
from copycat.counting.sieve import Sieve
from copycat.errors import UserError
from copycat.io.paths import DATA
from copycat.subjects.characters import Character, Registry, normalise

_STOP = DATA / "keywords" / "stop.txt"


@dataclass(frozen=True)
class Concept:
    """Who or what is counted, with its names as they are compared."""

    slug: str
    title: str
    """What people call it."""
    names: tuple[str, ...]
    """Normalised, each once; never empty."""
    common: tuple[str, ...] = ()
    """Those of `names` that are words of the language too."""
    namesakes: tuple[str, ...] = ()
    """Normalised names of others that hold one of its own."""


@dataclass(frozen=True)
class Occurrences:
    """Names in a joined text, each with one whom it names; all of shape (occurrences,)."""

    caption: npt.NDArray[np.int64]
    concept: npt.NDArray[np.int64]
    name: npt.NDArray[np.int64]
    """Its number in :attr:`Names.spellings`."""
    plain: npt.NDArray[np.bool_]
    """Whether it can hardly mean anything else: no word of the language, and no part of a namesake."""


def concepts(registries: Iterable[Registry], *, any_name: bool = False) -> tuple[Concept, ...]:
    """Every character of `registries`, in their order.

    Raises UserError for a slug that two of them have, for a character none of whose names holds a letter or
    digit, and, unless `any_name`, for a name that is a function word and so stands in most captions.
    """
    return tuple(_concept(c, registry.noun, any_name) for registry, c in everybody(registries))


def everybody(registries: Iterable[Registry]) -> Iterator[tuple[Registry, Character]]:
    """Every character of `registries` with the registry it is from, in their order.

    Raises UserError for a slug that two of them have, and where there is nobody.
    """
    seen: set[str] = set()
    for registry in registries:
        for c in registry.characters:
            if c.slug in seen:
                raise UserError(
                    f"Two of the registries have a {registry.noun} {c.slug}; count them one after the other."
                )
            seen.add(c.slug)
            yield registry, c
    if not seen:
        raise UserError("The registry has nobody to count.")


def _concept(c: Character, noun: str, any_name: bool) -> Concept:
    names = tuple(dict.fromkeys(n for n in map(normalise, c.spoken) if n))
    if not names:
        raise UserError(
            f"No name of the {noun} {c.slug} holds a letter or digit, so it would match every caption; give "
            "it a name in letters."
        )
    stop = set() if any_name else _function_words()
    everywhere = next((n for n in names if n in stop), None)
    if everywhere is not None:
        raise UserError(
            f"'{everywhere}', a name of the {noun} {c.slug}, is a word that stands in very many captions; "
            "take it out of the registry, or count it all the same with --any-name."
        )
    common = {normalise(w) for w in c.common_words}
    namesakes = tuple(dict.fromkeys(n for n in map(normalise, c.namesakes) if n))
    return Concept(c.slug, c.name, names, tuple(n for n in names if n in common), namesakes)


def _function_words() -> set[str]:
    return set(_STOP.read_text(encoding="utf-8").split())


class Names:
    """Finds the names of many concepts in a joined text with one look at each byte.

    A name is found where it stands as whole words, in any case, accents and punctuation: what
    :meth:`copycat.subjects.characters.Registry.mentioned` finds. Needs the package ahocorasick-rs; raises
    MissingRequirement without it.
    """

    def __init__(self, people: Sequence[Concept]) -> None:
        self.concepts = tuple(people)
        self.spellings = tuple(sorted({n for c in self.concepts for n in (*c.names, *c.namesakes)}))
        number = {spelling: i for i, spelling in enumerate(self.spellings)}
        bearers: list[list[tuple[int, bool]]] = [[] for _ in self.spellings]
        others: dict[int, list[int]] = {}
        for i, c in enumerate(self.concepts):
            for name in c.names:
                bearers[number[name]].append((i, name not in c.common))
            for name in c.namesakes:
                others.setdefault(number[name], []).append(i)
        self._others = others
        self._first = np.cumsum([0, *map(len, bearers)])
        self._whose = np.array([i for b in bearers for i, _ in b], np.int64)
        self._certain = np.array([certain for b in bearers for _, certain in b], bool)

        self._automaton = Automaton([f" {spelling} ".encode() for spelling in self.spellings])
        self.sieve = Sieve({n for c in self.concepts for n in c.names}, _function_words())

    def find(self, text: bytes, ends: npt.NDArray[np.intp]) -> Occurrences:
        """Every name in `text`, whose captions end at `ends`; see :class:`copycat.counting.text.Joined`."""
        # Names next to one another share the space between them, so matches must be allowed to overlap.
        name, start, end = self._automaton.find(text)
        caption = np.searchsorted(ends, start, side="right").astype(np.int64)
        many = self._first[name + 1] - self._first[name]
        at = np.repeat(np.arange(len(name)), many)
        bearer = np.arange(len(at)) - np.repeat(np.cumsum(many) - many, many) + self._first[name][at]
        concept = self._whose[bearer]
        plain = self._certain[bearer]
        for other, which in self._inside(name, start, end):
            plain &= ~(which[at] & np.isin(concept, self._others[other]))
        return Occurrences(caption[at], concept, name[at], plain)

    def _inside(self, name: Any, start: Any, end: Any) -> Iterator[tuple[int, Any]]:
        """For each namesake that is there: its number, and which matches stand inside of one of it."""
        for other in self._others:
            theirs = np.flatnonzero(name == other)
            if not len(theirs):
                continue
            # Occurrences of one spelling come in order, and their starts and ends rise together.
            before = np.searchsorted(start[theirs], start, side="right") - 1
            inside = (before >= 0) & (end <= end[theirs][before]) & (name != other)
            yield other, inside
