"""`copycat attack`: how readily attacks bring characters back past guardrails."""

from __future__ import annotations

from pathlib import Path

import typer


def attack(
    attack: str = typer.Option("udatk", help="A list of attacks with options (copycat ls attacks)."),
    model: str = typer.Option("menagerie", help="A model card, or a diffusers folder such as an erased one."),
    mitigation: str = typer.Option("none", help="A list of guardrails to attack (copycat ls mitigations)."),
    characters: str = typer.Option("", help="A list of names, aliases or slugs; all when empty."),
    prompts: str = typer.Option("name", help="A list of prompt sets (copycat ls prompts)."),
    seeds: str = typer.Option("1", help="How many run seeds (0, 1, …), or a list: 0,1,5."),
    limit: int | None = typer.Option(None, min=1, help="Only the first so many characters."),
    judge: str = typer.Option("", help="A judge card (copycat ls judges) or folder; the model's when empty."),
    registry: str = typer.Option("", help="The characters' registry; the model's own when empty."),
    device: str = typer.Option("auto", help="auto, cpu, cuda, cuda:N or mps."),
    max_cost: float | None = typer.Option(
        None, min=0, help="Dollars that the run's hosted calls may cost; no call passes it (docs/costs.md)."
    ),
    out: Path | None = typer.Option(None, help="The run folder; derived from the settings when left out."),
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Say how many searches there would be, and their budget; write nothing."
    ),
) -> None:
    """Attack a model and its guardrails: a run with and without each attack, and a table of the two.

    What was searched is kept; the same command again resumes. See docs/attacks.md.
    """
    from rich.console import Console

    from copycat.cli.parsing import items
    from copycat.cli.parsing import seeds as parse_seeds
    from copycat.resolve import resolve_settings
    from copycat.runtime.progress import for_stream
    from copycat.stages.run import execute

    found = resolve_settings(
        model=model,
        registry=registry or None,
        mitigations=items(mitigation) or None,
        attacks=("none", *items(attack)),
        prompts=items(prompts),
        seeds=parse_seeds(seeds),
        characters=items(characters) or None,
        limit=limit,
        judge=judge or None,
        device=device,
        max_cost=max_cost,
        out=out,
    )
    execute(Console(), found, for_stream(), dry_run=dry_run)
