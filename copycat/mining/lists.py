"""Keyword lists that were written down: by a language model, by hand, or by another tool."""

from __future__ import annotations

from collections.abc import Iterator

from copycat.characters import Registry
from copycat.errors import UnknownName
from copycat.keywords import KeywordList
from copycat.mining.ranking import Term, kind_of


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
        raise UnknownName("character", unknown[0], [c.slug for c in registry.characters])
    for c in registry.characters:
        kept = [w for w in words.keywords.get(c.slug, ()) if c.slug not in registry.mentioned(w)]
        for i, word in enumerate(kept, 1):
            yield Term(character=c.slug, rank=i, term=word, kind=kind_of(word, registry), score=1 / i)
