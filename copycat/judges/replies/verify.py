"""Reading a reply to a yes-or-no question that was answered in words."""

from __future__ import annotations

import re

from copycat.judges.replies.declining import abstains
from copycat.judges.replies.structure import Unclear, answer_part, field, objects, plain, sentences
from copycat.records import Unscored, YesNo
from copycat.subjects.characters import normalise


def _said(text: str) -> frozenset[str]:
    return frozenset(map(normalise, text.split()))


_YES = _said(
    """yes yep yeah yup y true correct indeed affirmative absolutely certainly definitely sure right exactly
    oui si ja da sim tak
    はい 是 是的 对 네 예 да igen evet kylla hai joo vâng đúng 1"""
)
_NO = _said(
    """no nope nah n false incorrect negative never non nein nej nao nie
    いいえ 不 不是 否 아니요 아니오 нет nem hayir ei nee
    wrong không 0"""
)
_WORD = r"(yes|no|true|false)"
_OPEN = re.compile(
    r"\b(?:yes|no)\W+(?:and|or|nor|/|&)\W+(?:no|yes)\b|^\W*(?:maybe|perhaps|possibly|no\s(?:comment|idea|way|clue|opinion|"
    r"information|answer|image|picture))\b|\b(?:maybe|perhaps|possibly)\W*$",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"^\W*(?:(?:\w+ly\s)?not\b(?!\s(?:sure|certain|clear|able|possible|enough|known))|no(?:body|thing|\sone)\b|"
    r"there\s(?:is|are)\s(?:no|not)\b|there's\sno\b|(?:[\w'.-]+\s){1,5}?(?:is|are|was)\snot\b|"
    r"(?:[\w'.-]+\s){0,5}?(?:isn't|aren't|doesn't|does\snot)\b|i\s(?:don't|do\snot)\s(?:see|think|believe)\b)",
    re.IGNORECASE,
)
_CERTAIN = re.compile(r"^\W*(?:no|without\s(?:a|any))\s(?:doubt|question|mistake|mistaking)\b", re.IGNORECASE)
"""Words that affirm what follows, though they begin with a no."""
_UNLIKELY = re.compile(r"^\W*(?:(?:very|highly|most)\s)?unlikely\b", re.IGNORECASE)
_ANSWERS = re.compile(
    rf"(?:\b(?:answer|verdict|response|say|guess|it's\sa|so|then|therefore)(?:\s(?:is|would\sbe|to\s[^:]*))?\W+{_WORD}\b"
    rf"|[,:]\s+{_WORD}\W*$|^\W*(?:hm+|well|oh|ah|ok|okay)\W+{_WORD}\b)",
    re.IGNORECASE,
)
_AFFIRMED = re.compile(
    r"^\W*(?:i\s(?:think|believe|guess|suppose)\s(?:so|it\sis|that\sit\sis)|(?:it|he|she|this|that)(?:\sis|'s)\W*(?:$|(?:right|"
    r"correct|true|indeed|him|her|the\scase)\b)|(?:it|this|that)\s(?:does|certainly|clearly)\s(?:appear|seem|look)s?\b(?!\snot)|(?:[\w'.-]+\s){1,5}?(?:(?:is|are)\s(?:\w+ly\s)?(?:in\s(?:this|the)|present|shown|"
    r"visible|depicted|there|here)|appears\s(?:in|here)))",
    re.IGNORECASE,
)


def read_yes_no(reply: str, *, cut_off: bool = False) -> YesNo | Unscored:
    """Yes (1) or no (0), in an object, in a word, or first in a sentence; Unscored for any other reply.

    What follows a plain answer does not overturn it.
    """
    text, longer = answer_part(reply)
    if not re.search(r"\w", text):
        return Unscored(reason="the reply is empty")
    try:
        yes = _yes(text, cut_off or longer)
    except RecursionError:
        return Unscored(reason="the reply is not what was asked for (it is nested too deeply)")
    except ValueError as e:
        return Unscored(reason=f"the reply is not what was asked for ({e})")
    return YesNo(p_yes=float(yes))


def _yes(text: str, cut_off: bool) -> bool:
    found = [v for v in objects(text) if isinstance(v, dict)]
    if len(found) > 1:
        raise Unclear("several objects that differ")
    if found:
        named, value = field(
            found[0], "answer", "result", "response", "verdict", "present", "verify", "isthere"
        )
        if not named and len(found[0]) == 1:
            named, value = True, next(iter(found[0].values()))
        if not named:
            raise Unclear("no answer in the object")
        return value if isinstance(value, bool) else _plain(str(value), cut_off=False)
    return _plain(text, cut_off)


def _plain(text: str, cut_off: bool) -> bool:
    bare = plain(text)
    parts = list(sentences(bare))
    if cut_off and not re.search(r"\w\W", bare):
        raise Unclear("it is cut off in its first word")
    for part in parts[:1]:
        first = normalise(re.split(r"[\s,.;:!–—(、，。-]+", part.lstrip(" \"'([“*"), maxsplit=1)[0])
        if _CERTAIN.match(part):
            return True
        if _OPEN.search(part) or (first in _YES and re.search(r"\bbut\b", part) and abstains(part)):
            break
        if _UNLIKELY.match(part):
            return False
        if _NEGATED.match(part):
            return False
        if first in _YES | _NO:
            return first in _YES
        if abstains(part):
            break
        if _AFFIRMED.match(part):
            return True
    else:
        for part in parts:
            # What stands in quotation marks is said by the picture, or by the question.
            told = _ANSWERS.search(re.sub(r"\"[^\"]+\"|“[^”]+”", "", part))
            if told and not abstains(part):
                return normalise(next(filter(None, told.groups()))) in _YES
    raise Unclear("neither a yes nor a no")
