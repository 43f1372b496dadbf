"""What a sentence says of somebody whom it mentions: the grammar around a name.

Rules are of language in general: what a preposition, a negation or an apposition makes of the name after it.
They read English; what beside them is read of other languages stands in `elsewhere`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from copycat.subjects import vocabulary as say
from copycat.subjects.bearers import is_another, may_be_another
from copycat.subjects.brackets import is_hedged_in_brackets
from copycat.subjects.clauses import AT_END, LIST, find
from copycat.subjects.elsewhere import is_denied_elsewhere, is_hedged_elsewhere
from copycat.subjects.likeness import is_denied, is_likened
from copycat.subjects.mentions import Mention
from copycat.subjects.naming import (
    is_bare_word,
    is_longer_name,
    is_product,
    is_title,
    is_word,
    may_be_form,
)
from copycat.subjects.relations import is_in_work, is_related

Role = Literal["shown", "doubtful", "absent"]

_OWNS = find(rf"^(?:\s\d{{2,4}})?(?:['’]s?\s+(?!\w+ing\b|{say.STAYS}\b))\w")
_GENITIVE = find(rf"^\s+(?!{say.FOLLOWS}\b|\w+ing\b)\w")
_COUNTED = find(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|\d+|several|some|many|multiple|various|few|both|these|those|"
    r"all|of|the)\s+(?:[\w-]+\s+){0,3}$"
)
"""Before a name in the plural, so that it is no genitive without an apostrophe."""
_KIND_AFTER = find(
    rf"^[\"'”’*]*[\s-]+(?:\d{{1,4}}\s+)?(?:{say.THINGS}|{say.WORKS}|{say.ALIKE})\b(?!-)|^-[a-z]"
)
_CAST_AFTER = re.compile(r"\s(?:character|hero|heroine|star|protagonist|figure|villain|antagonist)\s[A-Z]")
_ALIKE_AFTER = find(rf"^[\"'”’*]*-?(?:{say.ALIKE})\b")
_COSTUME = find(r"^[\"'”’]*[\s-](?:cos(?:tume|play)|outfit|suit|onesie|dress|fancy dress)s?\b")
_WEARS = find(r"\b(?:in|wear\w*|dress\w*\s(?:up\s)?in)\s(?:an?|the|his|her|their|full)?\s?(?:[\w-]+\s){0,2}$")
_WRITES = find(rf"\b{say.WRITING}(?:\s(?:of|for|is|the\s(?:word|name|title)s?))?[\s:,]*{LIST}{AT_END}")
_SAYS = find(
    r"\b(?:text|sign|caption|label|writing|words?|image|picture)\s(?:\w+\s){0,3}?(?:says?|reads?)\b[^.;,]*$"
)
_WRITTEN = find(rf"^[\"'”’*.,!]*\s*{say.WRITTEN}\b|^[\"'”’]+\s+on\s+(?:it|the|an?|its|his|her)\b")
_HEDGED = find(
    rf"\b{say.HEDGES}\b(?!\s(?:also\s|well\s)?(?:know|recogni[sz]e|remember|be\sfamiliar))[^,]{{0,40}}$"
)
_OR = find(r"\bor\s+" + AT_END)
_HEDGED_AFTER = re.compile(
    r"[\"'”’*,.]*\s*(?:\((?:possibly|maybe|perhaps|probably not|\?|unsure|uncertain|not sure|unconfirmed|"
    r"could be|"
    r"might be)|\?|,?\s?(?:perhaps|maybe|possibly)\b|,?\s?or\s(?!not\b)|\s[–—-]+\sor\b)",
    re.IGNORECASE,
)


def belongs(m: Mention) -> bool:
    """Something of it, or somebody to it: "Mario's hat", "Mario's brother", "Marios Hut"."""
    genitive = m.plural and _GENITIVE.match(m.after) and not _COUNTED.search(m.before)
    return bool(_OWNS.match(m.after) or genitive)


def is_kind_of_thing(m: Mention) -> bool:
    """A thing that goes by its name: "the Mario franchise", "a Batman logo", "a Mario look-alike"."""
    return bool(_KIND_AFTER.match(m.after) or _ALIKE_AFTER.match(m.after) or _CAST_AFTER.match(m.after))


def is_written(m: Mention) -> bool:
    """The name as writing in the picture."""
    return bool(_WRITES.search(m.before) or _SAYS.search(m.before) or _WRITTEN.match(m.after))


def wears_it(m: Mention) -> bool:
    """Somebody dressed up: "in a Batman costume"."""
    worn = _COSTUME.match(m.after) and _WEARS.search(m.clause)
    return bool(worn) and not (m.common and m.lower)


def is_hedged(m: Mention) -> bool:
    """Somebody who may be the one, or another."""
    return bool(
        _HEDGED.search(m.clause)
        or _OR.search(m.clause)
        or _HEDGED_AFTER.match(m.after)
        or is_hedged_in_brackets(m)
    )


_ABSENT: tuple[Callable[[Mention], bool], ...] = (
    belongs, is_kind_of_thing, is_written, is_denied, is_likened, is_in_work, is_related,
)  # fmt: skip


def role(m: Mention) -> Role:
    """What the sentence around `m` makes of it."""
    if wears_it(m):
        return "shown"
    if is_longer_name(m) or is_product(m) or is_title(m) or is_another(m) or is_denied_elsewhere(m):
        return "absent"
    if any(rule(m) for rule in _ABSENT):
        return "absent"
    if is_word(m):
        return "doubtful" if is_bare_word(m) else "absent"
    unsure = is_hedged(m) or is_hedged_elsewhere(m) or may_be_form(m) or may_be_another(m)
    return "doubtful" if unsure else "shown"
