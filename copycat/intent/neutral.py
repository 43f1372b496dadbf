"""Neutral prompts: what people ask for when they mean no protected character.

They are no prompt set, since nobody is to be looked for; an intent detector's false positives are counted
on them. One JSON line a prompt in `data/neutral/REGISTRY.jsonl`.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from copycat.characters import Registry
from copycat.jsonl import read_lines
from copycat.paths import DATA

FOLDER = DATA / "neutral"


class Neutral(BaseModel):
    """One prompt for nobody."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: str = Field(min_length=1)
    near: str | None = None
    """Slug of the character it comes close to; None for a plain one."""
    provenance: str


def load_neutral(registry: str, folder: Path = FOLDER) -> tuple[Neutral, ...]:
    """The neutral prompts for a registry; empty when it has none. Raises BadFile."""
    path = folder / f"{registry}.jsonl"
    return read_neutral(path) if path.is_file() else ()


def read_neutral(path: Path) -> tuple[Neutral, ...]:
    """The neutral prompts in a file; raises BadFile."""
    return tuple(read_lines(path, Neutral, "a neutral prompt"))


def check_neutral(prompts: tuple[Neutral, ...], registry: Registry) -> list[str]:
    """What is wrong with `prompts`, one sentence each: names, unknown neighbours, repetitions."""
    known = {c.slug for c in registry.characters}
    findings, seen = [], set()
    for p in prompts:
        where = f"neutral prompt '{p.text}' of {registry.name}"
        # Some names are words of their own, as the wolverine's; a prompt may say the one that it is near.
        findings += [f"The {where} names {s}." for s in sorted(registry.mentioned(p.text) - {p.near})]
        if p.near is not None and p.near not in known:
            findings.append(f"The {where} is near an unknown character, {p.near}.")
        if p.text.casefold() in seen:
            findings.append(f"The {where} is there twice.")
        seen.add(p.text.casefold())
    return findings
