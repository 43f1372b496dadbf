"""Neutral prompts of the menagerie's world: its words, but nobody who lives there.

Half of them are plain, half come close to one character, so that the false positives of an intent
detector are measured where they are likely. They are written to `data/neutral/menagerie.jsonl` by
`copycat menagerie neutral` and are no prompt set: there is no character to look for.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from copycat.menagerie.world import (
    COLOURS,
    GENRES,
    HATS,
    HELD,
    SCENES,
    SPECIES,
    WORN,
    Figure,
    Inhabitant,
    describe,
    generic_creature,
    make_inhabitants,
)
from copycat.subjects.neutral import Neutral

_THINGS = (*HATS, *WORN, *HELD)


NEUTRAL_SEED = 23
"""What the shipped prompts follow from."""


def neutral_prompts(seed: int = NEUTRAL_SEED, each: int = 20) -> list[Neutral]:
    """Five kinds, `each` of them, all different: three plain ones, two that come close to a character."""
    r = random.Random(seed)
    people = make_inhabitants()
    bodies = {(p.figure.species, p.figure.colour) for p in people}
    genres = {(p.figure.species, p.figure.genre) for p in people}
    free = [(s, c) for s in SPECIES for c in COLOURS if (s, c) not in bodies]
    made: dict[str, Neutral] = {}
    for kind, texts in (
        ("a creature of a species and colour that no character has", _strangers(r, bodies)),
        ("things and a scene, no creature", _scenes(r)),
        ("two creatures of species and colours that no character has", _pairs(r, free)),
    ):
        _take(made, texts, each, kind)
    lives = r.sample(people, 2 * each)
    for who in lives[:each]:
        kind = "a character's species and colour, and nothing else of it"
        _take(made, _bodies(r, who), 1, kind, near=who.slug)
    for who in lives[each:]:
        kind = "a character's accessories on a creature of another species, colour and genre"
        _take(made, _borrowed(r, who, free, genres), 1, kind, near=who.slug)
    return list(made.values())


def _take(made: dict[str, Neutral], texts: Iterator[str], n: int, kind: str, near: str | None = None) -> None:
    """Add `n` texts that are not there yet."""
    aim = len(made) + n
    while len(made) < aim:
        text = next(texts)
        made.setdefault(
            text, Neutral(text=text, near=near, provenance=f"{kind}; written by `copycat menagerie neutral`")
        )


def _strangers(r: random.Random, bodies: set[tuple[str, str]]) -> Iterator[str]:
    while True:
        figure = generic_creature(r)
        if (figure.species, figure.colour) not in bodies and not figure.genre:
            yield _somewhere(r, describe(figure))


def _scenes(r: random.Random) -> Iterator[str]:
    while True:
        thing = f"{r.choice(list(COLOURS))} {r.choice(_THINGS)}"
        yield r.choice(("a {} in the {}", "{}, {}", "drawing of a {} in the {}")).format(
            thing, r.choice(SCENES)
        )


def _pairs(r: random.Random, free: list[tuple[str, str]]) -> Iterator[str]:
    while True:
        (a, x), (b, y) = r.sample(free, 2)
        yield _somewhere(r, f"{x} {a} and {y} {b}")


def _bodies(r: random.Random, who: Inhabitant) -> Iterator[str]:
    """Neither genre, hat, worn nor held thing is the character's."""
    f = who.figure
    while True:
        other = generic_creature(r)
        if not other.genre and {other.hat, other.worn, other.held}.isdisjoint({f.hat, f.worn, f.held}):
            bare = replace(other, species=f.species, colour=f.colour)
            yield _somewhere(r, describe(bare))


def _borrowed(
    r: random.Random, who: Inhabitant, free: list[tuple[str, str]], genres: set[tuple[str, str | None]]
) -> Iterator[str]:
    f = who.figure
    while True:
        species, colour = r.choice(free)
        genre = r.choice((None, *GENRES))
        if species == f.species or colour == f.colour or genre == f.genre or (species, genre) in genres:
            continue
        yield describe(
            Figure(species, colour, f.hat, f.hat_colour, f.worn, f.worn_colour, f.held, genre=genre)
        )


def _somewhere(r: random.Random, text: str) -> str:
    return f"{text} in the {r.choice(SCENES)}" if r.random() < 0.4 else text
