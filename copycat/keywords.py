"""Keyword files: words for each character, written down or mined, one YAML file a registry."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from copycat.catalog import home
from copycat.characters import Registry
from copycat.errors import BadFile, UserError
from copycat.paths import DATA

Mined = Literal["emb", "cooc"]
"""Rankings that `copycat mine negatives` makes: by embedding similarity, by co-occurrence."""
Words = Literal["lm", "emb", "cooc"]
"""Every ranking there is: those, and the list that was written down."""
FOLDER = DATA / "keywords"


class Ranking(BaseModel):
    """Words for each character, most telling first."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    source: str
    """How the words came about."""
    keywords: dict[str, tuple[str, ...]]
    """By slug."""


class KeywordList(BaseModel):
    """One keyword file; see data/keywords/."""

    model_config = ConfigDict(frozen=True, extra="forbid")
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
    try:
        return KeywordList.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as e:
        raise BadFile(f"The keyword list {path} cannot be read ({e}).") from e
    except (yaml.YAMLError, ValidationError) as e:
        raise BadFile(f"{path} is not a keyword list ({str(e).strip().splitlines()[0]}).") from e


def own_file(registry: str) -> Path:
    """Where the user's own words for a registry lie; they go before the shipped ones."""
    return home() / "keywords" / f"{registry}.yaml"


def shipped_file(registry: str) -> Path:
    """Where the words that come with copycat lie, if there are any."""
    return FOLDER / f"{registry}.yaml"


def ranking(words: Words, registry: Registry) -> Ranking:
    """One ranking for the characters of `registry`, from the user's file or the shipped one.

    `lm` is what a language model wrote down, or else the registry's own keywords. Raises a UserError that
    says which command makes a ranking that is not there.
    """
    for path in (own_file(registry.name), shipped_file(registry.name)):
        found = _in_file(path, words) if path.is_file() else None
        if found is not None:
            return found
    if words != "lm":
        corpus = "" if words == "emb" else " CORPUS"
        raise UserError(
            f"The registry {registry.name} has no ranking '{words}'; make one with "
            f"`copycat mine negatives{corpus} --registry {registry.name}` (see --help)."
        )
    own = {c.slug: c.keywords for c in registry.characters if c.keywords}
    if not own:
        raise UserError(
            f"The registry {registry.name} has no keywords; write them into it, or into "
            f"{own_file(registry.name)} in the form of {shipped_file('copycat')}."
        )
    return Ranking(source="the registry's own keywords", keywords=own)


def _in_file(path: Path, words: Words) -> Ranking | None:
    listed = load_list(path)
    if words != "lm":
        return listed.rankings.get(words)
    return Ranking(source=listed.source, keywords=listed.keywords) if listed.keywords else None
