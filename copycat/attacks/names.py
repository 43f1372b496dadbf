"""A character's names in a prompt, and a prompt without them."""

from __future__ import annotations

import re
from collections.abc import Callable

from copycat.subjects.characters import Character


def renamed(text: str, character: Character, put: Callable[[str], str]) -> str:
    """`text` with what `put` makes of each name of `character`, whether name, alias or name in another
    language, in any case; as it is where it holds none."""
    names = sorted(character.spoken, key=len, reverse=True)
    named = re.compile("|".join(rf"(?<!\w){re.escape(n)}(?!\w)" for n in names), re.IGNORECASE)
    return named.sub(lambda found: put(found[0]), text)


def unnamed(text: str, character: Character) -> str:
    """`text` with generic words in the place of the character's names: the same scene without it."""
    return renamed(text, character, lambda _: character.generic)
