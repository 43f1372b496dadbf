"""Reading prose: which sentences name somebody, which decline, and what a broken one leaves open."""

from __future__ import annotations

import re
from itertools import zip_longest

from copycat.judges.replies.acts import begins_with_nobody, says_nobody, settles_on_nobody
from copycat.judges.replies.declining import abstains, is_poor, is_preamble
from copycat.judges.replies.structure import sentences
from copycat.records import Figure, Named, Unscored
from copycat.subjects import vocabulary as say
from copycat.subjects.words import is_word

_CAPITAL = r"[A-Z0-9À-ÞА-Я][\w'.&·-]*"
_NAME = (
    rf"{_CAPITAL}(?:[\s'\"“”]+(?:(?:de|of|the|in|von|van|and|n'|la|le|d|D)\s+){{0,2}}[\"“]?{_CAPITAL}[\"”]?)*"
)
_FUNCTION = re.compile(
    r"(?:The|An?|This|That|These|Those|It|It's|There|There's|He|She|They|His|Her|Its|Their|I|I'm|I'd|We|In|On|At|From|With|"
    r"Based|Given|Here|Here's|Yes|No|Not|Sorry|However|Although|While|Since|As|My|Two|Three|Some|Several|Both|Only|One|Image|"
    r"Picture|Sure|Likely|Probably|Maybe|Perhaps|Possibly|Without|Judging|If|For|To|What|Looks|Looking|Nothing|Just|Unknown|First|Second|Third|Next|Then|Now|"
    r"Finally|Also|So|Thus|Therefore|Okay|OK|Ok|Alright|Well|Let|Let's|Step)\b"
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
    r",?\s+(?:but|pero|mais|aber|mas|men|mutta|но)\s+|[，、]但是?|;\s+|,\s+(?=(?:maybe|perhaps|possibly|though|however|this|it|that|he|she|my|the|hard|difficult|not|i)\b)|\s+[–—]\s+(?=but\b)|:\s+(?=an?\s)"
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


def of_prose(text: str, cut_off: bool) -> Named | Unscored:
    """Whom prose names; Unscored where it neither names somebody nor says that nobody is there."""
    whole = list(sentences(text))
    broken = cut_off and not re.search(r"[.!?]\W*$", text)
    if broken and whole:
        # Its last word may go on, so that a name there is not known in full.
        whole[-1] = re.sub(r"\s*\S+\s*$", "", whole[-1])
    if whole and begins_with_nobody(whole[0]) and not (cut_off and len(whole) == 1):
        return Named.of(())
    finished = [] if cut_off and _ends_in_list(text) else whole[:-1] if broken else whole
    kept: list[str] = []
    declined = named = answered = led_up = False
    for sentence, then in zip_longest(whole, whole[1:]):
        if sentence.endswith("?") and then and re.match(r"\W*(?:no|not|nope)\b", then, re.IGNORECASE):
            continue
        pieces = _SPLIT.split(sentence) if abstains(sentence) or is_poor(sentence) else [sentence]
        for piece in pieces:
            if abstains(piece) or (is_poor(piece) and not identifies(piece)):
                declined = True
            elif is_preamble(piece) and not _FRAME.search(piece):
                led_up = True
            elif re.search(r"\w", piece) and not (named and _tells_about(piece)):
                kept.append(piece)
                if sentence in finished:
                    named |= identifies(piece) or says_nobody(piece)
                    answered |= settles(piece) or settles_on_nobody(piece)
    partial = not answered and (declined or cut_off or (led_up and not named))
    if partial and not any(map(_may_name, kept)):
        return Unscored(reason="the reply is cut off" if cut_off else "the reply does not say who is shown")
    return Named.of((f for k in kept for f in figures_in(k)), partial=partial)


_ITEM = re.compile(r"\W*(?:\d+[.)]?|[-•*+])(?:\s|$)")


def _ends_in_list(text: str) -> bool:
    """Whether its last line is an item of a list, which may go on."""
    return bool(_ITEM.match(text.rstrip().rsplit("\n", 1)[-1]))


_SHOWS = re.compile(
    r"^(?:(?:this|the)\s(?:\w+\s)?(?:image|picture|photo|drawing|illustration|artwork|scene)\s(?:clearly\s)?(?:is\sof|shows|depicts|"
    r"features|contains|displays|portrays)|(?:(?:it|this|that|he|she)\s)?(?:looks|seems|appears)\s(?:to\sbe|like)|"
    r"(?:the\s(?:figure|character)|it|this|that|he|she)\sis)\s(?:(?:the|famous|iconic|fictional|cartoon|character|mascot)\s)*",
    re.IGNORECASE,
)


def settles(sentence: str) -> bool:
    """Whether a sentence is an answer that names somebody, and no step on the way to one."""
    if sentence.rstrip().endswith("?"):
        return False
    bare = _SHOWS.sub("", _ANSWER.sub("", sentence.strip(" \"'“*")))
    begins = re.match(rf"(?!{_FUNCTION.pattern}){_NAME}", bare)
    if begins is None or is_word(begins[0]) or not re.search(r"[^\W\d_]", begins[0]):
        return False
    return bool(
        re.match(r"\W*$|\s*[,(–—]|\s+(?:from|and|with|in|the|who|&|/)\b|\s+\w+ing\b", bare[begins.end() :])
    )


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
_NAME_AND_GROUP = re.compile(rf"(?:the\s)?{_NAME}\s+(?:and|&)\s+[Tt]he\s{_NAME}")
_OF_WORK = re.compile(
    rf"(?P<name>(?:the\s)?{_NAME}(?:(?:{_JOINT.pattern})(?:the\s)?{_NAME})*)(?:,?\s+from\s+|\s*\((?:from\s+)?|,?\s+in\s+(?=[\"“'*]?(?:the\s)?[A-Z])|\s+[–—-]\s+)"
    r"(?=[\"“'*]?(?:the\s|an?\s|[\w ]{0,20}?)(?-i:[A-Z0-9À-Þ]))"
    r"(?P<work>(?:[^(),]|,\s(?=Inc|the\s|[A-Z]\w+\sand\s))+?)\)?[\s.!]*"
)
_NO_WORK = re.compile(
    r"\b(?:also|a\.?k\.?a|or|not|possibly|maybe|perhaps|probably|likely|alias|known|if|unsure|uncertain|could|might)\b|\?"
    rf"|^(?:an?\s)?(?:\w+[\s-]){{0,2}}?{say.IMITATIONS}\b|^(?:inspired|similar|resembl\w+|reminiscent|styled?|like)\b",
    re.IGNORECASE,
)


def figures_in(text: str, work: str = "") -> list[Figure]:
    """Figures from a name or a piece of a sentence; name and work apart where it is just these."""
    name = re.sub(r"^\W*(?:\d+[.)]|[-•*])\s+", "", text).strip(" \"'“”*")
    name = _ANSWER.sub("", name)
    split = _OF_WORK.fullmatch(name)
    if split and not work and not _NO_WORK.search(split["work"]):
        name, work = split["name"].strip(), split["work"].strip(" \"'“”")
    # "Snow White and the Seven Dwarfs" may be a title, which only a registry knows.
    if _ALL_NAMES.fullmatch(name.rstrip(".! ")) and not _NAME_AND_GROUP.fullmatch(name.rstrip(".! ")):
        return [Figure(name=n, work=work) for n in _JOINT.split(name.rstrip(".! ")) if n.strip()]
    return [Figure(name=name or text, work=work)]
