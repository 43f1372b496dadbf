"""Finding a character's names in text: where they stand, as they are written, and as which words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from copycat.subjects.characters import Character, normalise
from copycat.subjects.clauses import clause
from copycat.subjects.serialised import serialised
from copycat.subjects.words import common_names, is_word

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile("[\u0e00-\u0e7f\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Scripts in which a name may stand in a sentence without spaces around it."""
_SYLLABLES = re.compile("[\u30a1-\u30ff]")
"""Katakana: beside one of them a name in them is part of a longer word."""
_GLUED = 6
"""Least letters of a name that is found written as one word."""
_PLURAL = 4
"""Least letters of a last word that is found in the plural."""
_PARTICLES = frozenset(
    ["princess", "prince", "queen", "king", "mister", "mrs", "master", "doctor", "the", "and", "little"]
)


@dataclass(frozen=True)
class Mention:
    """One place where a name of a character stands."""

    text: str
    start: int
    end: int
    common: bool = False
    """Whether the name is a common word too."""
    plural: bool = False
    """Whether it stands in the plural: "two Pikachus"."""

    @property
    def written(self) -> str:
        """The name as it is written."""
        return self.text[self.start : self.end]

    @property
    def before(self) -> str:
        """What comes before it."""
        return self.text[: self.start]

    @cached_property
    def clause(self) -> str:
        """What comes before it in its clause: since the last place where what was said came to an end."""
        return clause(self.before)

    @property
    def after(self) -> str:
        """What comes after it."""
        return self.text[self.end :]

    @property
    def lower(self) -> bool:
        """Whether it is written as a word: in a script with capitals, and not every word of it has one."""
        words = [w for w in _WORD.findall(self.written) if w not in ("the", "of", "in", "n", "and", "d")]
        return any(w[0].islower() for w in words)


@dataclass(frozen=True)
class CharacterNames:
    """What one character is called, ready to be looked for."""

    spoken: dict[tuple[str, ...], bool]
    """Its names as words, and whether each is a common word too."""
    plurals: dict[tuple[str, ...], bool]
    """The same of their plurals; names that are common words, and those in "-s", have none."""
    unspaced: tuple[str, ...]
    others: tuple[tuple[str, ...], ...]
    """Names of others that hold one of its own."""
    parts: dict[str, bool]
    """The first and the last word of its name, and whether it is common."""
    glued: frozenset[str]
    """Its names of several words, written as one: "batman" for "Bat Man"."""


def is_unspaced(name: str) -> bool:
    """Whether `name` is written in a script in which it may stand in a sentence without spaces around it."""
    return _UNSPACED.search(name) is not None


def words(text: str) -> tuple[str, ...]:
    """The words of `text`, normalised; an underscore parts words."""
    return tuple(normalise(text.replace("_", " ")).split())


def character_names(character: Character) -> CharacterNames:
    """What `character` is called."""
    return _names(serialised(character))


@lru_cache(maxsize=512)
def _names(told: str) -> CharacterNames:
    c = Character.model_validate_json(told)
    common = common_names(c)
    spoken = {words(n): normalise(n) in common for n in c.spoken if words(n)}
    glued: dict[tuple[str, ...], bool] = {
        ("".join(n),): False for n in spoken if len(n) > 1 and len("".join(n)) >= _GLUED
    }
    spoken = {**glued, **spoken}
    ends = [w for w in (words(c.name)[0], words(c.name)[-1]) if len(w) > 2 and len(words(c.name)) > 1]
    plurals = {
        more: is_word(" ".join(more))
        for n, common in spoken.items()
        if not common and (more := _plural(n)) and not any(more[i:] in spoken for i in range(len(more)))
    }
    return CharacterNames(
        spoken=spoken,
        plurals={p: common for p, common in plurals.items() if len(p) > 1 or not common},
        unspaced=tuple(n for n in c.spoken if _UNSPACED.search(n)),
        others=tuple(words(n) for n in c.namesakes),
        parts={w: is_word(w) or w in _PARTICLES for w in ends},
        glued=frozenset("".join(n) for n in spoken if len(n) > 1),
    )


def _plural(name: tuple[str, ...]) -> tuple[str, ...]:
    """The plural of a name in Latin letters; empty where its last word is short, or a plural already."""
    *first, last = name
    if last.endswith("man") and last.isascii() and len("".join(name)) > len("man"):
        return (*first, f"{last[:-3]}men")
    if len(last) < _PLURAL or not re.fullmatch(r"[a-z]+(?<!s)", last):
        return ()
    return (*first, f"{last}es" if re.search(r"(?:x|z|ch|sh)$", last) else f"{last}s")


def mentions(text: str, character: Character) -> list[Mention]:
    """Every place in `text` where a name of `character` stands, the longest name at each place.

    Case, accents, punctuation and underscores do not matter. A name within one of its namesakes is left out.
    """
    names = character_names(character)
    found = list(_spaced(text, names))
    taken = [(m.start, m.end) for m in found]
    for name in names.unspaced:
        for match in re.finditer(re.escape(name), text, re.IGNORECASE):
            edges = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
            longer = any(_SYLLABLES.match(e) for e in edges) and _SYLLABLES.search(name)
            overlaps = any(a < match.end() and match.start() < b for a, b in taken)
            if not longer and not overlaps:
                found.append(Mention(text, match.start(), match.end()))
    return sorted(found, key=lambda m: m.start)


def _spaced(text: str, names: CharacterNames) -> Iterator[Mention]:
    tokens = [(normalise(m[0]), m.start(), m.end()) for m in _WORD.finditer(text)]
    said = [t[0] for t in tokens]
    at = 0
    while at < len(tokens):
        other = _longest(said, at, names.others)
        one, more = _longest(said, at, names.spoken), _longest(said, at, names.plurals)
        name, plural = (more, True) if len(more) > len(one) else (one, False)
        if name and len(name) >= len(other):
            end = at + len(name)
            common = (names.plurals if plural else names.spoken)[name]
            yield Mention(text, tokens[at][1], tokens[end - 1][2], common, plural)
        at += max(len(name), len(other), 1)


def _longest(said: list[str], at: int, names: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    fitting = [n for n in names if tuple(said[at : at + len(n)]) == n]
    return max(fitting, key=len, default=())


def is_slip_of(text: str, character: Character) -> bool:
    """Whether `text` as a whole is a name of `character` with a slip of the pen: one letter of a long word
    is missing, added, changed or swapped with the next, and that makes no common word."""
    said = words(text)
    return any(
        len(name) == len(said) and all(a == b or is_slip(a, b) for a, b in zip(said, name, strict=True))
        for name in character_names(character).spoken
    )


def is_slip(said: str, meant: str) -> bool:
    """Whether the word `said`, normalised, is the long word `meant` with such a slip."""
    if len(meant) < _GLUED or not meant.isascii() or is_word(said):
        return False
    start = next(
        (i for i, (a, b) in enumerate(zip(said, meant, strict=False)) if a != b), min(len(said), len(meant))
    )
    rest, wanted = said[start:], meant[start:]
    return (
        wanted[1:] in (rest, rest[1:])
        or rest[1:] == wanted
        or (rest[:2] == wanted[:2][::-1] and rest[2:] == wanted[2:])
    )
