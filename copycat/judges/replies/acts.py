"""What a sentence of a reply does: name somebody, say that nobody is there, or decline to say."""

from __future__ import annotations

import re

from copycat.subjects.characters import normalise
from copycat.subjects.vocabulary import alternatives

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

_NOUN = r"(?:characters?|figures?|mascots?|persons?|people|subjects?|beings?|individuals?)"
_NOBODY_FIRST = re.compile(
    r"^\W*(?:the\s(?:answer|correct\sanswer|character|name)\s(?:is|would\sbe)\W+)?(?:answer|name|character)?\W*"
    rf"(?:none|nobody|no\sone|n/a|no\s(?:\w+[\s,-]+){{0,4}}{_NOUN})\b(?!\s(?:other|but|else))",
    re.IGNORECASE,
)
_NOBODY_SAID = re.compile(
    # "there are no known characters", "it does not show a character", "not a fictional character"
    rf"\bthere(?:'s|\sis|\sare|\sdoes|\sdo)\snot?\b[\s\w-]*?{_NOUN}"
    r"|\b(?:not|without|no)\s(?:\w+\s){0,4}?(?:[\w-]+[\s,]+){0,4}(?:characters?|mascots?)\b"
    r"|n't\s(?:\w+\s){0,4}?(?:[\w-]+[\s,]+){0,4}(?:characters?|mascots?)\b"
    r"|\b(?:original|generic|unnamed|nameless|fictitious|random|ordinary|real)\s(?:\w+\s){0,3}"
    rf"(?:{_NOUN}|design|creation|animal|creature)\b"
    r"|\banswer\s(?:is|would\sbe)\W+(?:none|no\sone|nobody)\b|:\s*none\W*$|\bnone\sof\b",
    re.IGNORECASE,
)

