"""How a name is written: whole or in a longer one, as a word, as a brand or a title."""

from __future__ import annotations

import re

from copycat.subjects import vocabulary as say
from copycat.subjects.clauses import clause, find
from copycat.subjects.mentions import Mention

_KEEPS, _FOLLOWS = find(rf"{say.KEEPS}"), find(rf"{say.FOLLOWS}")
_ADJECTIVE = re.compile(r"\w{3}(?:ing|ed|ly|ful|ous|ish|ive|able|less|ar|tic|cal|nal|ral)$")
_LAST_WORD = re.compile(r"([^\W_]+(?:['’][^\W_]+)?)[ _]+$")
_NEXT_WORD = re.compile(r"[ _]+([^\W_]+)")


def is_longer_name(m: Mention) -> bool:
    """Whether the name is part of a longer one, which is somebody else's or a work's."""
    if re.search(r"\w[-–]$", m.before) and not find(rf"\b{say.UNREAL}-$").search(m.before):
        return True
    if re.match(r"-[A-Z]", m.after):
        return True
    left, right = _LAST_WORD.search(m.before), _NEXT_WORD.match(m.after)
    if is_form(m) or (left and _UNSURE_FORMS.fullmatch(left[1])):
        left = None
    if re.match(r" (?:al|ibn|bin)[- ][A-Z]", m.after):
        return True
    if re.match(r" (?:I{1,3}|I?V|VI{1,3}|I?X) of [A-Z]", m.after):
        return True
    if re.search(r"\b(?:[A-Z]|Ms|Mrs|Miss|St)\.? $", m.before) and not re.search(r"\bA $", m.before):
        return True
    if left and re.search(r"['’]s?$", left[1]):
        left = None
    if left and left[1][0].isupper() and not _KEEPS.fullmatch(left[1]) and not _begins(m, left.start(1)):
        return True
    if left and left[1][0].isupper() and _begins(m, left.start(1)) and not _KEEPS.fullmatch(left[1]):
        return not _ADJECTIVE.search(left[1])
    if not right or (right[1].isupper() != m.written.isupper() and not right[1][0].isupper()):
        return False
    if m.written.isupper() and len(m.written) > 1 and not right[1].isupper():
        return False
    return right[1][0].isupper() and not _FOLLOWS.fullmatch(right[1]) and not right[1].endswith("ing")


def _begins(m: Mention, at: int) -> bool:
    return not re.search(r"\w", clause(m.text[:at]))


_ANY_ARTICLE = find(r"\b(?:an?|the|some|this|that|his|her)\s+(?:[a-z-]+\s+){0,2}$")
_NOUN_AFTER = re.compile(r"\s+([a-z]{3,}(?<!ing)(?<!ed)(?<!ly)(?<!s))\b")
_THING_AFTER = re.compile(
    r"\s+(?!(?:is|was|are|has|and|or|with|from|in|on|at|as|by|who|that|of|to)\b)[a-z]+(?<!ing)(?<!s)\b"
)


def is_word(m: Mention) -> bool:
    """Whether a name that is a common word too is written as that word."""
    if not m.common:
        return False
    if m.lower:
        return True
    first = not re.search(r"\w", m.clause)
    return first and " " not in m.written and bool(_THING_AFTER.match(m.after))


def is_product(m: Mention) -> bool:
    """Whether the name goes before a common noun as a kind or a brand: "a Kirby vacuum cleaner"."""
    noun = _NOUN_AFTER.match(m.after)
    if noun is None or _FOLLOWS.fullmatch(noun[1]) or not _ANY_ARTICLE.search(m.before):
        return False
    return not re.match(rf"(?:\s+[a-z-]+){{0,3}}?\s+{say.DEPICTIONS}\b", m.after)


_ANSWERS = find(
    r"(?:(?:^|[.!?,;]\s+)\W*(?:it|this|that|he|she|(?:the|my)\s(?:character|figure|answer|name|one|guess)(?:\s[\w']+){0,4})"
    r"\s(?:is|would\sbe)|\b(?:it's|that's|named|called|say|think)|:)\s+[\"'“*]*$"
)


def is_bare_word(m: Mention) -> bool:
    """Whether a common word is all that was answered."""
    alone = m.text.strip(" .\"'*") == m.written
    return alone or bool(_ANSWERS.search(m.before) and not re.match(r"\s+\w", m.after))


_QUOTED_TITLE = find(
    rf"^[\"”]*(?:[^\"”;.!?]{{0,60}}[\"”])\s+(?:[\w-]+\s+){{0,2}}?(?:{say.THINGS}|{say.WORKS}|{say.LETTERED})\b"
)
_SUBTITLED = re.compile(r"^:\s+(?:(?:The|A|An)\s+)?[A-Z][\w'’-]*[^.;!?]*")
_LETTERED = find(rf"^[\"”’]*\s+(?:[\w-]+\s+)?{say.LETTERED}\b")


def is_title(m: Mention) -> bool:
    """Whether the name stands in the title of a work, or is lettering: "a 'Thor: Ragnarok' title card"."""
    if _LETTERED.match(m.after):
        return True
    if re.search(r"[\"“][^\"“”]{0,40}$", m.before) and _QUOTED_TITLE.match(m.after):
        return not re.match(rf"[\"”]\s+{say.DEPICTIONS}\b", m.after)
    sub = _SUBTITLED.match(m.after)
    told = sub and find(rf"\b(?:{say.WORKS}|{say.LETTERED}|posters?|covers?)\b").search(m.before + sub[0])
    return bool(told) and bool(
        re.search(r"\b(?:an?|the)\s+(?:[\w-]+\s+){0,3}[\"“]?$", m.before, re.IGNORECASE)
    )


_FORMS, _UNSURE_FORMS = find(say.FORMS), find(say.UNSURE_FORMS)
_FORM_BEFORE = re.compile(r"((?:[A-Z0-9][\w'’-]*[ ]+)+)$")


def is_form(m: Mention) -> bool:
    """Whether what goes before the name tells a form, an age or a rendering: "Super Saiyan Goku"."""
    if (led := _FORM_BEFORE.search(m.before)) is None:
        return False
    told = led[1].split()
    kept = [bool(_FORMS.fullmatch(w) or _KEEPS.fullmatch(w)) for w in told]
    # A word of colour or of element may stand within: "Super Saiyan Blue".
    last = max((i for i, w in enumerate(told) if _FORMS.fullmatch(w)), default=None)
    return last is not None and (kept[-1] or last == len(told) - 2) and last >= len(told) - 2


def may_be_form(m: Mention) -> bool:
    """Whether it tells a form of some figures and another being of others: "Metal Mario", "Metal Sonic"."""
    left = _LAST_WORD.search(m.before)
    return left is not None and bool(_UNSURE_FORMS.fullmatch(left[1]))
