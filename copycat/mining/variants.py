"""Prompts made from the name: misspelt, in other languages, doing something (He et al. 2024, appendix E)."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator

from copycat.subjects.characters import Character, Registry, normalise
from copycat.subjects.prompts import Prompt

ACTIONS = ("dancing", "swimming", "eating a burger", "riding a bicycle", "reading a book")

_TRIES = 1000


def misspelt(registry: Registry, letters: int) -> Iterator[Prompt]:
    """Each name with `letters` of its Latin letters replaced by others; the same ones every time."""
    for c in registry.characters:
        text = _misspell(c, letters, registry)
        if not text:
            continue
        yield Prompt(
            set=f"misspelt{letters}",
            character=c.slug,
            text=text,
            provenance=f"the registry's name with {letters} letters replaced at random, seeded by the slug",
        )


def _misspell(character: Character, letters: int, registry: Registry) -> str:
    """Empty for a name without Latin letters, or that is one of a registry's however it is misspelt."""
    r = random.Random(f"{character.slug}|{letters}")
    places = [i for i, x in enumerate(character.name) if x.isascii() and x.isalpha()]
    for _ in range(_TRIES if places else 0):
        text = list(character.name)
        for i in r.sample(places, min(letters, len(places))):
            other = r.choice([x for x in string.ascii_lowercase if x != text[i].lower()])
            text[i] = other.upper() if text[i].isupper() else other
        # A slip must not spell a name: neither this one's nor another's.
        if not registry.mentioned("".join(text)):
            return "".join(text)
    return ""


def languages(registry: Registry) -> Iterator[Prompt]:
    """The names in other languages, one prompt each; nothing for a character that has none.

    They are the registry's own, and so is their version.
    """
    for c in registry.characters:
        different = {k: n for k, n in sorted(c.names.items()) if normalise(n) != normalise(c.name)}
        for i, (language, name) in enumerate(different.items()):
            yield Prompt(
                set="languages",
                version=registry.version,
                character=c.slug,
                index=i,
                text=name,
                provenance=f"the registry's name in {language}",
            )


def actions(registry: Registry) -> Iterator[Prompt]:
    """The name, doing each of ACTIONS."""
    for c in registry.characters:
        for i, action in enumerate(ACTIONS):
            yield Prompt(
                set="actions",
                character=c.slug,
                index=i,
                text=f"{c.name} {action}",
                content=(f"a figure {action}",),
                provenance="the registry's name and an action",
            )
