"""Reading a reply to a yes-or-no question that was answered in words."""

from __future__ import annotations

import re

from copycat.judges.replies.acts import abstains
from copycat.judges.replies.structure import Unclear, answer_part, field, objects, plain, sentences
from copycat.records import Unscored, YesNo
from copycat.subjects.characters import normalise

_YES = frozenset(
    "yes yep yeah yup y true correct indeed affirmative absolutely certainly definitely sure right exactly oui si ja da sim tak "
    "はい 是 是的 对 네 예 да igen evet kylla hai 1".split()
)
_NO = frozenset(
    "no nope nah n false incorrect negative never non nein nej nao nie いいえ 不 不是 否 아니요 아니오 нет nem hayir ei nee wrong 0".split()
)
_OPEN = re.compile(r"^\W*(?:yes|no)\s*(?:and|or|/|&)\s*(?:no|yes)\b|\b(?:maybe|perhaps|possibly)\b", re.IGNORECASE)
_NEGATED = re.compile(
    r"^\W*(?:not\s(?:really|at\sall|quite|exactly|in\sthis|here|present|shown|visible|that\sI)|definitely\snot|certainly\snot|"
    r"absolutely\snot|there\s(?:is|are)\sno\b|there's\sno\b|(?:it|this|that|he|she)(?:\sis|'s)\snot\b|it\s(?:isn't|doesn't)|"
    r"this\s(?:isn't|doesn't)|that\s(?:isn't)|i\s(?:don't|do\snot)\ssee\b|(?:[\w'.-]+\s){1,4}(?:is\snot|isn't|does\snot|doesn't)\b)",
    re.IGNORECASE,
)
_ANSWERS = re.compile(r"\b(?:the\s|my\s|final\s)*(?:answer|verdict|response)(?:\s(?:is|would\sbe))?\W+(\w+)", re.IGNORECASE)
_AFFIRMED = re.compile(
    r"^\W*(?:(?:it|this|that|he|she|there)(?:\sis|'s)\s(?!not\b|no\b)(?:indeed|definitely|clearly|certainly|him|her|the|in)|"
    r"(?:[\w'.-]+\s){1,4}is\s(?!not\b)(?:indeed\s|clearly\s|definitely\s)?(?:in\s(?:this|the)|present|shown|visible|depicted))",
    re.IGNORECASE,
)


def read_yes_no(reply: str, *, cut_off: bool = False) -> YesNo | Unscored:
    """Yes (1) or no (0), in an object, in a word, or first in a sentence; Unscored for any other reply.

    What follows a plain answer does not overturn it.
    """
    text = answer_part(reply)
    if not re.search(r"\w", text):
        return Unscored(reason="the reply is empty")
    try:
        yes = _yes(text, cut_off)
    except Unclear as e:
        return Unscored(reason=f"the reply is not what was asked for ({e})")
    return YesNo(p_yes=float(yes))


def _yes(text: str, cut_off: bool) -> bool:
    found = [v for v in objects(text) if isinstance(v, dict)]
    if len(found) > 1:
        raise Unclear("several objects that differ")
    if found:
        named, value = field(found[0], "answer", "result", "response", "verdict", "present", "verify", "isthere")
        if not named and len(found[0]) == 1:
            named, value = True, next(iter(found[0].values()))
        if not named:
            raise Unclear("no answer in the object")
        return value if isinstance(value, bool) else _plain(str(value), cut_off=False)
    return _plain(text, cut_off)


def _plain(text: str, cut_off: bool) -> bool:
    bare = plain(text)
    parts = list(sentences(bare))
    if not parts or _OPEN.search(parts[0]):
        raise Unclear("neither a yes nor a no")
    said = normalise(re.split(r"[\s,.;:!–—(-]+", parts[0].lstrip(" \"'([“*"), maxsplit=1)[0])
    if said in _YES | _NO and not (cut_off and bare.strip() == parts[0] and " " not in bare):
        return said in _YES
    for part in parts:
        told = _ANSWERS.search(part)
        if told and normalise(told[1]) in _YES | _NO:
            return normalise(told[1]) in _YES
    if abstains(parts[0]) and not _NEGATED.match(parts[0]):
        raise Unclear("neither a yes nor a no")
    if _NEGATED.match(parts[0]):
        return False
    if _AFFIRMED.match(parts[0]):
        return True
    raise Unclear("neither a yes nor a no")
