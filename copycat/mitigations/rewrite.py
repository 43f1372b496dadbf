"""Offline rewriter: generic words in place of names, aliases and distinguishing attributes."""

from __future__ import annotations

import re

from copycat.mitigations.base import Mitigation, Options
from copycat.records import Request
from copycat.subjects.characters import Character


class Rewrite(Mitigation[Options]):
    """Replaces by the registry's lexicon, longest text first, on word boundaries, in any case."""

    name = "rewrite"

    def edit_prompt(self, request: Request, character: Character) -> Request:
        text = rewrite(request.prompt, character)
        changed = "rewritten" if text != request.prompt else "nothing to replace"
        return self.with_step(request, note=changed, prompt=text)


def rewrite(text: str, character: Character) -> str:
    """`text` without the character's name, aliases and distinguishing attributes; never empty."""
    lexicon = {m.text.casefold(): m.generic for m in character.attributes if m.text}
    lexicon |= {n.casefold(): character.generic for n in character.spoken}
    longest_first = sorted(lexicon, key=len, reverse=True)
    found = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, longest_first)) + r")(?!\w)", re.IGNORECASE)
    return _tidy(found.sub(lambda m: lexicon[m.group().casefold()], text)) or character.generic


_EDGE = r"(?=\s*(?:,|\.|;|$))"
_TIDY = tuple(
    (re.compile(pattern, re.IGNORECASE), new)
    for pattern, new in (
        (r"\s+", " "),
        (r"\b(with|wearing|holding)(?: and| ,|,)+ ", r"\1 "),
        (r"\band(?: and)+\b", "and"),
        (r" (?:with|wearing|holding|and|the|by)" + _EDGE, ""),
        (r"\b(?:an?|the) (an?|the)\b", r"\1"),
        (r"\ba (?=[aeio])", "an "),
        (r"\ban (?=[^aeiou\s])", "a "),
        (r"\s+,", ","),
        (r",(?:\s*,)+", ","),
        (r"^[\s,]+|[\s,]+$", ""),
        (r"\s{2,}", " "),
    )
)


def _tidy(text: str) -> str:
    """Mend what removal leaves behind, until nothing changes."""
    while True:
        tidied = text
        for pattern, new in _TIDY:
            tidied = pattern.sub(new, tidied)
        if tidied == text:
            return tidied
        text = tidied
