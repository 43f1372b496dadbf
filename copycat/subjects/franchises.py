"""Names that are no generic words: of owners, of works, and of what else the characters' worlds hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Literal

from pydantic import Field

from copycat.cards.catalog import Catalog
from copycat.io.paths import DATA
from copycat.io.yaml_file import read_yaml
from copycat.records import Row
from copycat.subjects.characters import Character, Registry, normalise

Named = Literal["character", "owner", "work", "world"]
"""What a word may name: a character, a rights owner, a work, or something else of a character's world."""
EVERYDAY_FILE = DATA / "keywords" / "everyday.txt"
"""Everyday words that owners' names are made of: "game", "television", "blue", "house"."""
_NUMBER = re.compile(r"\s*(?:#\d+|\([^)]*\))")
"""The number of an issue or what kind of work it is: "Iron Man #55", "Peter Pan (play)"."""


class Franchises(Row):
    """Side characters, places and named things of the worlds of a registry; see data/franchises/."""

    registry: str
    version: int
    source: str
    """How the list came about."""
    words: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By slug. A name with a capital counts for every character, also inside a phrase. An everyday word that
    is a name in this one's world alone ("toad") is in lower case, and counts there alone and by itself."""
    works: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By slug further works and series that this one is in, as people name them, for the reader of judges'
    replies alone: a miner and a rewriter take no notice of them."""
    crossovers: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """The same by owner, as the registry writes it: where its figures meet."""
    generic: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """What a rewriter may write in place of those of `words` that are no figures: "a city", with cities."""
    epithets: dict[str, dict[str, str]] = Field(default_factory=dict)
    """By slug what people call this character, or it says and does, besides its names, and what a rewriter
    may write in its place. It is no name: a miner takes no notice of it."""


CATALOG: Catalog[Franchises] = Catalog(
    "franchises",
    singular="list of franchise words",
    folder=DATA / "franchises",
    parse=lambda path: read_yaml(path, Franchises, "list of franchise words"),
)
"""Lists of franchise words, called as their registry."""

_Words = tuple[str, ...]


class Names:
    """Finds the names in a word or phrase that is meant to be generic."""

    def __init__(self, registry: Registry, franchises: Franchises | None) -> None:
        self._registry = registry
        self._owners = _phrases(owner_words(registry))
        worlds: Mapping[str, _Words] = franchises.words if franchises else {}
        titles = {c.slug: title_of(c) for c in registry.characters if c.origin}
        # "Frozen" and "Cars" are names in their own world alone; "Toy Story" is one everywhere.
        self._works = _phrases(t for t in titles.values() if len(normalise(t).split()) > 1)
        self._own_works = {slug: _phrases([title]) for slug, title in titles.items()}
        self._world = _phrases(w for ws in worlds.values() for w in ws if w != w.lower())
        self._everyday = {slug: _phrases(w for w in ws if w == w.lower()) for slug, ws in worlds.items()}

    def found(self, text: str, slug: str = "") -> list[tuple[Named, str]]:
        """What `text`, about the character `slug`, names: of which kind, and the name, normalised.

        A name stands in `text` as whole words; case, accents and punctuation do not matter.
        """
        words = tuple(normalise(text).split())
        told: list[tuple[Named, str]] = [
            ("character", self._registry[who].name) for who in sorted(self._registry.mentioned(text))
        ]
        kinds: tuple[tuple[Named, frozenset[_Words]], ...] = (
            ("owner", self._owners),
            ("work", self._works | self._own_works.get(slug, frozenset())),
            ("world", self._world),
        )
        for kind, names in kinds:
            told += [(kind, " ".join(name)) for name in _inside(words, names)]
        if words in self._everyday.get(slug, ()):
            told.append(("world", " ".join(words)))
        return told


def title_of(character: Character) -> str:
    """The work that `character` first appeared in, without number and kind; empty where that is unknown."""
    return _NUMBER.sub("", character.origin.work) if character.origin else ""


def owner_names(registry: Registry) -> frozenset[str]:
    """The owners' names, normalised, each of several and in brackets apart; without those that are a single
    everyday word ("Creatures")."""
    parts = (normalise(p) for c in registry.characters for p in re.split(r"[/(),;]", c.owner))
    return frozenset(parts) - _everyday() - {""}


def owner_words(registry: Registry) -> frozenset[str]:
    """The owners' names and those of their words that are no everyday ones: of "Nintendo / Game Freak" it has
    "nintendo", "game freak" and "freak", but not "game"."""
    names = owner_names(registry)
    words = {w for name in names for w in name.split() if len(w) > 1}
    return names | (words - _everyday())


@cache
def _everyday() -> frozenset[str]:
    return frozenset(EVERYDAY_FILE.read_text(encoding="utf-8").split())


@lru_cache(maxsize=8)
def names_of(registry: Registry) -> Names:
    """The names of the registry's world, with the franchise words that the catalogue has for it."""
    return Names(registry, franchises_of(registry))


@lru_cache(maxsize=8)
def franchises_of(registry: Registry) -> Franchises | None:
    """What the catalogue has for `registry`."""
    return next(CATALOG.each(registry.name), None)


def _phrases(texts: Iterable[str]) -> frozenset[_Words]:
    return frozenset(tuple(normalise(t).split()) for t in texts) - {()}


def _inside(words: _Words, names: frozenset[_Words]) -> list[_Words]:
    """Those of `names` that stand in `words`, in the order of `words`, the longest first."""
    longest = max(map(len, names), default=0)
    return [
        words[i : i + n]
        for i in range(len(words))
        for n in range(min(longest, len(words) - i), 0, -1)
        if words[i : i + n] in names
    ]
