"""Keyword lists that were written down, by a language model or by hand, and words to be ranked anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from copycat.errors import UnknownName
from copycat.mining.ranking import Term, ranked, read_ranking, words_by_character
from copycat.subjects.characters import Registry
from copycat.subjects.keywords import KeywordList, load_list


def own_list(registry: Registry) -> KeywordList:
    """The keywords that the registry itself gives each character."""
    return KeywordList(
        registry=registry.name,
        version=registry.version,
        source="the registry's own keywords, most telling first",
        keywords={c.slug: c.keywords for c in registry.characters if c.keywords},
    )


def rank(words: KeywordList, registry: Registry) -> Iterator[Term]:
    """The list's own order; the score is 1/rank. Words that hold the character's own name are left out."""
    unknown = sorted(words.keywords.keys() - {c.slug for c in registry.characters})
    if unknown:
        raise UnknownName(registry.noun, unknown[0], [c.slug for c in registry.characters])
    for c in registry.characters:
        kept = [w for w in words.keywords.get(c.slug, ()) if c.slug not in registry.mentioned(w)]
        yield from ranked(c, [(word, 1 / i) for i, word in enumerate(kept, 1)], registry)


def load_candidates(path: Path) -> dict[str, list[str]]:
    """Words by slug, from a YAML keyword list or a JSONL ranking. Raises BadFile."""
    if path.suffix != ".jsonl":
        return {slug: list(words) for slug, words in load_list(path).keywords.items()}
    return words_by_character(read_ranking(path))
