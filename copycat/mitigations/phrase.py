"""How the words in place of a name fit the words around it: articles, adjectives, numbers, possession."""

from __future__ import annotations

import re

from copycat.mitigations.lexicon import Match
from copycat.mitigations.number import plural_phrase, without_article, without_tail
from copycat.mitigations.word_classes import ADVERBS, FUNCTION, OPPOSITES, PAST, TIMES, TITLES, is_adjective

_ONE = (
    r"(?:an?|the|this|that|his|her|its|their|my|your|our|one|each|every|another|some|any|no|"
    r"(?!(?:it|that|there|here|he|she|what|who|let)['’])\w+['’]s)"
)
_MANY = (
    r"(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|several|many|few|these|those|various|"
    r"countless|numerous|multiple|(?:an?\s+)?(?:hundred|thousand|dozen)|an?\s+few|[2-9]|[1-9]\d|(?:an?\s+)?(?:group|pair|bunch|crowd|team|army|herd|pack|gang|trio|"
    r"family|band|horde|row|pile|swarm|couple|dozens|hundreds|thousands|lots|plenty|collection|set)\s+of)"
)
_WORD = r"[A-Za-z][\w’'-]*"
_DETERMINER = re.compile(rf"\b(?:{_MANY}|{_ONE})(?=\s)", re.IGNORECASE)
_COUNTED = re.compile(rf"\b{_MANY}\s+$", re.IGNORECASE)
_OWNED = re.compile(r"['’]s?$")
_POSSESSIVE = re.compile(r"['’](?:s\b|(?=\s+\w))")
_IS = re.compile(r"\s+(?:an?|the|not|in|on|at|here|there)\b")
_PLURAL_NOUN = re.compile(r"\s+(?!is\b|was\b|has\b|as\b|does\b|his\b|its\b)[a-z]+(?<![su])s\b")
_THAT = frozenset({"the", "this", "that", "his", "her", "its", "their", "my", "your", "our"})


def in_phrase(text: str, since: int, match: Match, generic: str, stop: int) -> tuple[str, str, int]:
    """What comes before `match` in `text` from `since`, the words in its place, and where what they replace
    ends, such that they make one phrase.

    "an angry Hulk" is "an angry green man", "two Hulks" are "two green men", and what a hero with a shield
    holds is "a hero's".
    """
    after = text[stop:]
    said, told = _led(text, since, match, generic, after)
    possessive = _POSSESSIVE.match(after)
    if not possessive or (possessive[0] in "'’" and not text[:stop].endswith("s")):
        return said, told, stop
    tailed = without_tail(told)
    if tailed != told and _IS.match(after, possessive.end()):
        return said, f"{told} is", stop + possessive.end()
    mark = possessive[0][0]
    ending = mark if tailed.endswith("s") and not told.lower().startswith(("a ", "an ")) else f"{mark}s"
    return said, f"{tailed}{ending}", stop + possessive.end()


def is_counted(before: str) -> bool:
    """Whether `before` ends in a number or a quantity, as in "two" and "a group of"."""
    return bool(_COUNTED.search(before))


def _led(text: str, since: int, match: Match, generic: str, after: str) -> tuple[str, str]:
    """What comes before the name and what stands for it, without a second article or the same word twice."""
    before = text[since : match.start]
    found = list(_DETERMINER.finditer(before))
    start = found[-1].end() if found else 0
    owned = not found and _OWNED.search(text[:since])
    between = _words(before[start:]) if found or owned else None
    if between is not None:
        lead = before[: found[-1].start()] if found else ""
        return _after_determiner(lead, found[-1][0] if found else "", between, match, generic, after)
    if match.plural:
        return before, plural_phrase(generic)
    start, bare = _bare(before)
    if not bare:
        return before, generic
    kept, told = _merged(bare, without_article(generic))
    first = " ".join((*kept, told))
    article = "a " if re.match(r"an?\s", generic, re.IGNORECASE) else ""
    return before[:start], f"{article}{first[:1].lower()}{first[1:]}"


def _words(between: str) -> list[str] | None:
    """The words between a determiner and a name, commas kept; None where one of them ends the phrase."""
    words = between.split()
    if not between[-1:].isspace() or not all(re.fullmatch(rf"{_WORD},?", w) for w in words):
        return None
    plain = [w.rstrip(",").lower() for w in words]
    if words and words[-1].endswith(","):
        return None
    for at, word in enumerate(plain):
        adverb = at > 0 and plain[at - 1].endswith("ly")
        verb = word.endswith(("ing", "ed")) and at > 0 and not adverb
        noun = word.endswith("s") and not word.endswith(("ss", "ous"))
        if word in FUNCTION or (not is_adjective(word) and (verb or noun or word in PAST | TIMES)):
            return None
    return words


def _after_determiner(
    lead: str, determiner: str, between: list[str], match: Match, generic: str, after: str
) -> tuple[str, str]:
    """`between` are the words from `determiner` to the name; an empty one is an owner that was replaced."""
    which = " ".join(determiner.lower().split())
    kind = which in {"a", "an"} or (not match.plural and _PLURAL_NOUN.match(after))  # "two Zori toys"
    many = not kind and (match.plural or bool(re.fullmatch(_MANY, which)))
    if not between and not many and which in {"a", "an", "the"}:
        return f"{lead}{determiner} ", generic  # of two articles the second stays
    plain = [w.rstrip(",").lower() for w in between]
    if not many and len(plain) == 1 and determiner and _is_title(which, plain[0]):
        return lead, generic
    kept, told = _merged(between, without_article(plural_phrase(generic) if many else generic))
    return f"{' '.join((lead + determiner, *kept))} ", told


def _is_title(determiner: str, word: str) -> bool:
    """Whether `word` before a name says what its bearer is, as in "the actor Zori"."""
    return word in TITLES or (determiner in _THAT and not is_adjective(word))


def _bare(before: str) -> tuple[int, list[str]]:
    """Where the adjectives without an article right before the name begin, and they: "angry Zori"."""
    start, kept = len(before), list[str]()
    for word in reversed(list(re.finditer(rf"{_WORD},?(?=\s)", before))):
        together = before[word.end() : start].isspace()
        adverb = kept and word[0].lower() in ADVERBS
        if (
            not together
            or not (adverb or is_adjective(word[0].rstrip(",")))
            or (not kept and word[0].endswith(","))
        ):
            break
        start, kept = word.start(), [word[0], *kept]
    return start, kept


def _merged(adjectives: list[str], generic: str) -> tuple[list[str], str]:
    """`adjectives` without those that `generic` has, and `generic` without what they leave no room for."""
    words = generic.split()
    has = {w.rstrip(",").lower() for w in words}
    kept = [a for a in adjectives if a.rstrip(",").lower() not in has]
    if kept and not adjectives[-1].endswith(","):
        kept[-1] = kept[-1].rstrip(",")
    said = {a.rstrip(",").lower() for a in kept}
    barred = {word for these, those in OPPOSITES if said & these for word in those}
    words = [w for w in words if w.rstrip(",").lower() not in barred]
    if kept:
        words = [w.rstrip(",") for w in words]
    return kept, " ".join(words)
