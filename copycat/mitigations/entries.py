"""What a lexicon looks for: a character's names, its attributes in all wordings, and names of its world."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from copycat.mitigations.number import plural_names, stems
from copycat.mitigations.world import Kind, WorldName
from copycat.subjects.characters import Character, normalise
from copycat.subjects.words import common_names, is_word


@dataclass(frozen=True)
class Entry:
    """One wording."""

    words: tuple[str, ...]
    commas: tuple[bool, ...]
    """Whether a comma stands before each word but the first."""
    generic: str
    told: str
    name: bool = False
    capital: bool = False
    """Whether a name must be written as one."""
    world: Kind | None = None
    """What it names, if it is none of the character's own names."""
    plural: bool = False
    """Whether it is a name of several."""
    keyword: bool = False
    """Whether it counts in a list of keywords alone: a single word of a sentence may be about anything."""


def entries_of(character: Character, world: Iterable[WorldName]) -> Iterator[Entry]:
    """All that is looked for; of two of the same wording the first counts: a name, an epithet, an attribute,
    then what else there is."""
    world = list(world)
    yield from _own_entries(character)
    yield from (_world_entry(n) for n in world if n.kind == "epithet")
    for attribute in character.attributes:
        yield _entry(attribute.text, attribute.generic, attribute.text)
        for wording in attribute.also:
            other = _entry(wording.text, wording.generic, attribute.text)
            yield replace(other, keyword=len(other.words) == 1)
    yield from map(_world_entry, world)
    for name in world:
        if name.kind in {"figure", "thing"}:
            yield from _plurals(_world_entry(name))


def _entry(text: str, generic: str, told: str, *, name: bool = False) -> Entry:
    if name:
        words = tuple(normalise(text).split())
        return Entry(words, (False,) * (len(words) - 1), generic, told, name=True)
    parts = [stems(part) for part in text.split(",")]
    commas = [i == 0 for part in parts for i in range(len(part))]
    return Entry(tuple(w for part in parts for w in part), tuple(commas[1:]), generic, told)


def _own_entries(character: Character) -> Iterator[Entry]:
    """The character's names, and their plurals where its name is none.

    A plural that the registry has beside its singular ("Minions") names its kind in small letters too.
    """
    common = common_names(character)
    bare = {normalise(n) for n in character.spoken}
    many = {normalise(p) for n in character.spoken for p in plural_names(n)}
    many = set() if character.name.endswith("s") else many & bare
    for name in character.spoken:
        plain = normalise(name)
        several = plain.removeprefix("the ") in many
        entry = _entry(name, character.generic, name, name=True)
        yield replace(entry, plural=several, capital=plain in common and not several)
    for name in character.spoken if not character.name.endswith("s") else ():
        entry = replace(_entry(name, character.generic, name, name=True), capital=normalise(name) in common)
        yield from _plurals(entry)


def _plurals(entry: Entry) -> Iterator[Entry]:
    """A name's entry for several of its bearers; none where it is a plural itself."""
    for name in plural_names(entry.told):
        words = tuple(normalise(name).split())
        yield replace(entry, words=words, plural=True, capital=entry.capital or is_word(name))


@lru_cache(maxsize=8192)
def _world_entry(name: WorldName) -> Entry:
    entry = _entry(name.text, name.generic, name.text, name=True)
    return replace(entry, capital=name.capital, world=name.kind)
