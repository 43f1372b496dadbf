"""Which works a character is placed in, and what a work beside a name, or in place of one, says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from copycat.cards.catalog import home
from copycat.errors import BadFile
from copycat.subjects import vocabulary as say
from copycat.subjects.characters import CATALOG as REGISTRIES
from copycat.subjects.characters import Character
from copycat.subjects.clauses import find
from copycat.subjects.franchises import CATALOG as FRANCHISES
from copycat.subjects.franchises import Franchises, title_of
from copycat.subjects.mentions import character_names, is_slip, words
from copycat.subjects.serialised import serialised
from copycat.subjects.words import is_word

_Words = tuple[str, ...]


@dataclass(frozen=True)
class CharacterWorks:
    """What one character is placed in, as words."""

    titles: frozenset[_Words]
    """Its works: where it first appeared, and what the lists of franchise words add."""
    others: frozenset[_Words]
    """What else shows that a work is its own: its owners, its names, its world, where it meets others."""


def works_of(character: Character) -> CharacterWorks:
    """What `character` is placed in, by its registry and by the lists of franchise words in the catalogue."""
    return _works(serialised(character), home())


@lru_cache(maxsize=512)
def _works(told: str, folder: Path) -> CharacterWorks:
    c = Character.model_validate_json(told)
    owners = [o.strip() for o in re.split(r"[()/,]", c.owner)]
    titles, others = [title_of(c)], [*owners, *c.spoken]
    for listed in _franchises(folder):
        titles += listed.works.get(c.slug, ())
        # Everyday words, in lower case, tell nothing in a title.
        others += [w for w in listed.words.get(c.slug, ()) if w != w.lower()]
        others += [w for owner in owners for w in listed.crossovers.get(owner, ())]
    return CharacterWorks(frozenset(map(_bare, titles)) - {()}, frozenset(map(words, others)) - {()})


@lru_cache(maxsize=4)
def _franchises(folder: Path) -> tuple[Franchises, ...]:  # noqa: ARG001
    """The lists of the catalogue, in which a user's in `folder` go before the shipped ones of their names."""
    return tuple(next(FRANCHISES.each(name)) for name in FRANCHISES.names())


@lru_cache(maxsize=4)
def _everybody(folder: Path) -> dict[_Words, frozenset[str]]:  # noqa: ARG001
    """The slugs that bear a name in some registry of the catalogue, by that name."""
    found: dict[_Words, frozenset[str]] = {}
    for name in REGISTRIES.names():
        try:
            registry = REGISTRIES.get(name)
        except BadFile:
            continue  # Whoever asks for that registry is told; this reply may be about another.
        for c in registry.characters:
            for spoken in map(_bare, c.spoken):
                found[spoken] = found.get(spoken, frozenset()) | {c.slug}
    return found


def _bare(title: str) -> _Words:
    """The words of a title without what stands in brackets and the article before it."""
    said = words(re.sub(r"\([^)]*\)", " ", title))
    return said[1:] if said[:1] == ("the",) and len(said) > 1 else said


def is_own_work(work: str, character: Character) -> bool:
    """Whether `work` may be one that `character` is in: one of its works, its owner's, one with its name or
    with a name of its world."""
    said = _bare(work)
    works = works_of(character)
    told = {w for w in said if len(w) > 3 and not is_word(w)}
    return any(
        said[i : i + len(own)] == own
        or not told.isdisjoint(own)
        or (len(said) > 1 and own[: len(said)] == said)
        for own in (*works.titles, *works.others, *character_names(character).spoken)
        for i in range(len(said))
    )


_UNTOLD = find(
    rf"(?:{say.WORKS}|an?|the|of|in|on|from|by|and|or|with|various|several|multiple|different|many|other|unspecified|"
    r"unclear|none|original|animated|fictional|popular|famous|classic|video|tv|television|web|computer|children|"
    r"mascot|character|american|japanese|french|british|belgian|\d+s?)"
)
"""A word that names no work: "Japanese video game"."""


_RENDERED = find(
    r"\b(?:style[ds]?|versions?|editions?|costumes?|cosplay|outfit|suit|toys?|plush\w*|figurines?|statues?|dolls?|"
    r"variant|form|memes?|fan\s?art|artwork|design|lego|minecraft|funko)\b"
)
"""What tells how somebody is rendered, and no work: "in LEGO style"."""


def is_other_work(work: str, character: Character) -> bool:
    """Whether `work` names a work, and none that is known to be one of `character`.

    A title in letters other than Latin ones cannot be compared with those that are listed, and is taken for
    its own, as is any title where nothing is known of the works of `character`.
    """
    if not works_of(character).titles:
        return False
    said = [w for w in words(work) if not _UNTOLD.fullmatch(w)]
    if not said or _RENDERED.search(work) or not "".join(said).isascii() or is_own_work(work, character):
        return False
    works = works_of(character)
    known = {w for own in (*works.titles, *works.others) for w in own}
    return not any(is_slip(w, own) for w in said for own in known)


def is_title(text: str, character: Character) -> bool:
    """Whether `text` as a whole is the title of a work of `character`, and not its name or another's.

    "Iron Man 3" is one, by its number. An alias without the character's name in it counts as the title that
    it is too: "The Simpsons".
    """
    said = _bare(text.strip(" \t\"'“”*.!"))
    titles = works_of(character).titles
    names = {_bare(n) for n in character.spoken}
    if len(said) > 1 and re.fullmatch(r"[2-9]|[1-9]\d|i{2,3}|iv", said[-1]) and said not in names:
        first = said[:-1]
        if first in names or (first in titles and not _is_of_another(first, character)):
            return True
    if said not in titles or (len(said) == 1 and is_word(said[0]) and text[:1].islower()):
        return False
    own = _bare(character.name)
    if any(said[i : i + len(own)] == own for i in range(len(said))) and said in names:
        return False
    return not _is_of_another(said, character)


def _is_of_another(said: _Words, character: Character) -> bool:
    """Whether a title is the name of another character in the registries of the catalogue: "Aladdin"."""
    return bool(_everybody(home()).get(said, frozenset()) - {character.slug})
