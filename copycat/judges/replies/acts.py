"""What a sentence of a reply does: name somebody, say that nobody is there, or decline to say."""

from __future__ import annotations

import re

from copycat.subjects.characters import normalise

_NOBODY = frozenset(
    """none|no one|nobody|no|n a|na|null|nil|nothing|no character|no characters|not applicable|no name|no work|empty|none none
    |aucun|aucune|aucun personnage|personne|rien|ninguno|ninguna|ningun personaje|nadie|kein|keine|keiner|keine figur|niemand
    |nessuno|nessuna|nessun personaggio|nenhum|nenhuma|ninguem|brak|zaden|nikt|ingen|inget|geen|niemand|ei kukaan|hicbiri
    |nikto|никто|нет|никого|なし|いない|いません|该图没有角色|没有|无|沒有|無|없음|없습니다|특に無し|特になし|該当なし|لا أحد""".replace(
        "\n    ", ""
    ).split("|")
)
"""Answers, normalised, that name nobody."""
_NOBODY_FIRST = re.compile(
    r"^\W*(?:the\s(?:answer|correct answer|character|name)\s(?:is|would be)\W+)?(?:answer|name|character)?\W*"
    r"(?:none|nobody|no\sone|n/a|no\s(?:\w+[\s,-]+){0,4}(?:characters?|figures?|person|mascots?|subjects?))\b"
    r"(?!\s(?:other|but|else))",
    re.IGNORECASE,
)
_KNOWN = (
    r"(?:\w+[\s,-]+){0,4}(?:characters?|figures?|mascots?|persons?|people|one|individuals?|subjects?|being)"
)
_NOBODY_SAID = re.compile(
    rf"\b(?:there(?:'s|\sis|\sare|\sdoes\snot|\sdo\snot)\s(?:not?\b|n't)[\s\w]*?{_KNOWN}"
    rf"|(?:not|n't|without|no)\s(?:\w+\s){{0,3}}?(?:show|depict|contain|include|feature|have|portray|represent|display|see|be|"
    rf"correspond to|match|of|from|belong to)?\s?(?:an?y?\s|the\s)?(?:\w+[\s,-]+){{0,4}}(?:characters?|mascots?)\b"
    rf"|\b(?:original|generic|unnamed|nameless|fictitious|random|ordinary|real)\s(?:\w+\s){{0,3}}"
    rf"(?:character|figure|design|creation|person|animal|creature)\b"
    rf"|answer\s(?:is|would\sbe)\W+(?:none|no\sone|nobody)\b|:\s*none\W*$|\bnone\sof\b)",
    re.IGNORECASE,
)
_ABLE = r"(?:can(?:'t|not|\snot)|could(?:n't|\snot)|(?:am|'m|are|is|was)\s(?:not|un)\s?able|unable|won't|will\snot)"
_TELL = (
    r"(?:identify|recogni[sz]e|determine|tell|say|help|assist|provide|name|discern|make\sout|see|view|access|open|"
    r"confirm|verify|comment|fulfil|fulfill|comply|answer|disclose|share|engage|process|analy[sz]e|be\s(?:sure|certain|"
    r"identified|determined|made|recogni[sz]ed)|give|offer|do\s(?:that|this)|know|guess|place|specify|decide|judge|"
    r"feel\scomfortable|have\s(?:access|enough|the\sability|sufficient)|pinpoint|figure|display|read|look|want)"
)
_ABSTAINS = re.compile(
    rf"\b{_ABLE}\b(?:\s\w+){{0,3}}?\s{_TELL}\w*\b"
    r"|\bdo(?:es)?(?:n't|\snot)\s(?:\w+\s)?(?:know|identify|recogni[sz]e|have\s(?:access|enough|the\sability|sufficient|any\sinfo)|"
    r"feel|allow|provide|permit|disclose|comment|name)"
    r"|\brather\snot\b|\b(?:could|can|would|will)\syou\b"
    r"|\b(?:not|un|n't)\s?(?:sure|certain|clear|able\sto|confident|allowed|permitted|possible|identifiable|recogni[sz]able|known|"
    r"at\sliberty)\b"
    r"|\b(?:un(?:known|identified|identifiable|sure|certain|clear|recogni[sz]able|determined|able)|indeterminate|"
    r"undeterminable|inconclusive|ambiguous|illegible|insufficient|no\s(?:idea|clue)|not\senough|hard\sto|difficult\sto|"
    r"impossible\sto|too\s(?:blurr\w+|dark|small|low|unclear|far|vague|pixel\w+|distorted|noisy|abstract|grainy|fuzzy|little|"
    r"obscured|cropped|blurred|bright|distant)|blurry|refuse|decline|against\s(?:my|our|the)\s(?:policy|policies|guidelines)|"
    r"policy|policies|guidelines|content\s(?:filter|policy)|violat\w+|as\san?\s(?:ai|language|large|artificial)\b|error|failed|"
    r"sorry|apologi[sz]e|apologies|cannot|can't\s(?:be|do)|beats\sme|not\spossible|need\smore|provide\smore|please\s(?:provide|upload|"
    r"share|try)|would\sneed|happy\sto\s(?:describe|help)|glad\sto\s(?:describe|help)|(?:can|could)\s(?:only\s|instead\s|however\s)?"
    r"(?:describe|offer)|let\sme\sknow|anything\selse|feel\sfree|would\syou\slike|how\scan\si|no\simage|"
    r"not\s(?:see|seeing|loaded|attached)|cannot\s|withheld|redacted|comfortable)\b"
    r"|\b(?:je\sne\s(?:sais|peux|connais)|no\s(?:lo\s)?s[eé]\b|no\spuedo|ich\swei(?:ß|ss)\s(?:es\s)?nicht|keine\sahnung|ich\skann|"
    r"wei(?:ß|ss)\snicht|non\s(?:lo\s)?so\b|non\sposso|não\s(?:sei|posso)|nie\swiem|vet\sinte|en\stied[äa]|ved\sikke|weet\s(?:het\s)?niet|"
    r"desconocid[oa]|inconnu|unbekannt|sconosciut[oa]|desconhecid[oa]|nieznan\w+|okänd|tuntematon|ukendt|onbekend)"
    r"|(?:わかりません|分かりません|わからない|分からない|不明|不知道|无法|無法|不清楚|未知|모르겠|알 수 없|не знаю|неизвест|не могу|невозможно|затрудн|извините|"
    r"не удается|lo siento|désolé|できません|できない|抱歉|对不起|수 없|죄송)|\b(?:kann\s(?:ich\s|es\s)?nicht|"
    r"nicht\s(?:erkennen|sagen|identifizieren|bestimmen|helfen|erkennbar)|leider|je\sl'ignore|impossible\s(?:à|de)|no\s(?:se\spuede|"
    r"reconozco)|não\s(?:consigo|é\spossível|reconheço)|desculpe|mi\sdispiace|non\s(?:riesco|riconosco)|nie\s(?:mogę|rozpoznaję)|"
    r"przepraszam|tyvärr|beklager|helaas)\b",
    re.IGNORECASE,
)
_ABSTENTION_WORDS = re.compile(
    r"^\W*(?:unknown|unidentified|uncertain|unsure|unclear|undetermined|unrecogni[sz]ed|\?+|idk|dunno|pass|skip|no\sidea|"
    r"cannot\s\w+|can't\s\w+|not\ssure|maybe|possibly|perhaps|yes|true)\b(?:\W*(?:character|figure|work|series|person|source))?\W*$",
    re.IGNORECASE,
)


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
    return bool(_ABSTENTION_WORDS.match(sentence) or _ABSTAINS.search(sentence))
