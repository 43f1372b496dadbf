"""`copycat rejudge`: another judge on pictures that are there."""

from __future__ import annotations

from pathlib import Path

import typer


def rejudge(
    run: str = typer.Argument(help="A run folder, or its name under results/."),
    judge_name: str = typer.Option(..., "--judge", help="A judge card (copycat ls judges) or folder."),
    out: Path | None = typer.Option(
        None, help="A new run folder for the result; the run itself when left out."
    ),
    device: str = typer.Option("auto", help="cpu, cuda, mps; auto takes the best there is."),
    engine: str | None = typer.Option(
        None, help="local or ray: where to ask a judge that runs here; where the run was drawn when left out."
    ),
    address: str | None = typer.Option(None, help="host:port of the Ray cluster's head, or auto."),
    concurrency: int | None = typer.Option(
        None, min=1, help="Calls in flight to a hosted judge; its card's when left out."
    ),
    max_cost: float | None = typer.Option(
        None, help="Dollars that the run's hosted calls may cost; no call passes it (docs/costs.md)."
    ),
    cache: bool | None = typer.Option(
        None,
        "--cache/--no-cache",
        help="Take a hosted judge's answers from the cache and keep them there; on when left out.",
    ),
) -> None:
    """Judge, score and report anew with another judge, and show its figures beside the earlier ones."""
    from rich.console import Console

    from copycat.cli.folders import opened
    from copycat.runtime.progress import for_stream
    from copycat.stages.rejudge import print_rejudged
    from copycat.stages.rejudge import rejudge as stage

    found = stage(
        opened(run),
        judge_name,
        out=out,
        progress=for_stream(),
        device=device,
        concurrency=concurrency,
        max_cost=max_cost,
        reuse=cache,
        engine=engine,
        address=address,
    )
    print_rejudged(Console(), found)
