"""What both halves of `copycat mine` do with prompt sets: write one, and say which prompts are too long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from copycat.subjects.characters import Registry
    from copycat.subjects.prompts import Prompt


def write_set(folder: Path, name: str, prompts: Sequence[Prompt], people: Registry, fit: str) -> None:
    """Write the set `name`, and say what is odd about it; nothing where there are no prompts."""
    from copycat.io.jsonl import write_lines
    from copycat.subjects.prompts import check

    if not prompts:
        return
    write_lines(folder / f"{name}.jsonl", prompts)
    for finding in (*check(prompts, people), *overlong({name: prompts}, fit)):
        typer.echo(finding, err=True)
    typer.echo(f"{len(prompts)} prompts in {folder / name}.jsonl")


def overlong(sets: Mapping[str, Sequence[Prompt]], model: str) -> list[str]:
    """What of `sets` is too long for the text encoder of `model`; nothing where none is named."""
    if not model:
        return []
    from copycat.cards.models import load_card
    from copycat.generators.reading import overlong, planned_reading

    texts = {f"prompts of {name}": [p.text for p in prompts] for name, prompts in sets.items()}
    return overlong(texts, planned_reading(load_card(model)))
