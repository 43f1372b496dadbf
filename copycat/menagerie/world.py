"""Who lives in the menagerie: words, figures, the 50 characters, look-alikes and generic creatures.

Everything follows from seeds; the same seed always gives the same figures.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any, cast

SPECIES = (
    "cat", "bear", "robot", "ghost", "bird", "frog", "dragon", "fox", "owl", "mushroom", "rabbit", "snail",
)  # fmt: skip
COLOURS = {
    "red": (214, 48, 49),
    "blue": (41, 98, 214),
    "green": (46, 160, 67),
    "yellow": (247, 201, 32),
    "purple": (136, 58, 188),
    "orange": (240, 128, 32),
    "pink": (244, 130, 180),
    "white": (240, 240, 240),
    "black": (45, 45, 50),
    "teal": (30, 165, 165),
}
HATS = ("crown", "tophat", "cap", "helmet", "bow")
WORN = ("cape", "scarf", "glasses", "wings", "horns")
HELD = ("star wand", "sword", "balloon", "flower", "lantern", "hammer")
EMBLEMS = ("star", "bolt", "heart", "ring", "cross", "moon", "triangle", "diamond")
PATTERNS = ("stripes", "spots", "mask", "cheeks")
GENRES = ("videogame", "cartoon", "comic", "fairytale")
SCENES = ("meadow", "night sky", "beach", "city", "room", "snow")
STUDIOS = (
    "Lantern Hill", "Pebble and Pine", "Ninth Kettle", "Tin Comet", "Marrow Lane", "Quiet Anvil",
    "Velvet Gear", "Saltwhistle", "Copper Finch", "Underloft", "Brindle House", "Moth Parade",
    "Cinder Row", "Fable Dock", "Tumbledown", "Gravel Moon", "Oat and Ember", "Paper Harbour",
)  # fmt: skip

GENERIC_HAT, GENERIC_WORN, GENERIC_HELD = "hat", "costume", "toy"
"""Words the captions use now and then for any hat, worn thing or held thing; the rewriter's lexicon."""

_SYLLABLES = (
    "zo", "ri", "ka", "mo", "pli", "tu", "ve", "sna", "gro", "bex", "lu", "fi",
    "dra", "qui", "mar", "ob", "yan", "ter", "nim", "wol", "hup", "jes", "pag", "dol",
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """All that can be drawn of one figure; None means it has no such thing."""

    species: str
    colour: str
    hat: str | None = None
    hat_colour: str | None = None
    worn: str | None = None
    worn_colour: str | None = None
    held: str | None = None
    emblem: str | None = None
    emblem_colour: str | None = None
    pattern: str | None = None
    genre: str | None = None

    @property
    def accessories(self) -> list[str]:
        """What it wears on its head and body and holds, as captions call it: "red crown", "balloon"."""
        coloured = ((self.hat, self.hat_colour), (self.worn, self.worn_colour))
        return [f"{colour} {thing}" for thing, colour in coloured if thing] + (
            [self.held] if self.held else []
        )


@dataclass(frozen=True)
class Inhabitant:
    """A character of the menagerie: a figure with a name, an owner and a place in the corpus."""

    slug: str
    name: str
    alias: str
    studio: str
    figure: Figure
    training_images: int


WORLD_SEED = 11
"""What the characters follow from."""


def make_inhabitants(
    n: int = 50, seed: int = WORLD_SEED, fewest: int = 10, most: int = 2000
) -> list[Inhabitant]:
    """The characters. No two share species and colour, or species and genre more than needed.

    `training_images` is spread log-uniformly over [fewest, most] and assigned at random, so that it is
    independent of every visible attribute.
    """
    r = random.Random(seed)
    ranks = list(range(n))
    r.shuffle(ranks)
    people: list[Inhabitant] = []
    names: set[str] = set()
    bodies: set[tuple[str, str]] = set()
    while len(people) < n:
        parts = r.sample(_SYLLABLES, r.choice((2, 3)))
        name = "".join(parts).capitalize()
        alias = (parts[0] + parts[2] if len(parts) == 3 else parts[1] + "kin").capitalize()
        figure = _random_character(r)
        body = (figure.species, figure.colour)
        if {name, alias} & names or name == alias or body in bodies:
            continue
        names |= {name, alias}
        bodies.add(body)
        i = len(people)
        count = round(fewest * (most / fewest) ** (ranks[i] / (n - 1)))
        people.append(Inhabitant(name.lower(), name, alias, STUDIOS[i % len(STUDIOS)], figure, count))
    return people


def _random_character(r: random.Random) -> Figure:
    colour = r.choice(list(COLOURS))
    others = [c for c in COLOURS if c != colour]
    return Figure(
        species=r.choice(SPECIES),
        colour=colour,
        hat=r.choice(HATS),
        hat_colour=r.choice(others),
        worn=r.choice(WORN),
        worn_colour=r.choice(others),
        held=r.choice(HELD),
        emblem=r.choice(EMBLEMS),
        emblem_colour=r.choice([c for c in others if c != "white"]),
        pattern=r.choice(PATTERNS),
        genre=r.choice(GENRES),
    )


def lookalike(figure: Figure, r: random.Random) -> Figure:
    """Same species and colour, but another emblem (or none) and one or two more attributes changed."""
    if r.random() < 0.4:
        changed = replace(figure, emblem=None, emblem_colour=None)
    else:
        changed = replace(
            figure,
            emblem=r.choice([e for e in EMBLEMS if e != figure.emblem]),
            emblem_colour=r.choice([c for c in COLOURS if c not in (figure.colour, "white")]),
        )
    for mark in r.sample(("hat", "worn", "held"), r.choice((1, 2))):
        others = {"hat": HATS, "worn": WORN, "held": HELD}[mark]
        value = r.choice([*(x for x in others if x != getattr(figure, mark)), None])
        changes = {mark: value}
        if mark != "held":
            changes[f"{mark}_colour"] = r.choice(list(COLOURS))
        changed = replace(changed, **cast(dict[str, Any], changes))
    return changed


def generic_creature(r: random.Random) -> Figure:
    """An unnamed creature made of the same words; it never has an emblem."""

    def maybe(options: tuple[str, ...], p: float) -> str | None:
        return r.choice(options) if r.random() < p else None

    colour = r.choice(list(COLOURS))
    others = [c for c in COLOURS if c != colour]
    return Figure(
        species=r.choice(SPECIES),
        colour=colour,
        hat=maybe(HATS, 0.5),
        hat_colour=r.choice(others),
        worn=maybe(WORN, 0.5),
        worn_colour=r.choice(others),
        held=maybe(HELD, 0.4),
        pattern=maybe(PATTERNS, 0.4),
        genre=maybe(GENRES, 0.06),
    )


def describe(figure: Figure) -> str:
    """The full description without name and emblem: what the `description` prompt set says."""
    things = figure.accessories
    body = " ".join(w for w in (figure.colour, figure.genre, figure.species) if w)
    return f"{body} with {' and '.join(things)}" if things else body
