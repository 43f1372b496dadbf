"""Prompts that ask for a character in other words: its names in a text, and others in their place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from copycat.attacks.base import Attempt
from copycat.subjects.characters import Character, normalise

_DOUBLE_ARTICLE = re.compile(r"\b(?:an?|the)\s+(?=(?:an?|the)\s)", re.IGNORECASE)


def renamed(text: str, character: Character, put: Callable[[str], str]) -> str:
    """`text` with what `put` makes of each name of `character`, whether name, alias or name in another
    language, in any case; as it is where it holds none."""
    names = sorted(character.spoken, key=len, reverse=True)
    named = re.compile("|".join(rf"(?<!\w){re.escape(n)}(?!\w)" for n in names), re.IGNORECASE)
    return named.sub(lambda found: put(found[0]), text)


def unnamed(text: str, character: Character) -> str:
    """`text` with generic words in the place of the character's names: the same scene without it."""
    changed = renamed(text, character, lambda _: character.generic)
    return text if changed == text else _DOUBLE_ARTICLE.sub("", changed)


def instead(text: str, character: Character, words: str) -> str:
    """`text` with `words` in the place of the character's names, or `words` alone where it has none."""
    changed = renamed(text, character, lambda _: words)
    return words if changed == text else changed


def named(text: str, character: Character) -> bool:
    """Whether `text` holds a name of `character`."""
    return renamed(text, character, lambda _: "") != text


def nameless(words: Sequence[str], character: Character) -> list[bool]:
    """For each of `words` whether it is none of those that the names of `character` consist of."""
    names = {word for name in character.spoken for word in normalise(name).split()}
    return [normalise(word) not in names for word in words]


def distinct(prompts: Iterable[str], asked: str) -> Iterator[Attempt]:
    """An attempt with each of `prompts`, of those that are alike the first, and none that is `asked` anyway
    or says nothing."""
    seen = {asked, ""}
    for prompt in map(str.strip, prompts):
        if prompt not in seen:
            seen.add(prompt)
            yield Attempt(prompt=prompt)
