"""Keyword files of mined rankings, for negative prompts (He et al. 2024, Algorithms 1 and 2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import yaml

from copycat.characters import Registry
from copycat.errors import UserError
from copycat.keywords import KeywordList, Mined, Ranking, load_list
from copycat.mining.ranking import Term

_HEAD = "# Mined rankings for negative prompts; made by `{command}`, do not edit.\n"


def candidates(
    registry: Registry, written: Mapping[str, Sequence[str]], common: Iterable[Term]
) -> dict[str, list[str]]:
    """What the text encoder ranks, by slug: the written list where there is one, else the commonest words.

    The paper's candidates are 50 words a character from a language model.
    """
    if written:
        return {c.slug: list(written.get(c.slug, ())) for c in registry.characters}
    found: dict[str, list[str]] = {}
    for t in common:
        found.setdefault(t.character, []).append(t.term)
    return found


def ranking(terms: Iterable[Term], source: str, *, keep: int, generic_only: bool) -> Ranking:
    """The first `keep` words of each character."""
    words: dict[str, list[str]] = {}
    for t in sorted(terms, key=lambda t: t.rank):
        if (t.kind == "generic" or not generic_only) and len(words.setdefault(t.character, [])) < keep:
            words[t.character].append(t.term)
    return Ranking(source=source, keywords={slug: tuple(w) for slug, w in words.items() if w})


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
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(_HEAD.format(command=command) + content, encoding="utf-8")
    temporary.replace(path)