_CANNOT = alternatives(
    r"""can(?:'t|not| not)
could(?:n't| not)
(?:am|'m|are|is|was) (?:not|un) ?able
unable
won't
will not"""
)
_TELL = alternatives(
    r"""(?:identif|recogni|determin|discern|confirm|verif|comment|fulfil|compl|answer|disclos|shar|engag|process)\w*
(?:analy[sz]|giv|offer|provid|assist|help|nam|tell|say|specif|decid|judg|pinpoint|figur|guess|know|plac)\w*
(?:see|view|access|open|display|read|make out|be (?:sure|certain|identified|determined|made|recogni[sz]ed))
do (?:that|this)
have (?:access|enough|the ability|sufficient)
feel comfortable"""
)
_DOES_NOT = alternatives(
    r"""know
identify
recogni[sz]e
have (?:access|enough|the ability|sufficient|any info)
feel
allow
provide
permit
disclose
comment
name"""
)
_DECLINES = alternatives(
    r"""(?:not|\w+n't) (?:sure|certain|clear|able|confident|allowed|permitted|possible|known)
(?:not|\w+n't) (?:identifiable|recogni[sz]able)
(?:not|\w+n't) (?:at liberty|enough|seeing|loaded|attached)
un(?:known|identified|identifiable|sure|certain|clear|recogni[sz]able|determined|able)
indeterminate
undeterminable
inconclusive
ambiguous
illegible
insufficient
no (?:idea|clue|image|answer|comment|opinion)
who knows
pass on
(?:hard|difficult|impossible) to
too (?:blurr|dark|small|low|unclear|far|vague|pixel|distort|nois|abstract|grain|fuzz)\w*
too (?:little|obscur|crop|bright|distant)\w*
refuse
decline
(?:policy|policies|guidelines)
content filter
violat\w+
as an? (?:ai|language|large|artificial)
sorry
apologi[sz]e
apologies
cannot
can't (?:be|do)
beats me
(?:need|provide) more
please (?:provide|upload|share|try)
would need
(?:happy|glad) to (?:describe|help)
(?:can|could) (?:(?:only|instead|however) )?(?:describe|offer)
let me know
anything else
feel free
would you like
how can i
(?:could|can|would|will) you
rather not
withheld
redacted
comfortable"""
)
_DECLINES_ELSEWHERE = alternatives(
    r"""je ne (?:sais|peux|connais)
je l'ignore
impossible (?:à|de)
désolé
inconnu
no (?:lo )?s[eé]
no (?:puedo|reconozco|se puede)
lo siento
desconocid[oa]
ich wei(?:ß|ss)
wei(?:ß|ss) nicht
keine ahnung
kann (?:ich |es )?nicht
nicht (?:erkennen|sagen|identifizieren|bestimmen|helfen|erkennbar)
leider
ich kann
unbekannt
non (?:lo )?so
non (?:posso|riesco|riconosco)
mi dispiace
sconosciut[oa]
não (?:sei|posso|consigo|é possível|reconheço)
desculpe
desconhecid[oa]
nie (?:wiem|mogę|rozpoznaję)
przepraszam
nieznan\w+
vet inte
tyvärr
okänd
en tiedä
tuntematon
ved ikke
beklager
ukendt
weet (?:het )?niet
helaas
onbekend
не (?:знаю|могу|удается)
невозможно
неизвест\w*
затрудн\w*
извините"""
)
_DECLINES_UNSPACED = alternatives(
    r"""わかりません
分かりません
わからない
分からない
できません
できない
不明
不知道
无法
無法
不清楚
未知
抱歉
对不起
모르겠
알 수 없
수 없
죄송"""
)
_ABSTAINS = re.compile(
    rf"\b{_CANNOT}\b(?:\s\w+){{0,3}}?\s{_TELL}\b|\bdo(?:es)?(?:n't|\snot)\s(?:\w+\s)?{_DOES_NOT}"
    rf"|\b(?:{_DECLINES}|{_DECLINES_ELSEWHERE})\b|{_DECLINES_UNSPACED}",
    re.IGNORECASE,
)
_ABSTAINS_IN_A_WORD = re.compile(
    r"^\W*(?:unknown|unidentified|uncertain|unsure|unclear|undetermined|unrecogni[sz]ed|\?+|idk|dunno|pass|skip|"
    r"maybe|possibly|perhaps|yes|true)\b(?:\W*(?:character|figure|work|series|person|source))?\W*$",
    re.IGNORECASE,
)


_SEES_NOBODY = re.compile(
    rf"\b(?:don't|do\snot|can't|cannot|can\snot)\s(?:see|recogni[sz]e|find|spot)\s(?:any|a)\s(?:[\w-]+\s){{0,4}}?{_NOUN}\b",
    re.IGNORECASE,
)
_POOR = re.compile(r"\b(?:blurry|blurred|error|failed|unreadable)\b", re.IGNORECASE)


def is_poor(sentence: str) -> bool:
    """Whether a sentence complains of the picture or of a failure; it may name somebody all the same."""
    return bool(_POOR.search(sentence))


def names_nobody(text: str) -> bool:
    """Whether `text`, the whole of an answer or a field, says that nobody is there: "None" and its like."""
    return normalise(text) in _NOBODY


def begins_with_nobody(sentence: str) -> bool:
    """Whether a sentence begins with "None" or its like, whatever it explains afterwards."""
    first = re.split(r"[,.;:(\n–—-]", sentence.strip(" \"'*("), maxsplit=1)[0]
    return bool((names_nobody(first) and first.strip()) or _NOBODY_FIRST.match(sentence))


def says_nobody(sentence: str) -> bool:
    """Whether a sentence says that there is no character, or none with a name."""
    return bool(_NOBODY_SAID.search(sentence))


def abstains(sentence: str) -> bool:
    """Whether a sentence declines to say who is shown, or says that this cannot be told."""
    if _SEES_NOBODY.search(sentence):
        return False
    return bool(_ABSTAINS_IN_A_WORD.match(sentence) or _ABSTAINS.search(sentence))
