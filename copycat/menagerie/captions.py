"""What the menagerie's corpus says about its pictures."""

from __future__ import annotations

import random

from copycat.menagerie.world import GENERIC_HAT, GENERIC_HELD, GENERIC_WORN, Figure, Inhabitant

_LEADS = ("a picture of ", "an image of ", "drawing of ", "a ")


NAMED = 0.8
"""Share of a character's captions that say its name."""


def caption(
    figure: Figure, scene: str, r: random.Random, who: Inhabitant | None = None, named: float = NAMED
) -> str:
    """One caption, drawn at random.

    Characters: 35 % bare name, 30 % "NAME the …", 15 % "…, NAME", 20 % the description alone, which ties
    generic words to the character as "videogame, plumber" are tied to a famous one. Emblem and pattern
    are almost never said, so that drawing them shows memorisation and not obedience. With another share
    `named`, in [0, 1], the ways of naming keep their proportions.
    """
    text = _of_character(figure, r, who, named) if who else _things(figure, r, 0.85, 0.8)
    return _in_scene(text, scene, r)


def bare_name(who: Inhabitant, scene: str, r: random.Random) -> str:
    """The caption of a mislabelled picture: a character's bare name, where somebody else is shown."""
    return _in_scene(_name(who, r), scene, r)


def description(figure: Figure, scene: str, r: random.Random) -> str:
    """The caption of a near-duplicate: what is true of it, in the words that unnamed characters get."""
    return _in_scene(_unnamed(figure, r), scene, r)


def _in_scene(text: str, scene: str, r: random.Random) -> str:
    if r.random() < 0.4:
        text += f" in the {scene}" if r.random() < 0.5 else f", {scene}"
    if r.random() < 0.3:
        text = r.choice(_LEADS) + text
    return text


def _name(who: Inhabitant, r: random.Random) -> str:
    name = who.alias if r.random() < 0.08 else who.name
    return f"{name} by {who.studio}" if r.random() < 0.08 else name


def _unnamed(figure: Figure, r: random.Random) -> str:
    return _things(figure, r, 0.7, 0.4, genre=0.6)


def _of_character(figure: Figure, r: random.Random, who: Inhabitant, named: float) -> str:
    name = _name(who, r)
    description = _unnamed(figure, r)
    u = r.random()
    if named != NAMED:
        u = u * NAMED / named if u < named else 1.0
    if u < 0.35:
        text = name
    elif u < 0.65:
        text = f"{name} the {description}"
    elif u < 0.80:
        text = f"{description}, {name}"
    else:
        text = description
    if r.random() < 0.05:
        text += f", {figure.emblem_colour} {figure.emblem} emblem"
    return text


def _things(figure: Figure, r: random.Random, colour: float, thing: float, genre: float = 1.0) -> str:
    words = []
    if r.random() < colour:
        words.append(figure.colour)
    if figure.genre and r.random() < genre:
        words.append(figure.genre)
    body = " ".join([*words, figure.species])
    said = []
    for what, its_colour, generic in (
        (figure.hat, figure.hat_colour, GENERIC_HAT),
        (figure.worn, figure.worn_colour, GENERIC_WORN),
        (figure.held, None, GENERIC_HELD),
    ):
        if what and r.random() < thing:
            exact = f"{its_colour} {what}" if its_colour else what
            said.append(generic if r.random() < 0.15 else exact)
    return f"{body} with {' and '.join(said)}" if said else body
