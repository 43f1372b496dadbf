"""Whether a description says that another bearer of the name is meant: "Homer, the ancient Greek poet"."""

from __future__ import annotations

import re

from copycat.subjects.mentions import Mention
from copycat.subjects.vocabulary import alternatives, words

_PEOPLES = words(
    r"""greek roman norse egyptian hindu celtic germanic italian american british english scottish irish welsh
    french german spanish portuguese brazilian argentin(?:e|ian) mexican canadian australian indian chinese
    japanese korean russian polish swedish norwegian danish finnish icelandic dutch belgian austrian swiss
    turkish iranian persian israeli nigerian biblical medieval historical real real-life ancient viking"""
)
"""Peoples and ages, as adjectives."""
_PROFESSIONS = words(
    r"""actor actress rapper musician guitarist composer director film-?maker writer author poet novelist
    playwright bard philosopher mathematician physicist economist painter sculptor (?<!martial.)artist
    architect politician statesman president senator minister footballer athlete cyclist golfer sprinter
    swimmer coach king emperor empress pharaoh tsar duke saint martyr monk bishop pope prophet comedian
    journalist historian celebrity wrestler singer"""
)
"""What a real person of a people or an age is."""
_CREATURES = (
    "(?:person|man|woman|animal|lion|bear|fish|bird|mouse|fox|rabbit|deer|dog|cat|duck|elephant|panther)"
)
_BEARERS = alternatives(
    rf"""poet
bard
philosopher
novelist
playwright
mathematician
politician
footballer
(?:saint|martyr)
author of
(?:\d+(?:st|nd|rd|th) )?president of
prime minister
(?:king|queen|emperor|duke) of (?:norway|denmark|sweden|england|france|spain|germany|poland|greece)
(?:planet|dwarf planet|asteroid|comet|constellation|moon of)
(?:city|town|village|river|mountain|county|municipality|lake|crater) (?:in|of|on)
(?:species|genus|breed) of
(?:the|an) animal
(?:real|real-life|actual|living) (?:\w+ )?{_CREATURES}
(?:fast[- ]food|restaurant|hotel|supermarket) (?:chain|company)
(?:historical|real|real-life) (?:\w+ )?(?:figure|warrior|king|queen|vizier|prince|princess)
(?:neighbou?rhood|district|suburb) (?:of|in)
(?:saga|folk) (?:figure|hero)
(?:rock|pop|punk) (?:band|group|album)
(?:programming language|operating system)
mytholog\w+ (?:figure|hero|god|being)"""
)
"""Who or what else may bear a name, in words that fit no character."""
_GODS = words("gods? goddess(?:es)? deit(?:y|ies) demigod titan myths?")

_DESCRIBED = (
    r"^[\"”’*]*\s*(?:,|\(|[–—-]|:|(?:is|was)\b)\s*(?:who\s(?:is|was)\s)?"
    r"(?:(?:the|an?|one\sof\sthe|perhaps)\s)?"
)
_ADJECTIVES = (
    r"(?:(?!(?:in|on|with|at|by|from|of|and|to|next|for|like|near|as|not|no)\b)(?!\w+ing\b)"
    r"[\w'’-]+,?\s){0,4}?"
)
_PERSON = rf"{_PEOPLES}\s(?:(?!(?:of|in|with|by)\b)[\w-]+[\s-](?:and\s)?){{0,3}}?{_PROFESSIONS}\b"


def _find(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_REAL = _find(rf"{_DESCRIBED}{_ADJECTIVES}(?:{_BEARERS}\b|{_PERSON})")
_DATES = _find(
    r"^[\"”’*]*\s*\(\s*(?:born\s|c\.?\s|ca\.\s|b\.\s)?(?:\d{3,4}\s?[–—-]|\d{1,2}(?:st|nd|rd|th)\scentury)"
)
_REAL_BEFORE = _find(rf"\b(?:{_PERSON}|{_BEARERS})\s+$")
_GOD = _find(rf"{_DESCRIBED}{_ADJECTIVES}{_PEOPLES}\s(?:[\w-]+\s)?{_GODS}\b")
_GOD_BEFORE = _find(rf"\b{_PEOPLES}\s{_GODS}\s+$")
_MADE_UP = _find(
    r"\b(?:characters?|superhero\w*|mascot|protagonist|cartoons?|fictional|films?(?!\s(?:director|actor|actress|star|producer|critic))|movies?(?!\s(?:director|star))|comics?|anime|manga|"
    r"video\sgames?|games|franchise|marvel|avengers?|disney|nintendo|animated)\b"
)


def is_another(m: Mention) -> bool:
    """Whether a real person, an animal, a place or a thing of that name is meant."""
    if _MADE_UP.search(m.text):
        return False
    return bool(_REAL.match(m.after) or _DATES.match(m.after) or _REAL_BEFORE.search(m.before))


def may_be_another(m: Mention) -> bool:
    """Whether a god may be meant, whom a character is named after."""
    return not _MADE_UP.search(m.text) and bool(_GOD.match(m.after) or _GOD_BEFORE.search(m.before))
