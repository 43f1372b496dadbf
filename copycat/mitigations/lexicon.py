"""A character's names and distinguishing attributes, found in text however they are worded.

Words are compared without case, accents and number, and a hyphen is a space: "Red Hair", "red-hair". A name
is found in its plural too, unless the registry's own name is one ("two Zoris"). Of wordings like "red hair"
these forms are found too: "hair that is red", "red-haired", "her hair is red", and "red wavy hair", with one
word more between.

A name that is a word of the language too ("Link", "Black Panther") is found where it is written as a name, or
is all that is written: "a chain link fence" has nobody in it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from copycat.mitigations.entries import Entry, entries_of
from copycat.mitigations.number import contains, singular, stems
from copycat.mitigations.world import Kind, WorldName, world_names
from copycat.subjects.characters import Character, Registry, normalise
from copycat.subjects.mentions import Mention
from copycat.subjects.naming import is_word as is_written_as_word

Form = Literal["name", "world", "whole", "adjective", "predicate"]
"""A name of the character, another name of its world, or the wording of an attribute in one of three ways."""

_WORD = re.compile("[\\w\u0300-\u036f]+")
_NAME_JOIN = re.compile(r"[^\w,;!?()]*")
_JOIN = re.compile(r"[\s\-\u2010-\u2013'’\"“”]*")
_NAME_BEFORE = re.compile(r"(?:\b[A-Z][a-z]+ |-)$")
_NAME_AFTER = re.compile(r"-| [A-Z]")
_COMMA_JOIN = re.compile(r"\s*,\s*")
_BETWEEN = frozenset(
    {"a", "an", "and", "are", "as", "at", "but", "by", "for", "from", "her", "his", "in", "is", "its"}
    | {"of", "on", "or", "that", "the", "to", "was", "with"}
)
"""Words that never stand between an adjective and its noun."""
_RELATIVE = frozenset({"that", "which", "who"})
_SENTENCE = re.compile(r"[.!?]\s")
_VERBS = frozenset({"is", "are", "was", "were"})


@dataclass(frozen=True)
class Match:
    """One place where the lexicon strikes."""

    start: int
    end: int
    generic: str
    """What may stand there instead; empty for nothing."""
    form: Form
    entry: str
    """The name, or the attribute's `text`, that was found."""
    kind: Kind = "figure"
    """What a name of the world names."""
    plural: bool = False
    """Whether it is a name of several."""


@dataclass(frozen=True)
class _Word:
    exact: str
    stem: str
    start: int
    end: int


class Lexicon:
    """Finds the names and distinguishing attributes of one character, and other names of its world."""

    def __init__(self, character: Character, world: Iterable[WorldName] = ()) -> None:
        self._key = frozenset(stems(character.key))
        self._giveaways = [stems(g) for g in character.giveaways]
        entries = list(entries_of(character, world))
        self._parts = frozenset(w for n in character.spoken for w in normalise(n).split())
        unique: dict[tuple[str, ...], Entry] = {}
        for entry in entries:
            if entry.words:
                unique.setdefault(entry.words, entry)
        self._by_first: dict[str, list[Entry]] = defaultdict(list)
        self._by_last: dict[str, list[Entry]] = defaultdict(list)
        for entry in sorted(unique.values(), key=lambda e: -len(e.words)):
            self._by_first[entry.words[0]].append(entry)
            self._by_last[entry.words[-1]].append(entry)

    def gives_away(self, keyword: str) -> bool:
        """Whether `keyword` holds one of the character's giveaways."""
        words = stems(keyword)
        return any(contains(words, g) for g in self._giveaways)

    def matches(self, text: str, *, keywords: bool = False) -> Iterator[Match]:
        """From left to right, the longest wording at each place; no two overlap.

        Other wordings of a single word are found only where `text` is `keywords`.
        """
        words = [_word(m) for m in _WORD.finditer(text)]
        end = 0
        for at, word in enumerate(words):
            found = self._at(text, words, at, keywords) if word.start >= end else None
            if found and not self._is_misspelt(text, found):
                yield found
                end = found.end

    def _is_misspelt(self, text: str, found: Match) -> bool:
        """Whether a part of the character's own name stands beside another name: "Shsuke Uchiha"."""
        if found.form != "world" or not self._parts.issuperset(normalise(found.entry).split()):
            return False
        before, after = text[: found.start], text[found.end :]
        return bool(_NAME_BEFORE.search(before) or _NAME_AFTER.match(after))

    def _at(self, text: str, words: list[_Word], at: int, keywords: bool) -> Match | None:
        first, last = words[at], words[at].stem
        beginning = self._by_first.get(first.stem, [])
        if first.exact != first.stem:
            # Names are compared as they are written.
            beginning = [*(e for e in self._by_first.get(first.exact, []) if e.name), *beginning]
        ending = self._by_last.get(last, [])
        tries = (
            (_plain, beginning), (self._with_word_between, beginning), (_relative, ending),
            (_adjective, beginning), (_predicate, ending),
        )  # fmt: skip
        found = (
            form(text, words, at, entry)
            for form, entries in tries
            for entry in entries
            if keywords or not entry.keyword
        )
        return next(filter(None, found), None)

    def _with_word_between(self, text: str, words: list[_Word], at: int, entry: Entry) -> Match | None:
        """As in "red wavy hair", unless the word between is of the key."""
        if entry.name or len(entry.words) != 2 or any(entry.commas) or at + 2 >= len(words):
            return None
        first, between, last = words[at : at + 3]
        fits = (first.stem, last.stem) == entry.words and _joined(text, words, at, 3)
        if not fits or between.exact in _BETWEEN or between.stem in self._key:
            return None
        return Match(first.start, last.end, entry.generic, "whole", entry.told)


