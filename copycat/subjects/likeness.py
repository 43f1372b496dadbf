"""What denies that a name is the one's who is shown, and what only likens somebody to it."""

from __future__ import annotations

import re

from copycat.subjects import vocabulary as say
from copycat.subjects.brackets import is_denied_in_brackets, is_likened_in_brackets
from copycat.subjects.clauses import AT_END, DET, LIST, find
from copycat.subjects.mentions import Mention

_DENIES = find(rf"\b{say.NEGATION}\b")
_EMPHASIS = find(rf"\b{say.EMPHASIS}\b")
_DENIED_AFTER = find(
    r"^[\"'”’*)]*\s*(?:is|are|was|does|do|did|can|could|would|has|seems?|appears?)?\s*"
    r"(?:n't|not|nowhere|absent|missing|never)\b(?!\s(?:only|just))|^\?\s*no\b"
)
_CONTRAST_AFTER = find(
    r"^[\"'”’*)]*\s*(?:would|should)\b"
    r"|^[\"'”’*)]*\s*(?:is\s(?:usually|always)|has|have|had|wears|usually|typically|always|normally)\b[^.]*"
    r"\b(?:but|so|whereas|while|unlike|instead)?\s*(?:this|the)\s(?:one|figure|character|creature|picture|image)\b"
)
_LIKENS = find(rf"\b{say.LIKENESS}\b")
_STATES = find(r"\b(?:is|are|be|say|guess|shows?|depicts?|identif\w+|named)\b|'s\b|\bit's\b")
"""What makes a statement of what follows a likeness: "the cap suggests that this is Mario"."""
_THINK_OF = find(r"(?<!\bi )(?<!\bwe )(?<!would )(?<!'d )\bthink\s(?:of\s)?" + AT_END)
_UNREAL = find(rf"\b{say.UNREAL}[\s-]+$")
_LOOKS = find(rf"\b(?:look|appear|seem|sound|dress)\w*\s(?:exactly\s|to\sme\s)?like\s{LIST}{AT_END}")
_SIMILE = find(rf"\blike\s{LIST}{AT_END}")
_IDENTIFIES = find(
    r"^\W*(?:.*\bwhat|(?:(?:i|to)\s\w+\s|well\W+|yes\W+|hm+\W+)?(?:it|this|that|he|she|they|these|"
    r"the\s(?:character|figure|image|picture|one|creature|person)s?(?:\s(?:shown|here|depicted|in\sthe\s\w+))?)?)\s*$"
)
_CONCEDES = find(r"(?:^|[;.]\s*)(?:although|though|while|whilst|even if|despite|whereas|if)\b[^,;.]*$")
_MAIN_CLAUSE = find(r"^[^.;,]*,\s*(?:this|it|the|here|there|that|he|she|i)\b")


def is_denied(m: Mention) -> bool:
    """Somebody who is said not to be there, or not to be the one."""
    if is_denied_in_brackets(m) or _DENIED_AFTER.match(m.after) or _CONTRAST_AFTER.match(m.after):
        return True
    if _CONCEDES.search(m.before) and _MAIN_CLAUSE.match(m.after):
        return True
    plain = _EMPHASIS.sub(lambda e: " " * len(e[0]), m.clause)
    return any(_reaches(m.clause[d.end() :]) for d in _DENIES.finditer(plain))


def _reaches(between: str) -> bool:
    """Whether a negation still holds after `between`: a comma ends it, unless names are listed."""
    return "," not in between or bool(
        re.fullmatch(rf"\s*(?:[\w'’.\s-]+,\s*)*(?:(?:and|or|nor)\s+)?{DET}", between)
        and not re.search(r",\s+(?!and\b|or\b|nor\b|the\b|an?\b)[a-z]", between)
    )


def is_likened(m: Mention) -> bool:
    """Somebody whom something is like, or makes one think of."""
    before = m.clause
    if is_likened_in_brackets(m):
        return True
    if identifies_by_features(m):
        return False
    likened = any(not _STATES.search(before[like.end() :]) for like in _LIKENS.finditer(before))
    if likened or _UNREAL.search(before) or _THINK_OF.search(before):
        return True
    if re.search(
        rf"\b(?:shaped|formed|carved|mou?lded|sculpted|made)\slike\s{LIST}{AT_END}", before, re.IGNORECASE
    ):
        return False
    if re.search(rf"\bdress\w*\s(?:up\s)?like\s{LIST}{AT_END}", before, re.IGNORECASE):
        return False
    if looks := _LOOKS.search(before):
        return not _IDENTIFIES.match(before[: looks.start()]) or bool(re.match(r"[^.]*\bbut\b", m.after))
    return bool(_SIMILE.search(before)) and not re.search(r"\blike\s+(?:this|it|that)\s+(?:is|may)\b", before)


_FEATURES = find(
    r"(?:\b(?<!some )(?<!several )(?<!few )(?<!many )(?:hallmarks|trademarks|characteristics"
    r"|attributes|features|traits)"
    r"|\b(?:trademark|signature|defining|distinctive|distinguishing|characteristic|iconic|unmistakable|classic|typical|recognizable)"
    r"(?:,?\s\w+){0,2}?\s(?:look|features?|traits?|appearance|design|outfit|attributes?|elements|style|attire)|\bhallmark"
    r"|\bmatch(?:es)?\s(?:exactly\s)?(?:those|that))\s(?:of|for)\s(?:the\s(?:[\w-]+\s){0,2}(?:character|figure|hero)\s)?[\"“'*]*$"
)
_SOME = find(r"\b(?:some|several|few|many|certain|shares?|borrow\w*|similar|like|reminiscent|not|n't)\b")


def identifies_by_features(m: Mention) -> bool:
    """Whether what is seen is told to be what one knows the figure by, and nobody else was named:
    "his cap and moustache are hallmarks of Mario"."""
    told = _FEATURES.search(m.clause)
    return bool(
        told
        and not _SOME.search(m.clause[: told.start()] + told[0])
        and not re.search(r"(?<![.!?]\s)(?<!^)\b(?!I\b)[A-Z][a-z]+", m.before)
    )
