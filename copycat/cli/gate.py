"""`copycat gate`: how well intent detection tells character prompts from neutral ones."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import typer


def gate(
    registry: str = typer.Option("menagerie", help="Character registry: a name or a YAML file."),
    by: Literal["lexical", "embedding", "llm"] = typer.Option("lexical", help="What detects."),
    model: str = typer.Option("menagerie", help="Whose text encoder embeds; a card or a diffusers folder."),
    llm: str = typer.Option("gpt-4o-mini", help="Who is asked with --by llm (copycat ls llms) or a folder."),
    prompts: str = typer.Option("", help="A list of prompt sets; all of the registry's when empty."),
    neutral: Path | None = typer.Option(
        None, help="A JSONL file of neutral prompts; the registry's own when left out."
    ),
    out: Path = typer.Option(Path("results"), help="Folder for the report and the picture."),
) -> None:
    """Measure an input filter: ROC, sensitivity at 1 % and 5 % false positives, and what they are."""
    from copycat.cards.models import load_card
    from copycat.cli.parsing import items
    from copycat.io.atomic import write_bytes, write_text
    from copycat.mitigations.gate import GateOptions, measured
    from copycat.resolve import model_context
    from copycat.subjects.characters import load_registry

    people = load_registry(registry)
    context = model_context(load_card(model), people)
    found = measured(GateOptions(by=by, model=llm), context, items(prompts), neutral)
    report, picture = (out / f"gate-{people.name}-{by}.{ending}" for ending in ("json", "png"))
    write_text(report, found.report.model_dump_json(indent=1) + "\n")
    write_bytes(picture, found.picture())
    for line in found.report.lines():
        typer.echo(line)
    typer.echo(f"{report}, {picture}")
