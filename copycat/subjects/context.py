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
from copycat.subjects.elsewhere import is_denied_elsewhere, is_hedged_elsewhere, is_related_elsewhere
from copycat.subjects.mentions import Mention
from copycat.subjects.naming import (
    clause,
    find,
    is_bare_word,
    is_longer_name,
    is_product,
    is_title,
    is_word,
    may_be_form,
)

Role = Literal["shown", "doubtful", "absent"]

_OPEN = r"[\s\"'“‘(*\[«]*"
_DET = rf"{_OPEN}(?:(?:an?|the|its|his|her|their|this|that|some|any|another|actual|real)\s+)?{_OPEN}"
_LIST = rf"(?:[\w'’.-]+{_OPEN}(?:,|/|&|\band\b|\bor\b|\bnor\b)\s*)*"
"""Other names of a list before the one looked at."""
_PROPER = r"[A-Z0-9][\w'’.&-]*"
_AT_END = rf"{_DET}$"

_DEPICTS = find(say.DEPICTIONS)
_OWNS = find(rf"^(?:\s\d{{2,4}})?(?:['’]s?\s+(?!\w+ing\b|{say.STAYS}\b))\w")
_KIND_AFTER = find(
    rf"^[\"'”’*]*[\s-]+(?:\d{{1,4}}\s+)?(?:{say.THINGS}|{say.WORKS}|{say.ALIKE})\b(?!-)|^-[a-z]"
)
_CAST_AFTER = re.compile(r"\s(?:character|hero|heroine|star|protagonist|figure|villain|antagonist)\s[A-Z]")
_ALIKE_AFTER = find(rf"^[\"'”’*]*-?(?:{say.ALIKE})\b")
_COSTUME = find(r"^[\"'”’]*[\s-](?:cos(?:tume|play)|outfit|suit|onesie|dress|fancy dress)s?\b")
_WEARS = find(r"\b(?:in|wear\w*|dress\w*\s(?:up\s)?in)\s(?:an?|the|his|her|their|full)?\s?(?:[\w-]+\s){0,2}$")
_WRITES = find(rf"\b{say.WRITING}(?:\s(?:of|for|is|the\s(?:word|name|title)s?))?[\s:,]*{_LIST}{_AT_END}")
_SAYS = find(
    r"\b(?:text|sign|caption|label|writing|words?|image|picture)\s(?:\w+\s){0,3}?(?:says?|reads?)\b[^.;,]*$"
)
_WRITTEN = find(rf"^[\"'”’*.,!]*\s*{say.WRITTEN}\b|^[\"'”’]+\s+on\s+(?:it|the|an?|its|his|her)\b")
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
_THINK_OF = find(r"(?<!\bi )(?<!\bwe )(?<!would )(?<!'d )\bthink\s(?:of\s)?" + _AT_END)
_UNREAL = find(rf"\b{say.UNREAL}[\s-]+$")
_LOOKS = find(rf"\b(?:look|appear|seem|sound|dress)\w*\s(?:exactly\s|to\sme\s)?like\s{_LIST}{_AT_END}")
_SIMILE = find(rf"\blike\s{_LIST}{_AT_END}")
_IDENTIFIES = find(
    r"^\W*(?:.*\bwhat|(?:(?:i|to)\s\w+\s|well\W+|yes\W+|hm+\W+)?(?:it|this|that|he|she|they|these|"
    r"the\s(?:character|figure|image|picture|one|creature|person)s?(?:\s(?:shown|here|depicted|in\sthe\s\w+))?)?)\s*$"
)
_HEDGED = find(
    rf"\b{say.HEDGES}\b(?!\s(?:also\s|well\s)?(?:know|recogni[sz]e|remember|be\sfamiliar))[^,]{{0,40}}$"
)
_OR = find(r"\bor\s+" + _AT_END)
_HEDGED_AFTER = re.compile(
    r"[\"'”’*,.]*\s*(?:\((?:possibly|maybe|perhaps|probably not|\?|unsure|uncertain|not sure|unconfirmed|"
    r"could be|"
    r"might be)|\?|,?\s?(?:perhaps|maybe|possibly)\b|,?\s?or\s(?!not\b)|\s[–—-]+\sor\b)",
    re.IGNORECASE,
)
_CONCEDES = find(r"(?:^|[;.]\s*)(?:although|though|while|whilst|even if|despite|whereas|if)\b[^,;.]*$")
_MAIN_CLAUSE = find(r"^[^.;,]*,\s*(?:this|it|the|here|there|that|he|she|i)\b")
_INTO_WORK = find(
    rf"\b(?:from|in|within|by|per|via|into|inside|across|throughout|of)\s+{_OPEN}(?:the\s|an?\s|its\s|his\s|her\s)?"
    rf"(?:[\w'’&.-]+\s+){{0,5}}?{say.WORKS}[\s\"'“‘(*:]+(?:called\s|named\s|titled\s|about\s|with\s|of\s|like\s)?{_LIST}{_AT_END}"
)
_FROM = re.compile(
    rf"\b(?:[Ff]rom|[Ii]n|[Ww]ithin|[Bb]y|[Pp]er|[Vv]ia)\s+{_OPEN}(?:[Tt]he\s+|an?\s+)?"
    rf"(?:(?:{_PROPER}['’]s?|Walt|Disney|Pixar|Marvel|Nintendo|original|animated|classic|live-action|\d{{4}})\s+){{0,4}}"
    rf"(?:the\s+)?{_OPEN}$"
)
_NEXT_TO = find("due|thanks|next|close|front|side|up|belong|name|names")
_FOR = find(rf"\bfor\s{_AT_END}")
_OF = find(rf"(?P<of>[\w’'-]+)\s+(?:of|against|behind|after|about)\s+{_LIST}{_AT_END}")
_RELATES = find(
    rf"\b{say.KIN}\s(?:of|to|for|with)\b[^.;]*$|\b{say.DEEDS}\s(?:by\s|with\s|against\s|alongside\s|to\s)?{_LIST}{_AT_END}"
)
_NAMED_FIRST = re.compile(
    rf"(?:^|\b(?:is|are|be|of|shows?|depicts?|features?|called|named|as|like)\s+|^\W*)(?:the\s|The\s|an?\s)?[\"“'*]*"
    rf"(?P<who>{_PROPER}(?:[\s\"“”'-]+(?:(?:de|of|the|von|van|and|&)\s+)?[\"“]?{_PROPER})*)[\"”'*.]*"
    r"(?:\s*[(\[]|,?\s+[–—-]+\s+|,\s+|\s+(?=who|whom|whose|which|that))"
)
_APPOSED = re.compile(
    r"(?:an?|the|one|who|whom|whose|which|that|from|in|as|his|her|their|its|also|another|known|best|originally|created|"
    r"voiced|played|often|usually|sometimes|here|where|and\s(?:the|an?|his|her|one)|[a-z]+ed|"
    r"living|working|serving|belonging|hailing|appearing|starring|being)\b"
)
_CLOSED = find(r",\s+(?:is|are|[a-z]+s|[a-z]+ing|with|next|beside|together|and\s[a-z]+s)\b(?!\s(?:of|to)\b)")
"""Where an apposition ends and the sentence goes on: "Elsa, the queen, stands beside Olaf"."""
_ALIAS = find(
    r"\b(?:also\s(?:known|called|named)|a\.?k\.?a\.?|better\sknown|known\s(?:simply\s|commonly\s)?as|otherwise|"
    r"i\.e\.|alias|alter\sego|real\sname|nicknamed|or\ssimply|namely|in\senglish)[^.;]*$"
)


