"""What brackets after a name make of it: "Mario (lookalike)", "Mario (not him)", "Mario (possibly)"."""

from __future__ import annotations

import re

from copycat.subjects import vocabulary as say
from copycat.subjects.clauses import find
from copycat.subjects.mentions import Mention

_BRACKETS = re.compile(r"^[\"'”’*]*\s*[(\[]\s*(?P<said>[^)\]]*)")
_IT = (
    r"(?:him|her|it|them|himself|herself|the\s(?:\w+\s)?(?:character|figure|one|original)"
    r"|this\s(?:character|figure))"
)
_DENIES = find(
    r"^(?:(?:but|though|probably|clearly|definitely|certainly|actually|really)\s)*not\s"
    rf"(?:(?:really|actually|quite|exactly|truly|necessarily)\b(?:\s{_IT}\b|\s*$)|{_IT}\b"
    r"|(?:really\s|actually\s)?(?:present|shown|visible|pictured|depicted|here|there|in\s(?:the|this)\s\w+)\b"
    r"|(?:the|an?)\s(?:actual|real|original|official|genuine|authentic|true)\b(?!\s(?:person|human|animal|world)))"
)
_IMITATES = find(
    rf"^(?!or\b)(?:[\w'’]+[\s-]){{0,3}}?{say.IMITATIONS}\b"
    r"|^(?:(?:only|just|very|loosely|clearly|closely|heavily|somewhat|a|an)\s)*"
    r"(?:(?:inspired|influenced)(?:\sby)?|similar(?:\sto)?|resembl\w+|reminiscent(?:\sof)?|based(?:\son)?|modell?ed\son|"
    rf"(?:looks\s|much\s|something\s)?-?like|(?:in\sthe\s)?-?styled?(?:\sof)?|-?(?:esque|ish)|vibes?|themed?)\s*(?:{_IT}\b.*)?$"
    r"|^(?:\w+ly\s)?inspired\s(?!by\b)\w+"
)
_HEDGES = find(
    rf"^(?:or\s(?:[\w'’]+\s){{0,3}}?{say.IMITATIONS}|{say.HEDGES}|\?|unsure|unconfirmed|(?:probably\s)?not\s(?:sure|certain))"
)


def _said(m: Mention) -> str:
    told = _BRACKETS.match(m.after)
    return told["said"].strip() if told else ""


def is_denied_in_brackets(m: Mention) -> bool:
    """Whether brackets say that it is not the one, or not there; "Mario (not Luigi)" denies another."""
    return bool(_DENIES.match(_said(m)))


def is_likened_in_brackets(m: Mention) -> bool:
    """Whether they say that it is an imitation; a doubt of that leaves it open."""
    said = _said(m)
    return bool(_IMITATES.match(said)) and not _HEDGES.match(said)


def is_hedged_in_brackets(m: Mention) -> bool:
    """Whether they leave open that it is the one."""
    return bool(_HEDGES.match(_said(m)))
