"""`copycat robustness`: every guardrail under every attack, and what it costs everybody else."""

from __future__ import annotations

from pathlib import Path

import typer


def robustness(
    model: str = typer.Option("menagerie", help="A model card (copycat ls models) or a diffusers folder."),
    mitigations: str = typer.Option(
        "", help="A list of guardrails (copycat ls mitigations); one of each kind when empty."
    ),
    attacks: str = typer.Option(
        "random,typo,anchors,arc,udatk", help="A list of attacks with options (copycat ls attacks)."
    ),
    characters: str = typer.Option("", help="A list of characters to guard; chosen when empty."),
    erased: int = typer.Option(10, min=1, help="How many to choose, where none are named."),
    others: int = typer.Option(
        8, min=1, help="How many neighbours to leave alone, and unrelated characters."
    ),
    prompts: str = typer.Option("name", help="A list of prompt sets (copycat ls prompts)."),
    seeds: str = typer.Option("3", help="How many run seeds (0, 1, …), or a list: 0,1,5."),
    judge: str = typer.Option("", help="A judge card (copycat ls judges) or folder; the model's when empty."),
    registry: str = typer.Option("", help="The characters' registry; the model's own when empty."),
    device: str = typer.Option("auto", help="auto, cpu, cuda, cuda:N or mps."),
    max_cost: float | None = typer.Option(
        None, min=0.0, help="The most US dollars that hosted models may cost, in each of the two runs."
    ),
    out: Path = typer.Option(
        Path("results/robustness"), help="Folder for both runs, page, table and figure."
    ),
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Say what would be searched and drawn; write nothing."
    ),
) -> None:
    """Measure every guardrail under every attack, and what it costs neighbours and neutral prompts.

    Two runs beside one another, and a page made of their rows. The same command again resumes. See
    docs/attacks.md.
    """
    from rich.console import Console

    from copycat.cards.models import load_card
    from copycat.cli.parsing import items
    from copycat.cli.parsing import seeds as parse_seeds
    from copycat.report.terminal import say
    from copycat.robustness import Study, choose
    from copycat.robustness.cells import table
    from copycat.robustness.study import GUARDS
    from copycat.robustness.write import write
    from copycat.runtime.progress import for_stream
    from copycat.subjects.characters import load_registry

    people = load_registry(registry or load_card(model).registry)
    given = {"registry": registry or None, "judge": judge or None, "device": device, "max_cost": max_cost}
    study = Study(
        model=model,
        registry=people,
        people=choose(people, items(characters), erased, others),
        guards=items(mitigations) or GUARDS,
        attacks=items(attacks),
        out=out,
        seeds=parse_seeds(seeds),
        prompts=items(prompts),
        settings=given,
    )
    study.check()
    console = Console()
    if dry_run:
        study.plan(console, for_stream())
        return
    attacked, beside = study.run(console, for_stream())
    for path in write(study, table(study, attacked, beside), attacked, beside):
        say(console, str(path))
