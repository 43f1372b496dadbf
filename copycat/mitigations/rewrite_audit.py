"""What the offline rewriter kept of a prompt, and what it removed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from copycat.mitigations.lexicon import lexicon_of, stems
from copycat.mitigations.rewrite import is_list, rewrite
from copycat.mitigations.wording import VOWEL_SOUND
from copycat.subjects.characters import Character, Registry
from copycat.subjects.franchises import names_of
from copycat.subjects.mentions import Mention, mentions
from copycat.subjects.naming import is_word as is_written_as_word
from copycat.subjects.words import is_word

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
    leaked: tuple[str, ...]
    """Names of the registry's world in the rewritten prompt, found without the lexicon: see `leaks`."""
    flaws: tuple[str, ...]
    """What is wrong with its grammar."""


def audit(text: str, character: Character, registry: Registry) -> RewriteAudit:
    """`text` rewritten for `character` of `registry`, and what became of its words."""
    lexicon = lexicon_of(character, registry)
    after = rewrite(text, character, registry)
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
        leaked=leaks(after, character, registry),
        flaws=flaws(after),
    )


def leaks(text: str, character: Character, registry: Registry) -> tuple[str, ...]:
    """Names of characters, owners, works and worlds of `registry` in `text`, a prompt for `character`.

    They are found as a judge's reader and a miner find them, and not by the rewriter's lexicon. What are
    words of the language too must be written as a name.
    """
    named = registry.mentioned(text) | {character.slug}
    found = [
        registry[slug].name
        for slug in sorted(named)
        if any(not is_written_as_word(m) for m in mentions(text, registry[slug]))
    ]
    for kind, name in names_of(registry).found(text, character.slug):
        if kind != "character" and (not is_word(name) or _is_capital(text, name)):
            found.append(name)
    return tuple(dict.fromkeys(found))


def _is_capital(text: str, name: str) -> bool:
    """Whether `name`, normalised, stands in `text` as a name other than at the beginning of it."""
    pattern = re.compile(r"\W+".join(map(re.escape, name.split())), re.IGNORECASE)
    return any(
        (m.start() or " " in name) and not Mention(text, m.start(), m.end()).lower
        for m in pattern.finditer(text)
    )


_VOWEL_SOUND = re.compile(VOWEL_SOUND, re.IGNORECASE)
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
