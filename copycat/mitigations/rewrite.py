"""Offline rewriter: generic words in place of names, aliases and distinguishing attributes."""

from __future__ import annotations

import re
from collections.abc import Callable

from copycat.mitigations.base import Mitigation, Options, RunContext
from copycat.mitigations.lexicon import Lexicon, Match, lexicon_of
from copycat.mitigations.number import stems, without_article
from copycat.mitigations.phrase import in_phrase
from copycat.mitigations.wording import VOWEL_SOUND, in_sentence, with_missing_article
from copycat.mitigations.world import SOMEBODY
from copycat.records import Request
from copycat.subjects.characters import Character, Registry


class Rewrite(Mitigation[Options]):
    """Replaces by the lexicon: the same kind of being does the same, without its signature look."""

    name = "rewrite"

    def __init__(self, config: Options, registry: Registry | None = None) -> None:
        super().__init__(config)
        self._registry = registry

    def bind(self, context: RunContext) -> Rewrite:
        return Rewrite(self.config, context.registry)

    def edit_prompt(self, request: Request, character: Character) -> Request:
        text = rewrite(request.prompt, character, self._registry)
        changed = "rewritten" if text != request.prompt else "nothing to replace"
        return self.with_step(request, note=changed, prompt=text)


def rewrite(text: str, character: Character, registry: Registry | None = None) -> str:
    """`text` without the character's name, aliases and distinguishing attributes; never empty.

    With the character's `registry` the other names of its world go too: side figures, places, things, works
    and owners. What stands for the name says what `key` asks for. In a list of keywords, what gives the
    character away goes too, and nothing stands twice. A text that holds nothing of the kind stays as it is.
    """
    lexicon = lexicon_of(character, registry)
    if is_list(text):
        return _rewrite_list(text, lexicon) or character.generic
    replaced = _replaced(text, lexicon)
    if replaced == text:
        return text if text.strip() else character.generic
    return _tidy(replaced) or character.generic


LONGEST_KEYWORD = 5
"""Words; a longer piece between commas is part of a sentence."""


_APPOSED = re.compile(
    r"\s*[A-Z][^,]*,\s*(?:an?|the|his|her|its)\s[^,]*,\s*[a-z]+[^\Wsu]s\s+(?!(?:with|and|of)\b)\w"
)
"""A sentence with something put in between: "Zori, the owl, rides a horse"."""

_ENUMERATED = re.compile(r"[A-Z]\w*\s+and\s+[A-Z]")
"""The end of names that are listed in a sentence: "Zori, Zokin and Zara dance"."""


def is_list(text: str) -> bool:
    """Whether `text` is keywords between commas rather than a sentence."""
    pieces = text.split(",")
    if _ENUMERATED.search(pieces[-1]) or _APPOSED.match(text):
        return False
    if len(pieces) < 3 or re.search(r"[.;!?](?:\s|$)", text):
        return False
    return all(0 < len(p.split()) <= LONGEST_KEYWORD for p in pieces)


def _rewrite_list(text: str, lexicon: Lexicon) -> str:
    pieces = [p.strip() for p in text.split(",")]
    replaced = [_replaced(p, lexicon, keywords=True) for p in pieces if not lexicon.gives_away(p)]
    if replaced == pieces:
        return text
    kept: dict[tuple[str, ...], str] = {}
    for piece in filter(None, map(_tidy, replaced)):
        kept.setdefault(stems(piece), piece)
    return ", ".join(kept.values())


_GONE = "\x00"
"""Marks the place of what was dropped, until what led up to it is dropped too."""
_LISTED = "\x01"
"""Marks a comma between two figures one after the other, until they are listed with "and" again."""


def _replaced(text: str, lexicon: Lexicon, *, keywords: bool = False) -> str:
    """`text` with every match replaced; among `keywords` attributes have no article, and other names of the
    world go without a word in their place, unless something is done to them."""
    pieces, end = [], 0
    last: Match | None = None
    for match in lexicon.matches(text, keywords=keywords):
        generic, stop, before = match.generic, match.end, text[end : match.start]
        if match.form == "world" and (not keywords or _ACTED_ON.search(text[: match.start])):
            generic, stop = in_sentence(text, match)
        elif match.form == "world" and match.kind != "epithet":
            generic = ""
        elif keywords and match.form != "name":
            generic = without_article(generic)
        elif match.form == "whole":
            generic = with_missing_article(text, match)
        if last and _is_said_again(text, last, match, end):
            end = stop + 1
            continue
        if generic.strip() and match.form in {"name", "world"} and match.kind in {"figure", "thing"}:
            before, generic, stop = in_phrase(text, end, match, generic, stop)
        if last and _is_person(last) and _is_person(match) and _COMMA.fullmatch(before):
            before = _LISTED + before
        at = end + len(before) if text.startswith(before, end) else match.start
        pieces += [before, _in_place(text, at, match, generic) or _GONE]
        last, end = match, stop
    return "".join(pieces) + text[end:]


