"""Whether a name only tells to whom or to what work somebody else belongs."""

from __future__ import annotations

import re

from copycat.subjects import vocabulary as say
from copycat.subjects.clauses import AT_END, LIST, OPEN, PROPER, find
from copycat.subjects.elsewhere import is_related_elsewhere
from copycat.subjects.likeness import identifies_by_features
from copycat.subjects.mentions import Mention

_DEPICTS = find(say.DEPICTIONS)
_INTO_WORK = find(
    rf"\b(?:from|in|within|by|per|via|into|inside|across|throughout|of)\s+{OPEN}(?:the\s|an?\s|its\s|his\s|her\s)?"
    rf"(?:[\w'’&.-]+\s+){{0,5}}?{say.WORKS}[\s\"'“‘(*:]+(?:called\s|named\s|titled\s|about\s|with\s|of\s|like\s)?{LIST}{AT_END}"
)
_FROM = re.compile(
    rf"\b(?:[Ff]rom|[Ii]n|[Ww]ithin|[Bb]y|[Pp]er|[Vv]ia)\s+{OPEN}(?:[Tt]he\s+|an?\s+)?"
    rf"(?:(?:{PROPER}['’]s?|Walt|Disney|Pixar|Marvel|Nintendo|original|animated|classic|live-action|\d{{4}})\s+){{0,4}}"
    rf"(?:the\s+)?{OPEN}$"
)
_NEXT_TO = find("due|thanks|next|close|front|side|up|belong|name|names")
_FOR = find(rf"\bfor\s{AT_END}")
_OF = find(rf"(?P<of>[\w’'-]+)\s+(?:of|against|behind|after|about)\s+{LIST}{AT_END}")
_RELATES = find(
    rf"\b{say.KIN}\s(?:of|to|for|with)\b[^.;]*$|\b{say.DEEDS}\s(?:by\s|with\s|against\s|alongside\s|to\s)?{LIST}{AT_END}"
)
_NAMED_FIRST = re.compile(
    rf"(?:^|\b(?:is|are|be|of|shows?|depicts?|features?|called|named|as|like)\s+|^\W*)(?:the\s|The\s|an?\s)?[\"“'*]*"
    rf"(?P<who>{PROPER}(?:[\s\"“”'-]+(?:(?:de|of|the|von|van|and|&)\s+)?[\"“]?{PROPER})*)[\"”'*.]*"
    r"(?:\s*[(\[]|,?\s+[–—-]+\s+|,\s+|\s+(?=who|whom|whose|which|that))"
)
_APPOSED = re.compile(
    r"(?:an?|the|one|who|whom|whose|which|that|from|in|as|his|her|their|its|also|another|known|best|originally|created|"
    r"voiced|played|often|usually|sometimes|here|where|and\s(?:the|an?|his|her|one)|[a-z]+ed|"
    r"living|working|serving|belonging|hailing|appearing|starring|being)\b"
)
_GUESSED = find(
    rf"\s*(?:{say.HEDGES}|could\sbe|might\sbe|(?:most\s)?likely|probably)\s+(?:(?:an?|the)\s)?[\"“'*]*"
)
"""Brackets that say who it may be: "A Pokémon (possibly Pikachu)"."""
_CLOSED = find(r",\s+(?:is|are|[a-z]+s|[a-z]+ing|with|next|beside|together|and\s[a-z]+s)\b(?!\s(?:of|to)\b)")
"""Where an apposition ends and the sentence goes on: "Elsa, the queen, stands beside Olaf"."""
_ALIAS = find(
    r"\b(?:also\s(?:known|called|named)|a\.?k\.?a\.?|better\sknown|known\s(?:simply\s|commonly\s)?as|otherwise|"
    r"i\.e\.|alias|alter\sego|real\sname|nicknamed|or\ssimply|namely|in\senglish)[^.;]*$"
)


def is_in_work(m: Mention) -> bool:
    """The name in that of a work: "from Super Mario Bros."."""
    before = m.clause
    return bool(_FROM.search(before) or _INTO_WORK.search(before))


def is_related(m: Mention) -> bool:
    """Somebody in whose terms another is told: "the sister of Elsa", "who fights Spider-Man"."""
    if is_related_elsewhere(m):
        return True
    if identifies_by_features(m):
        return False
    before = m.clause
    if _RELATES.search(before) or _FOR.search(before):
        return True
    if (of := _OF.search(before)) and not _depicts(of["of"], before[: of.start("of")]):
        return True
    named = _NAMED_FIRST.search(m.before)
    if named is None or _ALIAS.search(m.before[named.end("who") :]):
        return False
    between = m.before[named.end() :]
    if _CLOSED.search(between):
        return False
    if re.search(r",?\s+and\s+$|[)\]]", between) and not _APPOSED.match(between):
        return False
    opened = named[0].rstrip()[-1:]
    if opened in "([" and _GUESSED.fullmatch(between):
        return False
    return bool(_APPOSED.match(between)) or (opened in "([–—-" and not re.search(r"\w\s*[)\],]", between))


def _depicts(noun: str, before: str) -> bool:
    """Whether "NOUN of somebody" is this somebody: an image of it, a thing made after it."""
    if _NEXT_TO.fullmatch(noun):
        return True
    if find(say.KIN).fullmatch(noun) or find(say.THINGS).fullmatch(noun):
        return False
    one = re.search(r"\b(?:an?|some|several|two|three|many)\s(?:[\w-]+\s){0,3}$", before, re.IGNORECASE)
    return bool(one or _DEPICTS.fullmatch(noun))