def belongs(m: Mention, before: str) -> bool:  # noqa: ARG001
    """Something of it, or somebody to it: "Mario's hat", "Mario's brother"."""
    return bool(_OWNS.match(m.after))


def is_kind_of_thing(m: Mention, before: str) -> bool:  # noqa: ARG001
    """A thing that goes by its name: "the Mario franchise", "a Batman logo", "a Mario look-alike"."""
    return bool(_KIND_AFTER.match(m.after) or _ALIKE_AFTER.match(m.after) or _CAST_AFTER.match(m.after))


def is_written(m: Mention, before: str) -> bool:  # noqa: ARG001
    """The name as writing in the picture."""
    return bool(_WRITES.search(m.before) or _SAYS.search(m.before) or _WRITTEN.match(m.after))


def wears_it(m: Mention, before: str) -> bool:
    """Somebody dressed up: "in a Batman costume"."""
    worn = _COSTUME.match(m.after) and _WEARS.search(before)
    return bool(worn) and not (m.common and m.lower)


def is_denied(m: Mention, before: str) -> bool:
    """Somebody who is said not to be there, or not to be the one."""
    if _DENIED_AFTER.match(m.after) or _CONTRAST_AFTER.match(m.after):
        return True
    if _CONCEDES.search(m.before) and _MAIN_CLAUSE.match(m.after):
        return True
    plain = _EMPHASIS.sub(lambda e: " " * len(e[0]), before)
    return any(_reaches(before[d.end() :]) for d in _DENIES.finditer(plain))