_ACTED_ON = re.compile(r"\b[a-z]+(?:ing|[^su\W]s)\s+(?:(?:an?|the|his|her|its|their)\s+)?$")
"""A verb, or what looks like one, before a name among keywords: "rides Epona"."""
_COMMA = re.compile(r",\s+")
_AGAIN = re.compile(r",\s+(?:the\s+)?", re.IGNORECASE)


def _is_person(match: Match) -> bool:
    return match.form in {"name", "world"} and match.kind == "figure"


def _is_said_again(text: str, last: Match, match: Match, since: int) -> bool:
    """Whether `match` is another name of whom `last` named, put in between: "Zori, the Zokin, sings"."""
    both = last.form == match.form == "name"
    return both and bool(_AGAIN.fullmatch(text, since, match.start)) and text[match.end :].startswith(",")


def _in_place(text: str, at: int, match: Match, generic: str) -> str:
    """`generic`, which stands from `at` on, with a capital where it begins a sentence that began with one."""
    before = text[:at].rstrip()
    begins = not before or before[-1] in ".!?"
    sentence = re.search(r"[.!?](?:\s|$)", text[match.end :])
    if begins and sentence and text[at : at + 1].isupper():
        return generic[:1].upper() + generic[1:]
    return generic


def _second_article(found: re.Match[str]) -> str:
    """Of two articles the second, with the capital of the first."""
    first, second = found.group().split()
    return second.capitalize() if first[0].isupper() else second


def _beginning(found: re.Match[str]) -> str:
    """The first letter of what is left of a beginning that was dropped, with the capital it had."""
    return found.group(1).upper() if found.group()[0].isupper() else found.group(1)


def _companions(found: re.Match[str]) -> str:
    """Several figures of whom nothing is known, in the list that they stood in."""
    listed = found[1] or ""
    return f"{' and ' if listed and ' and ' in found[0] else listed}companions"


_HOLDING = r"(with|wearing|holding|carrying|wielding|waving|raising|swinging)"
_DETERMINER = r"(?:an?|the|his|her|its|their)"
_ENDS = r"(?=\s*(?:[,.;]|$|and\b|with\b))"
_LEADS = rf"(?:\s*\b(?:{_DETERMINER}|{_HOLDING}|and|in|on|of|over|under|at|from|to|by))*"
_TIDY: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), new)
    for pattern, new in (
        (rf"^\s*(?:{_DETERMINER}\s+)?{_GONE}\s*(?:,\s*)?(?:and\s+)?(\w)", _beginning),
        (rf"\b{_HOLDING}\s+(?:{_DETERMINER}\s+)?{_GONE}\s*(?:,\s*(?:and\s+)?|and\s+)(?=\w)", r"\1 "),
        (rf"(?:^|(?<=[\w,])\s+)\w{{2,}}ing\s+{_DETERMINER}\s+{_GONE}{_ENDS}", ""),
        (rf"\b(\w{{2,}}[^su\W]s)\s+{_DETERMINER}\s+{_GONE}{_ENDS}", r"\1 something"),
        (rf"{_LEADS}\s*{_GONE}{_ENDS}", ""),
        (rf"\s*{_GONE}", ""),
        (r"\s+", " "),
        (r"\b(?:an?|the) (?:an?|the)\b", _second_article),
        (rf"\b(a) (?={VOWEL_SOUND})", r"\1n "),
        (rf"\b(a)n (?!{VOWEL_SOUND})(?=\w)", r"\1 "),
        (rf"({_LISTED}, |\b){SOMEBODY}(?:(?:{_LISTED}?,| and|, and) {SOMEBODY}\b)+", _companions),
        (_LISTED, ""),
        (r"\s+([,.;])", r"\1"),
        (r",(?:\s*,)+", ","),
        (r",\s*\.", "."),
        (r"^[\s,]+|[\s,]+$", ""),
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
