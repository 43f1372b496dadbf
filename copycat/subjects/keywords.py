"""Keyword files: words for each character, written down or mined, one YAML file a registry."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field

from copycat.cards.catalog import Catalog
from copycat.errors import UserError
from copycat.io.atomic import write_text
from copycat.io.paths import DATA, locate_unless_name
from copycat.io.yaml_file import read_yaml
from copycat.records import Row
from copycat.subjects.characters import Registry

Words = Literal["lm", "emb", "cooc"]
"""Every ranking there is: a language model's list, by embedding similarity, by co-occurrence."""
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
    rankings: dict[Words, Ranking] = Field(default_factory=dict)
    """Words that a command mined, imported or asked a language model for."""

    def ranking(self, words: Words) -> Ranking | None:
        """The ranking called `words`; the list that was written down is `lm` where there is no other."""
        if words in self.rankings:
            return self.rankings[words]
        written = words == "lm" and self.keywords
        return Ranking(source=self.source, keywords=self.keywords) if written else None


def load_list(path: Path) -> KeywordList:
    """Read a YAML file; BadFile says what is wrong with it. A file that has not changed is read once."""
    # A plan asks for the same rankings hundreds of times, and a file takes tens of milliseconds.
    there = path.stat() if path.exists() else None
    listed = _read(path, there and (there.st_ino, there.st_size, there.st_mtime_ns))
    return listed.model_copy(update={"registry": locate_unless_name(listed.registry, path)})


@lru_cache(maxsize=16)
def _read(path: Path, state: tuple[int, ...] | None) -> KeywordList:  # noqa: ARG001
    """The list in `path` while the file is in that `state`."""
    return read_yaml(path, KeywordList, "keyword list")


CATALOG: Catalog[KeywordList] = Catalog("keywords", singular="keyword list", folder=FOLDER, parse=load_list)
"""Keyword lists, called as their registry."""


def listed(words: Words, registry: str) -> Ranking | None:
    """One ranking for a registry, from the first list in the catalogue that has it; None where none has."""
    found = (kept.ranking(words) for kept in CATALOG.each(registry))
    return next((r for r in found if r is not None), None)


def ranking(words: Words, registry: Registry) -> Ranking:
    """One ranking for the characters of `registry`.

    `lm` is what a language model wrote down, or else the registry's own keywords. Raises a UserError that
    says which command makes a ranking that is not there.
    """
    found = listed(words, registry.name)
    if found is not None:
        return found
    if words != "lm":
        corpus = "" if words == "emb" else " CORPUS"
        raise UserError(
            f"The registry {registry.name} has no ranking '{words}'; make one with "
            f"`copycat mine negatives{corpus} --registry {registry.name}` (see --help), or, for the paper's "
            "characters, take its own words with "
            f"`copycat import-upstream CHECKOUT --registry {registry.name}`."
        )
    own = {c.slug: c.keywords for c in registry.characters if c.keywords}
    if not own:
        raise UserError(
            f"The registry {registry.name} has no keywords; write them into it, or have a language model do "
            f"so with `copycat mine keywords --own --registry {registry.name}` (see --help)."
        )
    return Ranking(source="the registry's own keywords", keywords=own)


_HEAD = "# Rankings for negative prompts; the last ones made by `{command}`, do not edit.\n"


def check_target(path: Path) -> KeywordList | None:
    """The file of rankings that `path` already holds; raises UserError for one with words that were written
    down."""
    if not path.exists():
        return None
    there = load_list(path)
    if there.keywords:
        raise UserError(f"{path} holds words that were written down; choose another file with --out.")
    return there


def write_rankings(path: Path, registry: str, made: Mapping[Words, Ranking], command: str) -> None:
    """Write what `command` made; rankings that lie at `path` already and are not made anew are kept."""
    there = check_target(path)
    kept = KeywordList(
        registry=registry,
        version=1,
        source="mined; see each ranking",
        rankings={**(there.rankings if there else {}), **made},
    )
    content = yaml.safe_dump(
        kept.model_dump(mode="json", exclude={"keywords"}),
        sort_keys=False,
        allow_unicode=True,
        width=110,
        default_flow_style=None,
    )
    write_text(path, _HEAD.format(command=command) + content)
