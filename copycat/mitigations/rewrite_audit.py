"""What the offline rewriter kept of a prompt, and what it removed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from copycat.mitigations.lexicon import Match, lexicon_of
from copycat.mitigations.number import singular, stems
from copycat.mitigations.rewrite import is_list, rewrite
from copycat.mitigations.word_classes import NUMBERS, is_adjective_alone
from copycat.mitigations.wording import VOWEL_SOUND
from copycat.subjects.characters import Character, Registry, normalise
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
        flaws=tuple(f for f in flaws(after) if f != _POSSESSIVE or f not in flaws(text))
        + _without_object(text, after, found),
    )


def leaks(text: str, character: Character, registry: Registry) -> tuple[str, ...]:
    """Names of characters, owners, works and worlds of `registry` in `text`, a prompt for `character`.

    They are found as a judge's reader and a miner find them, and not by the rewriter's lexicon. What are
    words of the language too must be written as a name.
    """
    single = _in_singular(text)
    named = registry.mentioned(text) | registry.mentioned(single) | {character.slug}
    found = [registry[slug].name for slug in sorted(named) if _is_named(registry[slug], text, single)]
    for kind, name in names_of(registry).found(text, character.slug):
        if kind != "character" and (not is_word(name) or _is_capital(text, name)):
            found.append(name)
    return tuple(dict.fromkeys(found))


def _is_named(character: Character, text: str, single: str) -> bool:
    """Whether `text`, or it with all nouns in the singular, names `character`."""
    several = [] if character.name.endswith("s") else mentions(single, character)
    # At the beginning of a text "Links" has a capital anyway.
    several = [m for m in several if not m.common or m.before.strip()]
    if any(not is_written_as_word(m) for m in (*mentions(text, character), *several)):
        return True
    # A plural that the registry lists beside its singular ("Minions") needs a number to be a name.
    listed = {normalise(n) for n in character.spoken}
    counted = re.findall(r"\b(\w+)s\b", text) if single != text else []
    return any(w.lower() in listed and f"{w.lower()}s" in listed for w in counted)


def _in_singular(text: str) -> str:
    """`text` with its plurals in the singular, "men" too, as far as their endings tell."""
    return re.sub(r"[^\W\d_]+", lambda m: _single(m[0]), text)


def _single(word: str) -> str:
    if word.lower().endswith("men"):
        return f"{word[:-2]}an"
    one = singular(word.lower())
    return word[: len(one)] if word.lower().startswith(one) else f"{word[:-3]}y"


def _is_capital(text: str, name: str) -> bool:
    """Whether `name`, normalised, stands in `text` as a name other than at the beginning of it."""
    pattern = re.compile(r"\W+".join(map(re.escape, name.split())), re.IGNORECASE)
    return any(
        (m.start() or " " in name) and not Mention(text, m.start(), m.end()).lower
        for m in pattern.finditer(text)
    )


_POSSESSIVE = "'s after with"
"""Right in "a boy with a dog's head", so it counts only where the prompt had none before."""
_VOWEL_SOUND = re.compile(VOWEL_SOUND, re.IGNORECASE)
_FLAWS = {
    "a word twice": re.compile(r"\b(\w+) \1\b", re.IGNORECASE),
    "two articles": re.compile(r"\b(?:an?|the) (?:an?|the)\b", re.IGNORECASE),
    "a stray comma": re.compile(r",\s*,|,\s*[.;]|\s[,.;]|^[\s,]|[\s,]$"),
    "nothing after and": re.compile(
        r"\b(?:and|with|wearing|holding|an?|the)(?=\s*(?:[,.;]|$))", re.IGNORECASE
    ),
    _POSSESSIVE: re.compile(r"\bwith (?:an? )?(?:[\w-]+ ){0,3}[\w-]+['’]s\s", re.IGNORECASE),
    "two spaces": re.compile(r"\s\s"),
    "no capital": re.compile(r"[.!?] [a-z]"),
}


def flaws(text: str) -> tuple[str, ...]:
    """What is wrong with the grammar of `text`, as far as a pattern can tell."""
    found = [flaw for flaw, pattern in _FLAWS.items() if pattern.search(text)]
    for article, word in re.findall(r"\b(an?) ([\w-]+)", text, re.IGNORECASE):
        if (len(article) == 2) != bool(_VOWEL_SOUND.match(word)):
            found.append(f"{article} {word}")
    for word in re.findall(r"(?<!such )(?<!half )(?<!all )\b([\w-]+) (?:an?|the) (?=\w)", text):
        if word.lower() in NUMBERS or is_adjective_alone(word):
            found.append(f"an article after {word}")
    if re.search(r"\.$", text) and text[0].islower():
        found.append("no capital")
    return tuple(found)


_VERB = re.compile(
    r"(?<!\bher )(?<!\bhis )(?<!\bthe )\b([a-z]{2,}(?:ing|[^\Wsu]s))\s+(?:(?:an?|the|his|her|its|their)\s+)?$"
)


def _without_object(before: str, after: str, found: Iterable[Match]) -> tuple[str, ...]:
    """Verbs of `before` with nothing after them in `after`, where what they were about was removed."""
    verbs = [verb[1] for m in found if (verb := _VERB.search(before[: m.start]))]
    ends = r"\s*(?:[,.;]|$|and\b)"
    return tuple(
        f"nothing after {v}"
        for v in dict.fromkeys(verbs)
        if re.search(rf"\b{v}{ends}", after) and not re.search(rf"\b{v}{ends}", before)
    )
