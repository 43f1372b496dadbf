"""Neutral prompts: what people ask for when they mean no protected character.

They are no prompt set, since nobody is to be looked for; an intent detector's false positives are counted
on them. One JSON line a prompt in `neutral/REGISTRY.jsonl` of the user's folder or of `data/`.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from copycat.cards.catalog import Catalog
from copycat.io.jsonl import read_lines
from copycat.io.paths import DATA
from copycat.records import Row
from copycat.subjects.characters import Registry


class Neutral(Row):
    """One prompt for nobody."""

    text: str = Field(min_length=1)
    near: str | None = None
    """Slug of the character it comes close to; None for a plain one."""
    provenance: str


def read_neutral(path: Path) -> tuple[Neutral, ...]:
    """The neutral prompts in a file; raises BadFile."""
    return tuple(read_lines(path, Neutral, "a neutral prompt"))


CATALOG: Catalog[tuple[Neutral, ...]] = Catalog(
    "neutral",
    singular="list of neutral prompts",
    folder=DATA / "neutral",
    parse=read_neutral,
    suffixes=(".jsonl",),
)
"""Neutral prompts, called as their registry."""


def load_neutral(registry: str) -> tuple[Neutral, ...]:
    """The neutral prompts for a registry; empty when it has none. Raises BadFile."""
    return next(CATALOG.each(registry), ())


def check_neutral(prompts: tuple[Neutral, ...], registry: Registry) -> list[str]:
    """What is wrong with `prompts`, one sentence each: names, unknown neighbours, repetitions."""
    known = {c.slug for c in registry.characters}
    findings, seen = [], set()
    for p in prompts:
        where = f"neutral prompt '{p.text}' of {registry.name}"
        # Some names are words of their own, as the wolverine's; a prompt may say the one that it is near.
        findings += [f"The {where} names {s}." for s in sorted(registry.mentioned(p.text) - {p.near})]
        if p.near is not None and p.near not in known:
            findings.append(f"The {where} is near an unknown {registry.noun}, {p.near}.")
        if p.text.casefold() in seen:
            findings.append(f"The {where} is there twice.")
        seen.add(p.text.casefold())
    return findings
