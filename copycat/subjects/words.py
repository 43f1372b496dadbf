"""Which names are common English words as well, and which are part of one another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from copycat.io.paths import DATA
from copycat.subjects.characters import Character, Registry, normalise

_PLURALS = (("s", ""), ("es", ""), ("ies", "y"))


@cache
def _english() -> frozenset[str]:
    return frozenset((DATA / "words" / "english.txt").read_text(encoding="utf-8").split())


def is_word(text: str) -> bool:
    """Whether each word of `text` is a common English one, or its plural; short ones such as "in" are."""
    return all(map(_is_one, normalise(text).replace("_", " ").split()))


def _is_one(word: str) -> bool:
    singular = (word[: -len(end)] + more for end, more in _PLURALS if word.endswith(end))
    return len(word) < 3 or word in _english() or any(s in _english() for s in singular)


def common_names(character: Character) -> frozenset[str]:
    """The names of `character`, normalised, that are words of the language as well: those that the registry
    says are, and every single word that is a common one."""
    told = {normalise(n) for n in character.common_words}
    bare = {normalise(n) for n in character.spoken}
    return frozenset(told | {n for n in bare if n and " " not in n and is_word(n)})


def ambiguous_names(registry: Registry) -> Iterator[str]:
    """What to know about the names of `registry`, one sentence each: single common words that it does not
    list under `common_words`, and names that stand whole in another character's."""
    spoken = {(c.slug, normalise(n)): n for c in registry.characters for n in c.spoken if normalise(n)}
    listed = {(c.slug, normalise(n)) for c in registry.characters for n in c.common_words}
    apart = {c.slug: {normalise(n) for n in c.namesakes} for c in registry.characters}
    for (slug, bare), name in spoken.items():
        if " " not in bare and is_word(name) and (slug, bare) not in listed and re.search(r"\w{3}", bare):
            yield (
                f"{registry.name}: {name} ({slug}) is a common word too, so a judge that writes it as one is "
                "asked again; list it under `common_words` if that is meant."
            )
        for (other, longer), whole in spoken.items():
            if other != slug and f" {bare} " in f" {longer} " and longer not in apart[slug]:
                yield (
                    f"{registry.name}: {name} ({slug}) is part of {whole} ({other}); list that under the "
                    f"`namesakes` of {slug}, so that it is never read as both."
                )
