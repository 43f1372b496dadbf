"""`copycat reproduce`: Tables 1 and 2 of the paper on real models, for somebody with a GPU."""

from __future__ import annotations

from pathlib import Path

import typer


def reproduce(
    models: str = typer.Option("playground@paper,sdxl@paper", help="A list of models (copycat ls models)."),
    table1: str | None = typer.Option(
        None, help="Which of them get Table 1 too, 22 conditions instead of 2; the first when left out."
    ),
    out: Path = typer.Option(Path("results/reproduce"), help="Folder for runs, tables, dataset and rows."),
    registry: str = typer.Option("", help="Character registry; the models' own when empty."),
    corpus: str = typer.Option(
        "", help="Captions for the rankings by co-occurrence, where there is none yet."
    ),
    seeds: str = typer.Option("3", help="How many run seeds (0, 1, …), or a list: 0,1,5."),
    characters: str = typer.Option("", help="A list of names, aliases or slugs; all when empty."),
    limit: int | None = typer.Option(None, min=1, help="Only the first so many characters."),
    judge: str = typer.Option("", help="A judge card or folder; the models' own when empty."),
    device: str = typer.Option("auto", help="cpu, cuda, mps; auto takes the best there is."),
    steps: int | None = typer.Option(None, min=1, help="Sampling steps; the model cards' when left out."),
    by: str = typer.Option("", help="Who runs it, as the leaderboard will name them."),
    yes: bool = typer.Option(False, "--yes", help="Begin without asking."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would be done, and write nothing."),
) -> None:
    """Say what Tables 1 and 2 cost, run them resumably, and leave what can be published beside the paper."""
    import sys

    from rich.console import Console

    from copycat.cli.parsing import items
    from copycat.cli.parsing import seeds as parse_seeds
    from copycat.errors import UserError
    from copycat.reproduce.cost import told
    from copycat.reproduce.jobs import jobs
    from copycat.reproduce.run import Reproduction
    from copycat.runtime.progress import for_stream

    wanted = items(models)
    settings = {
        "seeds": parse_seeds(seeds),
        "characters": items(characters) or None,
        "limit": limit,
        "judge": judge or None,
        "device": device,
        "steps": steps,
    }
    more = wanted[:1] if table1 is None else items(table1)
    whole = Reproduction(jobs(wanted, more, out, registry or None, settings), out, corpus or None, by)
    whole.check_offered()
    for line in (*told(whole.costs()), *whole.lacking()):
        typer.echo(line)
    if dry_run:
        whole.plan(Console(), for_stream())
        return
    whole.check()
    if not yes:
        if not sys.stdin.isatty():
            raise UserError(
                "Nothing was begun: say --yes (YES=1 with make) once you have read what it takes."
            )
        typer.confirm("Go on?", abort=True)
    whole.prepare(typer.echo)
    whole.run(Console(), for_stream())
