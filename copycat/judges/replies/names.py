"""Reading a reply to the question who is shown: whom it names, or why it is no answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from copycat.judges.replies.acts import abstains, begins_with_nobody, is_poor, names_nobody, says_nobody
from copycat.judges.replies.structure import (
    Entry,
    Unclear,
    answer_part,
    broken_entries,
    entries_of,
    labelled,
    objects,
    plain,
    sentences,
    without_thoughts,
)
from copycat.records import Figure, Named, Unscored


def read_names(reply: str, *, cut_off: bool = False, scored: bool = False) -> Named | Unscored:
    """Whom `reply` names; Unscored, with the reason, for one that is no answer.

    `cut_off` says that it was broken off, at a limit of tokens or by a filter: what it had said in full by
    then counts. `scored` says that a score of 0 or 1 was asked for beside each name, and rules.
    """
    text = answer_part(reply)
    if not re.search(r"\w|[\[{]\s*[\]}]", text):
        thought = bool(reply.strip()) and not without_thoughts(reply)
        return Unscored(reason="the reply ends while it is thinking" if thought else "the reply is empty")
    try:
        return _read(text, cut_off, scored)
    except Unclear as e:
        return Unscored(reason=f"the reply is not what was asked for ({e})")


def _read(text: str, cut_off: bool, scored: bool) -> Named | Unscored:
    if cut_off and text.count("{") + text.count("[") > text.count("}") + text.count("]"):
        return _of_entries(broken_entries(text), scored, partial=True)
    if found := objects(text):
        _refuse_several(found)
        return _of_entries([e for value in found for e in entries_of(value)], scored)
    if re.match(r"\W*(?:json)?\W*[{\[]", text) and '"' in text:
        whole = broken_entries(text)
        if not whole:
            raise Unclear("an object that cannot be read")
        return _of_entries(whole, scored)
    bare = plain(text)
    if scored and re.fullmatch(r"\W*[01]\W*", bare):
        return _of_entries([Entry(None, score=bare)], scored)
    entries = labelled(bare)
    if entries and cut_off:
        # The last value may go on where the reply does not.
        last, whole = entries[-1], entries[:-1]
        running = last.score is None and (
            scored or (not last.work and "\n" not in bare[bare.rfind(last.name or "") :])
        )
        if running:
            return _of_entries(whole, scored, partial=True)
    if entries:
        return _of_entries(entries, scored)
    lines = [line.strip() for line in bare.split("\n") if line.strip()]
    if len(lines) == 2 and not cut_off and all(_is_short(line) for line in lines):
        # The two lines that were asked for, without their labels.
        return _of_entries([Entry(lines[0], lines[1])], scored=False)
    if scored and not cut_off and _is_short(bare) and not abstains(bare) and not begins_with_nobody(bare):
        raise Unclear("there is no score in it")
    return _of_prose(bare, cut_off)


def _refuse_several(found: Sequence[object]) -> None:
    single = all(isinstance(v, dict) and not any(isinstance(x, list) for x in v.values()) for v in found)
    if len(found) > 1 and not single:
        raise Unclear("several objects that differ")


def _is_short(line: str) -> bool:
    return (
        len(line.split()) <= 6 and not re.match(r"\W*\d+[.)]|[-•*]", line) and not re.search(r"[.!?]\s", line)
    )


# --- fixed forms ---


def _of_entries(entries: Iterable[Entry], scored: bool, *, partial: bool = False) -> Named | Unscored:
    figures: list[Figure] = []
    declined = ""
    read = 0
    for entry in entries:
        read += 1
        shown = _shown(entry, scored)
        name = plain(entry.name or "")
        work = "" if names_nobody(plain(entry.work)) or abstains(entry.work) else plain(entry.work)
        if not shown or (name and (names_nobody(name) or begins_with_nobody(name))):
            continue
        if not name:
            figures += [Figure(name="", work=work)] if work else []
        elif abstains(name) and not re.search(r"\bbut\b", name):
            declined = name
        else:
            figures += _figures(name, work)
    if declined and not figures:
        return Unscored(reason=f"the reply does not say who is shown ({declined[:60]})")
    if partial and not figures:
        raise Unclear("it is cut off before a name")
    return Named.of(figures, partial=partial)


def _shown(entry: Entry, scored: bool) -> bool:
    """Whether the entry's score, where it has one, is 1. Raises Unclear for another, or for none where one
    was asked for."""
    if entry.score is None:
        if scored:
            raise Unclear("there is no score in it")
        return True
    score = re.fullmatch(r"\W*([01])(?:\.0+)?\b(?:\W|\band\b)*", entry.score)
    if score is None:
        raise Unclear(f"the score is {entry.score.strip()!r}, not 0 or 1")
    name = plain(entry.name or "")
    if scored and score[1] == "1" and (not name or names_nobody(name)):
        raise Unclear("a score of 1 without a name")
    return score[1] == "1"


# --- prose ---

_CAPITAL = r"[A-Z0-9À-ÞА-Я][\w'.&·-]*"
_NAME = (
    rf"{_CAPITAL}(?:[\s'\"“”]+(?:(?:de|of|the|in|von|van|and|n'|la|le|d|D)\s+){{0,2}}[\"“]?{_CAPITAL}[\"”]?)*"
)
_FUNCTION = re.compile(
    r"(?:The|An?|This|That|These|Those|It|It's|There|There's|He|She|They|His|Her|Its|Their|I|I'm|I'd|We|In|On|At|From|With|"
    r"Based|Given|Here|Here's|Yes|No|Not|Sorry|However|Although|While|Since|As|My|Two|Three|Some|Several|Both|Only|One|Image|"
    r"Picture|Sure|Likely|Probably|Maybe|Perhaps|Possibly|Without|Judging|If|For|To|What|Looks|Looking|Nothing|Just|Unknown)\b"
)
_FRAME = re.compile(
    rf"(?:\b(?:is|are|was|be|shows?|depicts?|features?|contains?|displays?|portrays?|represents?|called|named|as|like|see|of|"
    rf"say|guess|would be|seems|both)|'s|:)\s+"
    rf"(?:(?:the|an?|most likely|probably|likely|clearly|character|indeed|that of|"
    rf"definitely|actually|iconic|famous|fictional)\s+)*[\"“'*]?(?!(?:{_FUNCTION.pattern}))(?P<name>{_NAME})"
)
_ANSWER = re.compile(
    r"^(?:(?:i\s(?:would\s(?:say|guess)|think|believe|see|guess)|i'd\s(?:say|guess)|my\s(?:best\s)?guess|"
    r"(?:the|my|final|correct)\s(?:final\s|best\s)?(?:answer|guess)|the\s(?:character|figure|name)(?:\s(?:shown|depicted|here|"
    r"pictured|in\s(?:the|this)\s(?:image|picture|photo)))*|it|this|that|he|she|answer|final\sanswer|characters?)"
    r"(?:\s(?:that\s)?(?:this|it|that))?(?:\s(?:is|appears\sto\sbe|seems\sto\sbe|would\sbe|must\sbe)|'s|:|\s[–—-])?"
    r"(?:\s(?:that\s)?(?:this|it)\sis)?(?:\s(?:most\s)?(?:likely|probably|clearly|definitely|almost\scertainly))?\s+)+"
    rf"(?=[\"“]?(?-i:{_CAPITAL}))",
    re.IGNORECASE,
)
_SPLIT = re.compile(
    r",?\s+but\s+|;\s+|,\s+(?=(?:maybe|perhaps|possibly|though|however|this|it|that|he|she|my|the|hard|difficult|not|i)\b)|\s+[–—]\s+(?=but\b)|:\s+(?=an?\s)"
)
_ABOUT = re.compile(
    r"^\W*(?:he|she|it|they|his|her|its|their|in\sthe\s\w+|in\s[^,]{1,30},\s(?:he|she|it|they)|known|created|first|originally|as\sa|a\s\w+)\b",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:was|were|had|first|debut\w*|appeared|introduced|known|created|originally|often|always|usually|\d{4})\b"
)
_SCENE = re.compile(
    r"\b(?:next\sto|beside|behind|in\sfront|stand\w*|sit\w*|hold\w*|left|right|background|foreground|accompanied|joined|"
    r"together|also|alongside|with\shim|with\sher|with\sthem|hug\w*|fac\w+|the\sother|a\ssecond|"
    r"(?:creature|figure|character|one)\sis)\b",
    re.IGNORECASE,
)


def _of_prose(text: str, cut_off: bool) -> Named | Unscored:
    whole = list(sentences(text))
    broken = cut_off and not re.search(r"[.!?]\W*$", text)
    if broken and whole:
        # Its last word may go on, so that a name there is not known in full.
        whole[-1] = re.sub(r"\s*\S+\s*$", "", whole[-1])
    if whole and begins_with_nobody(whole[0]) and not (cut_off and len(whole) == 1):
        return Named.of(())
    finished = whole[:-1] if broken else whole
    kept: list[str] = []
    declined = answered = False
    for sentence, then in zip_longest(whole, whole[1:]):
        if sentence.endswith("?") and then and re.match(r"\W*(?:no|not|nope)\b", then, re.IGNORECASE):
            continue
        pieces = _SPLIT.split(sentence) if abstains(sentence) or is_poor(sentence) else [sentence]
        for piece in pieces:
            if abstains(piece) or (is_poor(piece) and not identifies(piece)):
                declined = True
            elif re.search(r"\w", piece) and not (answered and _tells_about(piece)):
                kept.append(piece)
                settled = identifies(piece) or says_nobody(piece)
                answered |= settled and sentence in finished
    partial = not answered and (declined or cut_off)
    if partial and not any(map(_may_name, kept)):
        return Unscored(reason="the reply does not say who is shown" if declined else "the reply is cut off")
    return Named.of((f for k in kept for f in _figures(k)), partial=partial)


def _tells_about(sentence: str) -> bool:
    """Whether a sentence tells about the figure already named, rather than who else is in the picture."""
    return bool(_ABOUT.match(sentence)) and (not _SCENE.search(sentence) or bool(_PAST.search(sentence)))


def identifies(sentence: str) -> bool:
    """Whether a sentence puts a proper name where an answer stands, of whomever."""
    begins = re.match(rf"[\W_]*(?!{_FUNCTION.pattern})(?P<name>{_NAME})", sentence)
    rest = sentence[begins.end() :] if begins else ""
    alone = begins is not None and bool(
        re.match(r"\W*$|\s*[,(–—-]|\s+(?:from|and|with|is|in|&|/)\b|\s+\w+ing\b", rest)
    )
    return alone or bool(_FRAME.search(sentence))


def _may_name(piece: str) -> bool:
    return (
        identifies(piece)
        or bool(re.search(r"(?<!^)(?<![.!?] )\b(?!I\b|I')[A-Z]\w+", piece))
        or not piece.isascii()
    )


_JOINT = re.compile(r",\s+(?:and\s+|&\s+)?|\s+(?:and|&|\+)\s+|\s*/\s*")
_ALL_NAMES = re.compile(rf"(?:the\s)?{_NAME}(?:(?:{_JOINT.pattern})(?:the\s)?{_NAME})+")
_OF_WORK = re.compile(
    rf"(?P<name>(?:the\s)?{_NAME}(?:(?:{_JOINT.pattern})(?:the\s)?{_NAME})*)(?:,?\s+from\s+|\s*\((?:from\s+)?|,?\s+in\s+(?=[\"“'*]?(?:the\s)?[A-Z])|\s+[–—-]\s+)"
    r"(?=[\"“'*]?(?:the\s|an?\s|[\w ]{0,20}?)(?-i:[A-Z0-9À-Þ]))"
    r"(?P<work>(?:[^(),]|,\s(?=Inc|the\s|[A-Z]\w+\sand\s))+?)\)?[\s.!]*"
)
_NO_WORK = re.compile(
    r"\b(?:also|a\.?k\.?a|or|not|possibly|maybe|perhaps|alias|known|if|unsure|uncertain|could|might)\b|\?",
    re.IGNORECASE,
)


def _figures(text: str, work: str = "") -> list[Figure]:
    """Figures from a name or a piece of a sentence; name and work apart where it is just these."""
    name = re.sub(r"^\W*(?:\d+[.)]|[-•*])\s+", "", text).strip(" \"'“”*")
    name = _ANSWER.sub("", name)
    split = _OF_WORK.fullmatch(name)
    if split and not work and not _NO_WORK.search(split["work"]):
        name, work = split["name"].strip(), split["work"].strip(" \"'“”")
    if _ALL_NAMES.fullmatch(name.rstrip(".! ")):
        return [Figure(name=n, work=work) for n in _JOINT.split(name.rstrip(".! ")) if n.strip()]
    return [Figure(name=name or text, work=work)]
