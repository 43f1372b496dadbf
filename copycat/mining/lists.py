"""Keyword lists that were written down: by a language model, by hand, or by another tool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from copycat.characters import Registry
from copycat.errors import BadFile, UnknownName
from copycat.mining.ranking import Term, kind_of


class KeywordList(BaseModel):
    """Words for each character, most telling first; see data/keywords/."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    registry: str
    version: int
    source: str
    """How the words came about."""
    keywords: dict[str, tuple[str, ...]]
    """By slug."""


def load_list(path: Path) -> KeywordList:
    """Read a YAML file; BadFile says what is wrong with it."""
    try:
        return KeywordList.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as e:
        raise BadFile(f"The keyword list {path} cannot be read ({e}).") from e
    except (yaml.YAMLError, ValidationError) as e:
        raise BadFile(f"{path} is not a keyword list ({str(e).strip().splitlines()[0]}).") from e


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
