"""How the words that a rewriter puts in fit the sentence around them: articles, and names before a noun."""

from __future__ import annotations

import re

from copycat.mitigations.lexicon import Match
from copycat.mitigations.number import plural_phrase
from copycat.mitigations.phrase import is_counted
from copycat.subjects.characters import normalise

VOWEL_SOUND = (
    r"(?:hour|honest|heir|x-|[ai]|e(?!u|we\b)|o(?!ne\b|nce\b)|u(?!kulele|ni(?![mn])|s[aeu]|tensil|topia))"
)
"""How a word begins that is spoken with "an", as a pattern without regard to case."""

_ARTICLE = re.compile(r"^(?:an?|the)\s+", re.IGNORECASE)
_FUNCTION = (
    r"(?:and|or|but|nor|as|at|by|for|from|in|into|is|are|was|were|of|on|onto|over|to|with|under|near|while|where|"
    r"who|whose|that|which|when|above|behind|beside|before|after|against|across|around|through|during|has|have|had)"
)
_NOUN_AFTER = re.compile(rf"\s+(?!{_FUNCTION}\b)([a-z]+(?<!ing)(?<!ly))\b")
_POSSESSED = re.compile(r"(?:\b(?:his|her|its|their|my|your|our)|['’]s)\s+$", re.IGNORECASE)
_APPOSITION = re.compile(r"\b(?:his|her|its|their|my|your|our)\s+[a-z]+\s+$", re.IGNORECASE)
_DETERMINERS = r"(?:an?|the|this|that|his|her|its|their|my|some|every)"
_ADJECTIVES = rf"(?:(?!{_FUNCTION}\b)[a-z-]+(?<!s)(?<!ed)(?<!ing)\s+)"
_DESCRIBED = re.compile(rf"\b{_DETERMINERS}\s+{_ADJECTIVES}{{1,3}}$", re.IGNORECASE)
_LED = re.compile(rf"\b{_DETERMINERS}\s+{_ADJECTIVES}{{0,3}}$", re.IGNORECASE)
_WHERE = re.compile(r"\b(?:in|into|at|on|over|to|near|with|like|under|through|across)\s+$", re.IGNORECASE)
_WHENCE = re.compile(r"\b(?:of|from|by)\s+$", re.IGNORECASE)


def in_sentence(text: str, match: Match) -> tuple[str, int]:
    """What stands in a sentence for a name of the world, and where in `text` what it replaces ends;
    a blank for a word that only described the next.

    "Gotham" is "a city" and "Gotham streets" are "city streets"; an owner or a work before a noun is
    dropped, as in "a Disney castle"; so is a name after what it is said to be, as in "her tiger Rajah".
    """
    before, after = text[: match.start], text[match.end :]
    possessive = re.match(r"['’]s?(?=\s)", after)
    noun = _noun_after(before, after)
    if match.kind in {"owner", "work"}:
        if possessive:
            return "", match.end + possessive.end()
        return (" " if noun else match.generic), match.end
    if match.kind == "epithet":
        return match.generic, match.end
    if match.kind == "figure" and _APPOSITION.search(before):
        return "", match.end
    if noun and normalise(match.generic).split()[-1:] == [noun]:
        return " ", match.end
    if _POSSESSED.search(before) or (match.kind == "thing" and (noun or _DESCRIBED.search(before))):
        return _ARTICLE.sub("", match.generic), match.end
    return match.generic, match.end


def _noun_after(before: str, after: str) -> str:
    """The noun that a name stands before as a kind; empty where none follows. A word in "s" may be a verb: it
    is a noun in "in Gotham streets", a verb in "a man of Gotham waits"."""
    found = _NOUN_AFTER.match(after)
    if found is None or not any(lead.search(before) for lead in (_LED, _WHERE, _WHENCE)):
        return ""
    is_verb = found[1].endswith("s") and not _WHERE.search(before)
    return "" if is_verb else found[1]


_DETERMINER_INSIDE = re.compile(r"\b(?:an?|the|one|two|three|his|her|its|their)\b", re.IGNORECASE)
_ANY_ARTICLE = re.compile(r"\b(?:an?|the)\s", re.IGNORECASE)
_BARE_BEFORE = re.compile(
    r"(?:^|[,;]|\b(?:with|and|in|on|has|have|wearing|wears|holding|holds|of|under|like|from))\s*$"
)
_HEAD_ENDS = re.compile(r"\s+(?:with|of|on|in|over|under|across|around|at|by|to|like|from|for|without)\b|,")
_PLURALS = frozenset({"teeth", "feet", "mice", "men"})
_UNCOUNTED = frozenset(
    [
        "armour",
        "cloth",
        "fur",
        "glass",
        "hair",
        "kelp",
        "lace",
        "moss",
        "skin",
        "smoke",
        "snow",
        "soup",
        "wind",
        "wood",
    ]
)


def with_missing_article(text: str, match: Match) -> str:
    """The words in place of an attribute, with "a" where a plural or an uncounted noun, which has none,
    becomes one thing: "with bat ears" is "with a flat hood". After a number they are a plural."""
    generic = match.generic
    written = text[match.start : match.end]
    words, head = generic.split(), _head(generic)
    if is_counted(text[: match.start]) and _is_plural(_head(written)):
        alike = not head or head in _UNCOUNTED or any(map(_is_plural, words))
        return generic if alike else plural_phrase(generic)
    if not _ANY_ARTICLE.search(text[: match.start]):
        return generic  # A text in the style of a telegram stays one.
    if _DETERMINER_INSIDE.search(generic) or not _BARE_BEFORE.search(text[: match.start]):
        return generic
    if _DETERMINER_INSIDE.match(written) or not (_is_plural(_head(written)) or _head(written) in _UNCOUNTED):
        return generic
    no_noun = head in _UNCOUNTED or head.endswith(("ing", "ed", "ly")) or any(map(_is_plural, words))
    return generic if not head or no_noun else f"a {generic}"


def _head(phrase: str) -> str:
    """The noun of a phrase, in lower case."""
    words = _HEAD_ENDS.split(phrase, maxsplit=1)[0].split()
    return words[-1].lower() if words else ""


def _is_plural(word: str) -> bool:
    word = word.strip(",.;")
    return word in _PLURALS or (word.endswith("s") and not word.endswith("ss"))
