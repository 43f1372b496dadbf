"""Keyword files: words for each character, written down or mined, one YAML file a registry."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from copycat.cards.catalog import Catalog
from copycat.errors import UserError
from copycat.io.paths import DATA, locate_unless_name
from copycat.io.yaml_file import read_yaml
from copycat.records import Row
from copycat.subjects.characters import Registry

Mined = Literal["emb", "cooc"]
"""Rankings that `copycat mine negatives` makes: by embedding similarity, by co-occurrence."""
Words = Literal["lm", "emb", "cooc"]
"""Every ranking there is: those, and the list that was written down."""
FOLDER = DATA / "keywords"


class Ranking(Row):
    """Words for each character, most telling first."""

    source: str
    """How the words came about."""
    keywords: dict[str, tuple[str, ...]]
    """By slug."""


class KeywordList(Row):
    """One keyword file; see data/keywords/."""

    registry: str
    version: int
    source: str
    """How the words of `keywords` came about."""
    keywords: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By slug: words that were written down, most telling first."""
    rankings: dict[Mined, Ranking] = Field(default_factory=dict)
    """Words that were mined."""


def load_list(path: Path) -> KeywordList:
    """Read a YAML file; BadFile says what is wrong with it."""
    listed = read_yaml(path, KeywordList, "keyword list")
    return listed.model_copy(update={"registry": locate_unless_name(listed.registry, path)})


CATALOG: Catalog[KeywordList] = Catalog("keywords", singular="keyword list", folder=FOLDER, parse=load_list)
"""Keyword lists, called as their registry."""


def written(registry: str) -> KeywordList | None:
    """The first list for a registry that holds words which were written down; None where there is none."""
    return next((listed for listed in CATALOG.each(registry) if listed.keywords), None)


def ranking(words: Words, registry: Registry) -> Ranking:
    """One ranking for the characters of `registry`, from the first list in the catalogue that has it.

    `lm` is what a language model wrote down, or else the registry's own keywords. Raises a UserError that
    says which command makes a ranking that is not there.
    """
    if words != "lm":
        mined = (listed.rankings[words] for listed in CATALOG.each(registry.name) if words in listed.rankings)
        for first in mined:
            return first
        corpus = "" if words == "emb" else " CORPUS"
        raise UserError(
            f"The registry {registry.name} has no ranking '{words}'; make one with "
            f"`copycat mine negatives{corpus} --registry {registry.name}` (see --help)."
        )
    listed = written(registry.name)
    if listed:
        return Ranking(source=listed.source, keywords=listed.keywords)
    own = {c.slug: c.keywords for c in registry.characters if c.keywords}
    if not own:
        raise UserError(
            f"The registry {registry.name} has no keywords; write them into it, or into "
            f"{CATALOG.own(registry.name)} in the form of {FOLDER / 'copycat.yaml'}."
        )
    return Ranking(source="the registry's own keywords", keywords=own)
