"""A ranking of words for each character, and how it becomes prompt sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from copycat.characters import Registry, normalise
from copycat.prompts import Prompt

Kind = Literal["generic", "character", "owner"]


class Term(BaseModel):
    """One word of one character's ranking."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    character: str
    rank: int
    """1 for the most telling word."""
    term: str
    kind: Kind
    """`character` names another character, `owner` a rights owner; a generic prompt has neither."""
    score: float
    """What the ranking is by; higher is closer to the character."""
    joint: int | None = None
    """Captions with the name and the word."""
    frequency: int | None = None
    """Captions with the word."""


def kind_of(term: str, registry: Registry) -> Kind:
    """Whether `term` is a character's or an owner's name, or generic."""
    if registry.mentioned(term):
        return "character"
    return "owner" if normalise(term) in registry.owner_words else "generic"


def prompt_sets(
    ranking: Iterable[Term], name: str, sizes: Sequence[int], provenance: str, *, generic_only: bool
) -> dict[str, list[Prompt]]:
    """For each of `sizes`, the set `NAMEn`: the first n words of each character, joined by commas."""
    words: dict[str, list[str]] = {}
    for t in sorted(ranking, key=lambda t: t.rank):
        if t.kind == "generic" or not generic_only:
            words.setdefault(t.character, []).append(t.term)
    return {
        f"{name}{n}": [
            Prompt(set=f"{name}{n}", character=slug, text=", ".join(ws[:n]), provenance=provenance)
            for slug, ws in words.items()
        ]
        for n in sizes
    }


def write_rows(path: Path, rows: Iterable[BaseModel]) -> None:
    """One JSON line a row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{r.model_dump_json()}\n" for r in rows), encoding="utf-8")
