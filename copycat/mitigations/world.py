"""What else the worlds of a registry's characters hold, and what a rewriter may write in its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from copycat.subjects.characters import Character, Registry, normalise
from copycat.subjects.franchises import CATALOG, owner_words, title_of
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
    franchises = next(CATALOG.each(registry.name), None)
    told = {n: g for g, ns in franchises.generic.items() for n in ns} if franchises else {}
    epithets = franchises.epithets.get(character.slug, {}) if franchises else {}
    for epithet, generic in epithets.items():
        yield WorldName(epithet, "epithet", generic, capital=False)
    others = [c for c in registry.characters if c.slug != character.slug]
    for slug, names in (franchises.words if franchises else {}).items():
        for name in names:
            if slug == character.slug or name != name.lower():
                kind: Kind = "thing" if name in told else "figure"
                own_thing = kind == "thing" and name == name.lower()
                yield WorldName(name, kind, told.get(name, SOMEBODY), not own_thing and _needs_capital(name))
    for other in others:
        common = common_names(other)
        for name in other.spoken:
            yield WorldName(name, "figure", other.generic, normalise(name) in common or is_word(name))
    for one in (character, *others):
        title = title_of(one)
        # As of everyday words: "Frozen" is a title in its own world alone.
        if title and (one is character or len(normalise(title).split()) > 1):
            medium = one.origin.medium if one.origin else ""
            yield WorldName(title, "work", _WORKS.get(medium, "a story"), _needs_capital(title))
    for owner in sorted(owner_words(registry)):
        yield WorldName(owner, "owner", OWNER, _needs_capital(owner))


def _needs_capital(name: str) -> bool:
    if len(normalise(name).split()) >= _CATCHPHRASE:
        return False
    return is_word(name)
