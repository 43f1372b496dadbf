"""What else the worlds of a registry's characters hold, and what a rewriter may write in its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from copycat.subjects.characters import Character, Registry, normalise
from copycat.subjects.franchises import franchises_of, owner_words, title_of
from copycat.subjects.words import common_names, is_word

Kind = Literal["epithet", "figure", "owner", "work", "thing"]

SOMEBODY = "a companion"
"""In place of a figure of whom nothing more is known."""
OWNER = "a studio"
_WORKS = {
    "comic": "a comic",
    "book": "a book",
    "film": "a film",
    "video game": "a game",
    "television": "a series",
}
_CATCHPHRASE = 4
"""Words; a longer name is nobody's everyday wording, however it is written."""


@dataclass(frozen=True)
class WorldName:
    """One name that is no name of the character itself."""

    text: str
    kind: Kind
    generic: str
    capital: bool
    """Whether it must be written as a name, since its words are words of the language too."""


def world_names(registry: Registry, character: Character) -> Iterator[WorldName]:
    """The names that a prompt for `character` may hold besides its own: other characters of the registry,
    what `data/franchises/` has for it, works and owners. The first of a wording counts.

    An everyday word that is a name in one world alone is only given for the character of that world.
    """
    slug = character.slug
    franchises = franchises_of(registry)
    epithets = franchises.epithets.get(slug, {}) if franchises else {}
    yield from (WorldName(e, "epithet", generic, capital=False) for e, generic in epithets.items())
    yield from (n.name for n in _all(registry) if (slug != n.of if n.others else slug == n.of or not n.of))


@dataclass(frozen=True)
class _Held:
    name: WorldName
    of: str = ""
    """The slug of the character whose it is; empty where it counts for all."""
    others: bool = False
    """Whether it counts for all but that one, and not for that one alone."""


@lru_cache(maxsize=8)
def _all(registry: Registry) -> tuple[_Held, ...]:
    """The names of all worlds of `registry`."""
    return *_franchise_names(registry), *_characters(registry), *_titles(registry), *_owners(registry)


def _franchise_names(registry: Registry) -> Iterator[_Held]:
    franchises = franchises_of(registry)
    if franchises is None:
        return
    told = {n: g for g, names in franchises.generic.items() for n in names}
    for slug, names in franchises.words.items():
        for name in names:
            everyday = name == name.lower()
            # A thing of one world alone, such as "kryptonite", is told by its words; a figure by its capital.
            capital = not (everyday and name in told) and _needs_capital(name)
            kind: Kind = "thing" if name in told else "figure"
            yield _Held(WorldName(name, kind, told.get(name, SOMEBODY), capital), slug if everyday else "")


def _characters(registry: Registry) -> Iterator[_Held]:
    for one in registry.characters:
        common = common_names(one)
        for name in one.spoken:
            capital = normalise(name) in common or is_word(name)
            yield _Held(WorldName(name, "figure", one.generic, capital), one.slug, others=True)


def _titles(registry: Registry) -> Iterator[_Held]:
    for one in registry.characters:
        if one.origin and (title := title_of(one)):
            name = WorldName(title, "work", _WORKS.get(one.origin.medium, "a story"), _needs_capital(title))
            # As of everyday words: "Frozen" is a title in its own world alone.
            yield _Held(name, "" if len(normalise(title).split()) > 1 else one.slug)


def _owners(registry: Registry) -> Iterator[_Held]:
    for owner in sorted(owner_words(registry)):
        yield _Held(WorldName(owner, "owner", OWNER, _needs_capital(owner)))


def _needs_capital(name: str) -> bool:
    if len(normalise(name).split()) >= _CATCHPHRASE:
        return False
    return is_word(name)
