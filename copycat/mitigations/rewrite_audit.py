"""What the offline rewriter kept of a prompt, and what it removed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from copycat.mitigations.lexicon import lexicon_of, stems
from copycat.mitigations.rewrite import is_list, rewrite
from copycat.subjects.characters import Character

_LINKS = frozenset({"a", "an", "the", "with", "in", "of", "and"})
"""Words of a key that ask for nothing visible."""


def key_words(text: str) -> frozenset[str]:
    """The words of `text` that can be asked for, without endings: "long-haired" is "long hair"."""
    return frozenset(_root(w) for w in stems(text) if w not in _LINKS)


def _root(word: str) -> str:
    """Without "-ed" and a silent e: "caped" is "cape", "skinned" is "skin", "headed" is "head"."""
    if len(word) > 4 and word.endswith("ed"):
        word = word[:-2]
        word = word[:-1] if word[-1] == word[-2] and word[-1] in "npt" else word
    return word.rstrip("e")


@dataclass(frozen=True)
class RewriteAudit:
    """One prompt before and after."""

    before: str
    after: str
    asked: frozenset[str]
    """Words of the key that the prompt asked for: all of them where it names the character."""
    kept: frozenset[str]
    """Those of them that stand in the rewritten prompt."""
    removed: tuple[str, ...]
    """Names and distinguishing attributes that were found, as the registry writes them, in their order."""
    dropped: tuple[str, ...]
    """Keywords that are nowhere in the rewritten list any more."""
    left: tuple[str, ...]
    """Names and attributes that the rewritten prompt still holds."""
    flaws: tuple[str, ...]
    """What is wrong with its grammar."""


def audit(text: str, character: Character) -> RewriteAudit:
    """`text` rewritten for `character`, and what became of its words."""
    lexicon = lexicon_of(character)
    after = rewrite(text, character)
    keywords = is_list(text)
    found = list(lexicon.matches(text, keywords=keywords))
    key = key_words(character.key)
    named = any(m.form == "name" for m in found)
    asked = key if named else key & key_words(text)
    pieces = [p.strip() for p in text.split(",")]
    return RewriteAudit(
        before=text,
        after=after,
        asked=asked,
        kept=asked & key_words(after),
        removed=tuple(dict.fromkeys(m.entry for m in found)),
        dropped=tuple(p for p in pieces if lexicon.gives_away(p)) if keywords else (),
        left=tuple(m.entry for m in lexicon.matches(after, keywords=keywords)),
        flaws=flaws(after),
    )


_VOWEL_SOUND = re.compile(r"hour|honest|heir|[ai]|e(?!u)|o(?!ne\b|nce\b)|u(?!kulele|ni(?![mn])|s[ae])", re.I)
_FLAWS = {
    "a word twice": re.compile(r"\b(\w+) \1\b", re.IGNORECASE),
    "two articles": re.compile(r"\b(?:an?|the) (?:an?|the)\b", re.IGNORECASE),
    "a stray comma": re.compile(r",\s*,|,\s*[.;]|\s[,.;]|^[\s,]|[\s,]$"),
    "nothing after and": re.compile(
        r"\b(?:and|with|wearing|holding|an?|the)(?=\s*(?:[,.;]|$))", re.IGNORECASE
    ),
    "two spaces": re.compile(r"\s\s"),
    "no capital": re.compile(r"[.!?] [a-z]"),
}


def flaws(text: str) -> tuple[str, ...]:
    """What is wrong with the grammar of `text`, as far as a pattern can tell."""
    found = [flaw for flaw, pattern in _FLAWS.items() if pattern.search(text)]
    for article, word in re.findall(r"\b(an?) ([\w-]+)", text, re.IGNORECASE):
        if (len(article) == 2) != bool(_VOWEL_SOUND.match(word)):
            found.append(f"{article} {word}")
    if re.search(r"\.$", text) and text[0].islower():
        found.append("no capital")
    return tuple(found)