def lexicon_of(character: Character, registry: Registry | None = None) -> Lexicon:
    """The lexicon of `character`, with the other names of its world where a registry is given; made once for
    characters that are the same."""
    return _lexicon(character.model_dump_json(), registry)


@lru_cache(maxsize=256)
def _lexicon(told: str, registry: Registry | None) -> Lexicon:
    character = Character.model_validate_json(told)
    return Lexicon(character, world_names(registry, character) if registry else ())


def _word(found: re.Match[str]) -> _Word:
    exact = normalise(found.group())
    return _Word(exact, singular(exact), found.start(), found.end())


def _joined(text: str, words: list[_Word], at: int, count: int) -> bool:
    """Whether nothing but spaces and hyphens stands between so many words."""
    pairs = zip(words[at : at + count - 1], words[at + 1 : at + count], strict=True)
    return all(_JOIN.fullmatch(text, a.end, b.start) for a, b in pairs)


def _plain(text: str, words: list[_Word], at: int, entry: Entry) -> Match | None:
    """The wording as it is."""
    size = len(entry.words)
    here = words[at : at + size]
    if tuple(w.exact if entry.name else w.stem for w in here) != entry.words:
        return None
    plain = _NAME_JOIN if entry.name else _JOIN
    for a, b, comma in zip(here[:-1], here[1:], entry.commas, strict=True):
        if not (_COMMA_JOIN if comma else plain).fullmatch(text, a.end, b.start):
            return None
    start, end = here[0].start, here[-1].end
    if entry.capital and not _is_written_as_name(Mention(text, start, end, common=True)):
        return None
    if entry.capital and entry.plural and size == 1 and not _WORD.search(_SENTENCE.split(text[:start])[-1]):
        return None  # "Links in a chain": the capital is the sentence's
    form: Form = "world" if entry.world else "name" if entry.name else "whole"
    return Match(start, end, entry.generic, form, entry.told, entry.world or "figure", entry.plural)


def _is_written_as_name(found: Mention) -> bool:
    alone = found.text.strip(" .\"'*") == found.written
    return alone or not is_written_as_word(found)


def _turned(text: str, words: list[_Word], at: int, entry: Entry, link: int) -> bool:
    """Whether the noun of `entry` stands at `at` and its adjectives follow after `link` more words."""
    size = len(entry.words)
    if entry.name or size < 2 or any(entry.commas) or words[at].stem != entry.words[-1]:
        return False
    after = words[at + 1 + link : at + link + size]
    return tuple(w.stem for w in after) == entry.words[:-1] and _joined(text, words, at, link + size)


def _relative(text: str, words: list[_Word], at: int, entry: Entry) -> Match | None:
    """As in "hair that is red"."""
    link = [w.exact for w in words[at + 1 : at + 3]]
    if len(link) < 2 or link[0] not in _RELATIVE or link[1] not in _VERBS:
        return None
    if not _turned(text, words, at, entry, 2):
        return None
    end = words[at + 1 + len(entry.words)].end
    return Match(words[at].start, end, entry.generic, "whole", entry.told)


def _predicate(text: str, words: list[_Word], at: int, entry: Entry) -> Match | None:
    """As in "hair is red"; the verb stays: "hair is brown"."""
    if at + 1 >= len(words) or words[at + 1].exact not in _VERBS:
        return None
    if not _turned(text, words, at, entry, 1):
        return None
    noun = text[words[at].start : words[at].end]
    verb = text[words[at + 1].start : words[at + 1].end]
    generic = entry.generic.split()
    kept = generic and singular(normalise(generic[-1])) == entry.words[-1]
    other = f"{noun} {verb} {' '.join(generic[:-1]) if kept and generic[:-1] else 'plain'}"
    return Match(words[at].start, words[at + len(entry.words)].end, other, "predicate", entry.told)


def _adjective(text: str, words: list[_Word], at: int, entry: Entry) -> Match | None:
    """As in "red-haired": "brown-haired", or nothing where the generic words are of another thing."""
    size = len(entry.words)
    here = words[at : at + size]
    if entry.name or size < 2 or any(entry.commas) or len(here) < size:
        return None
    head = entry.words[-1]
    endings = {f"{head}d", f"{head}ed", f"{head}{head[-1]}ed"}
    if tuple(w.stem for w in here[:-1]) != entry.words[:-1] or here[-1].exact not in endings:
        return None
    if not _joined(text, words, at, size):
        return None
    generic = entry.generic.split()
    kept = len(generic) > 1 and singular(normalise(generic[-1])) == head
    other = f"{' '.join(generic[:-1])}-{here[-1].exact}" if kept else ""
    return Match(here[0].start, here[-1].end, other, "adjective", entry.told)
