"""Grammatical number: words without it, plurals of names, and of the noun that a phrase is about."""

from __future__ import annotations

import re

from copycat.subjects.characters import normalise

_TAIL = re.compile(r"\s+(?:with|without|in|of|on|at|from|like|who|whose|that|for|to)\s.*$", re.IGNORECASE)
"""What follows the noun of a phrase: "with a wooden shield"."""
_IRREGULAR = {"mouse": "mice", "foot": "feet", "tooth": "teeth", "child": "children", "goose": "geese"}
_ALIKE = ("fish", "sheep", "deer", "people")
_ARTICLE = re.compile(r"^(?:an?|the)\s+", re.IGNORECASE)


def singular(word: str) -> str:
    """`word`, normalised, without the ending of a regular English plural."""
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def stems(text: str) -> tuple[str, ...]:
    """The words of `text` as they are compared."""
    return tuple(singular(w) for w in normalise(text).split())


def contains(words: tuple[str, ...], part: tuple[str, ...]) -> bool:
    """Whether `part` stands in `words` one after the other; an empty part stands nowhere."""
    return bool(part) and any(words[i : i + len(part)] == part for i in range(len(words) - len(part) + 1))


def plural(noun: str) -> str:
    """The plural of an English noun: "mouse" is "mice", "swordsman" is "swordsmen"."""
    lower = noun.lower()
    if lower.endswith(_ALIKE):
        return noun
    for one, many in _IRREGULAR.items():
        if lower.endswith(one):
            return noun[: -len(one) + 1] + many[1:]
    if lower.endswith("man") and lower != "human":
        return f"{noun[:-2]}en"
    if re.search(r"(?:s|x|z|ch|sh|(?:her|potat|ech))o?$", lower) and re.search(r"[sxzho]$", lower):
        return f"{noun}es"
    if re.search(r"[^aeiou]y$", lower):
        return f"{noun[:-1]}ies"
    if lower.endswith(("wolf", "elf", "leaf", "thief")):
        return f"{noun[:-1]}ves"
    return f"{noun}s"


def plural_names(name: str) -> tuple[str, ...]:
    """How several bearers of `name` may be called; none for one that is a plural, or not in Latin letters."""
    if not re.search(r"[A-Za-z]{2}$", name) or name.endswith("s"):
        return ()
    start, last = re.findall(r"^(.*?)([A-Za-z]+)$", name)[0]
    return tuple(dict.fromkeys((f"{start}{plural(last)}", f"{name}s")))


def without_tail(phrase: str) -> str:
    """`phrase` up to its noun: "a superhero with a shield" is "a superhero"."""
    return _TAIL.sub("", phrase)


def without_article(phrase: str) -> str:
    """`phrase` without "a", "an" or "the" before it."""
    return _ARTICLE.sub("", phrase)


def plural_phrase(phrase: str) -> str:
    """`phrase` for several, without an article: "a boy in green" is "boys in green"."""
    whole = without_article(phrase)
    said = without_tail(whole)
    start, _, noun = said.rpartition(" ")
    return f"{start} {plural(noun)}".strip() + whole[len(said) :]
