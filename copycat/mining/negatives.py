"""Keyword files of mined rankings, for negative prompts (He et al. 2024, Algorithms 1 and 2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import yaml

from copycat.errors import UserError
from copycat.io.atomic import write_text
from copycat.mining.ranking import Term, words_by_character
from copycat.subjects.characters import Registry
from copycat.subjects.keywords import KeywordList, Mined, Ranking, load_list

_HEAD = "# Mined rankings for negative prompts; made by `{command}`, do not edit.\n"


def candidates(
    registry: Registry, written: Mapping[str, Sequence[str]], common: Iterable[Term]
) -> dict[str, list[str]]:
    """What the text encoder ranks, by slug: the written list where there is one, else the commonest words.

    The paper's candidates are 50 words a character from a language model.
    """
    if written:
        return {c.slug: list(written.get(c.slug, ())) for c in registry.characters}
    return words_by_character(common)


def ranking(terms: Iterable[Term], source: str, *, keep: int, generic_only: bool) -> Ranking:
    """The first `keep` words of each character."""
    words = words_by_character(terms, generic_only=generic_only)
    return Ranking(source=source, keywords={slug: tuple(w[:keep]) for slug, w in words.items()})


def check_target(path: Path) -> KeywordList | None:
    """The mined file that `path` already holds; raises UserError for one with words that were written."""
    if not path.exists():
        return None
    there = load_list(path)
    if there.keywords:
        raise UserError(f"{path} holds words that were written down; choose another file with --out.")
    return there


def write(path: Path, registry: Registry, mined: Mapping[Mined, Ranking], command: str) -> None:
    """Write `mined`; rankings that lie at `path` already and are not made anew are kept."""
    there = check_target(path)
    listed = KeywordList(
        registry=registry.name,
        version=1,
        source="mined; see each ranking",
        rankings={**(there.rankings if there else {}), **mined},
    )
    content = yaml.safe_dump(
        listed.model_dump(mode="json", exclude={"keywords"}),
        sort_keys=False,
        allow_unicode=True,
        width=110,
        default_flow_style=None,
    )
    write_text(path, _HEAD.format(command=command) + content)