def _reaches(between: str) -> bool:
    """Whether a negation still holds after `between`: a comma ends it, unless names are listed."""
    return "," not in between or bool(
        re.fullmatch(rf"\s*(?:[\w'’.\s-]+,\s*)*(?:(?:and|or|nor)\s+)?{_DET}", between)
        and not re.search(r",\s+(?!and\b|or\b|nor\b|the\b|an?\b)[a-z]", between)
    )


def is_likened(m: Mention, before: str) -> bool:
    """Somebody whom something is like, or makes one think of."""
    if identifies_by_features(m, before):
        return False
    likened = any(not _STATES.search(before[like.end() :]) for like in _LIKENS.finditer(before))
    if likened or _UNREAL.search(before) or _THINK_OF.search(before):
        return True
    if re.search(
        rf"\b(?:shaped|formed|carved|mou?lded|sculpted|made)\slike\s{_LIST}{_AT_END}", before, re.IGNORECASE
    ):
        return False
    if re.search(rf"\bdress\w*\s(?:up\s)?like\s{_LIST}{_AT_END}", before, re.IGNORECASE):
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


def identifies_by_features(m: Mention, before: str) -> bool:
    """Whether what is seen is told to be what one knows the figure by, and nobody else was named:
    "his cap and moustache are hallmarks of Mario"."""
    told = _FEATURES.search(before)
    return bool(
        told
        and not _SOME.search(before[: told.start()] + told[0])
        and not re.search(r"(?<![.!?]\s)(?<!^)\b(?!I\b)[A-Z][a-z]+", m.before)
    )


def is_in_work(m: Mention, before: str) -> bool:  # noqa: ARG001
    """The name in that of a work: "from Super Mario Bros."."""
    return bool(_FROM.search(before) or _INTO_WORK.search(before))


def is_related(m: Mention, before: str) -> bool:
    """Somebody in whose terms another is told: "the sister of Elsa", "who fights Spider-Man"."""
    if is_related_elsewhere(m):
        return True
    if identifies_by_features(m, before):
        return False
    if _RELATES.search(before):
        return True
    if _FOR.search(before):
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
    return bool(_APPOSED.match(between)) or (opened in "([–—-" and not re.search(r"\w\s*[)\],]", between))


def _depicts(noun: str, before: str) -> bool:
    """Whether "NOUN of somebody" is this somebody: an image of it, a thing made after it."""
    if _NEXT_TO.fullmatch(noun):
        return True
    if find(say.KIN).fullmatch(noun) or find(say.THINGS).fullmatch(noun):
        return False
    one = re.search(r"\b(?:an?|some|several|two|three|many)\s(?:[\w-]+\s){0,3}$", before, re.IGNORECASE)
    return bool(one or _DEPICTS.fullmatch(noun))


def is_hedged(m: Mention, before: str) -> bool:
    """Somebody who may be the one, or another."""
    return bool(_HEDGED.search(before) or _OR.search(before) or _HEDGED_AFTER.match(m.after))


_ABSENT: tuple[Callable[[Mention, str], bool], ...] = (
    belongs, is_kind_of_thing, is_written, is_denied, is_likened, is_in_work, is_related,
)  # fmt: skip


def role(m: Mention) -> Role:
    """What the sentence around `m` makes of it."""
    before = clause(m.before)
    if wears_it(m, before):
        return "shown"
    if is_longer_name(m) or is_product(m) or is_title(m) or is_another(m) or is_denied_elsewhere(m):
        return "absent"
    if any(rule(m, before) for rule in _ABSENT):
        return "absent"
    if is_word(m):
        return "doubtful" if is_bare_word(m) else "absent"
    unsure = is_hedged(m, before) or is_hedged_elsewhere(m) or may_be_form(m) or may_be_another(m)
    return "doubtful" if unsure else "shown"
