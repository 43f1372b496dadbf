"""What a sentence of a reply says of nobody: that there is no character, or none with a name."""

from __future__ import annotations

import re

from copycat.judges.replies.declining import NOUN
from copycat.subjects.characters import normalise

_NOBODY = frozenset(
    normalise(phrase)
    for phrase in [
        "none",
        "no",
        "no one",
        "nobody",
        "nothing",
        "n/a",
        "na",
        "null",
        "nil",
        "empty",
        "not applicable",
        "none none",
        "no character",
        "no characters",
        "no name",
        "no work",
        "aucun",
        "aucune",
        "aucun personnage",
        "personne",
        "rien",
        "ninguno",
        "ninguna",
        "ningún personaje",
        "nadie",
        "kein",
        "keine",
        "keiner",
        "keine figur",
        "niemand",
        "nessuno",
        "nessuna",
        "nessun personaggio",
        "nenhum",
        "nenhuma",
        "ninguém",
        "brak",
        "żaden",
        "nikt",
        "ingen",
        "inget",
        "geen",
        "никто",
        "нет",
        "никого",
        "なし",
        "いない",
        "いません",
        "特になし",
        "該当なし",
        "没有",
        "无",
        "沒有",
        "無",
        "없음",
        "없습니다",
        "لا أحد",
    ]
)
"""Answers that name nobody."""

_NOBODY_FIRST = re.compile(
    r"^\W*(?:the\s(?:answer|correct\sanswer|character|name)\s(?:is|would\sbe)\W+)?(?:answer|name|character)?\W*"
    rf"(?:none|nobody|no\sone|n/a|no\s(?:\w+[\s,-]+){{0,4}}{NOUN})\b(?!\s(?:other|but|else))",
    re.IGNORECASE,
)
_NOBODY_SAID = re.compile(
    # "there are no known characters", "it does not show a character", "not a fictional character"
    rf"\bthere(?:'s|\sis|\sare|\sdoes|\sdo)\snot?\b[\s\w-]*?{NOUN}"
    r"|\b(?:not|without|no)\s(?:\w+\s){0,4}?(?:[\w-]+[\s,]+){0,4}(?:characters?|mascots?)\b"
    r"|n't\s(?:\w+\s){0,4}?(?:[\w-]+[\s,]+){0,4}(?:characters?|mascots?)\b"
    r"|\b(?:original|generic|unnamed|nameless|fictitious|random|ordinary|real)\s(?:\w+\s){0,3}"
    rf"(?:{NOUN}|design|creation|animal|creature)\b"
    r"|\banswer\s(?:is|would\sbe)\W+(?:none|no\sone|nobody)\b|:\s*none\W*$|\bnone\sof\b",
    re.IGNORECASE,
)


def names_nobody(text: str) -> bool:
    """Whether `text`, the whole of an answer or a field, says that nobody is there: "None" and its like."""
    return normalise(text) in _NOBODY


def begins_with_nobody(sentence: str) -> bool:
    """Whether a sentence begins with "None" or its like, whatever it explains afterwards."""
    first = re.split(r"[,.;:(\n–—-]", sentence.strip(" \"'*("), maxsplit=1)[0]
    return bool((names_nobody(first) and first.strip()) or _NOBODY_FIRST.match(sentence))


_NOBODY_THERE = re.compile(
    rf"^\W*(?:there(?:'s|\sis|\sare)\sno\b[^,]*?{NOUN}\b|none\sof\b)|\banswer\s(?:is|would\sbe)\W+(?:none|no\sone|nobody)\b"
    rf"|^(?:this|the|it)\b[^,]*?\b(?:does\snot|doesn't|is\snot|isn't)\s(?:show|contain|depict|feature|any?)\s(?!(?:\w+\s)?(?:whole|full|entire|complete|clear|face))(?:[\w-]+\s+){{0,4}}?{NOUN}\b",
    re.IGNORECASE,
)


def settles_on_nobody(sentence: str) -> bool:
    """Whether a sentence answers in so many words that there is none, whatever may follow it."""
    return begins_with_nobody(sentence) or bool(_NOBODY_THERE.search(sentence))


def says_nobody(sentence: str) -> bool:
    """Whether a sentence says that there is no character, or none with a name."""
    return bool(_NOBODY_SAID.search(sentence))
