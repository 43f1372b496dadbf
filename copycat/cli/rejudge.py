"""`copycat rejudge`: another judge on pictures that are there."""

from __future__ import annotations

from pathlib import Path

import typer

from copycat.cli.asking import Address, Batch, Cache, Concurrency, Device, Engine, MaxCost, RunArgument


def rejudge(
    run: RunArgument,
    judge_name: str = typer.Option(..., "--judge", help="A judge card (copycat ls judges) or folder."),
    out: Path | None = typer.Option(
        None, help="A new run folder for the result; the run itself when left out."
    ),
    device: Device = "auto",
    engine: Engine = None,
    address: Address = None,
    concurrency: Concurrency = None,
    max_cost: MaxCost = None,
    cache: Cache = None,
    batch: Batch = False,
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
        batch=batch,
    )
    print_rejudged(Console(), found)
