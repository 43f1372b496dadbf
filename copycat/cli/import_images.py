"""`copycat import-images`: pictures made elsewhere as a run."""

from __future__ import annotations

from pathlib import Path

import typer


def import_images(
    folder: Path = typer.Argument(help="A folder of PNG, JPEG or WebP pictures."),
    table: Path | None = typer.Option(
        None,
        "--csv",
        help="CSV, TSV, JSONL or Parquet with columns file, character, prompt; FOLDER/metadata.csv or "
        "metadata.jsonl when left out.",
    ),
    registry: str = typer.Option(..., help="Character registry (copycat ls characters), or its file."),
    out: Path = typer.Option(..., help="The run folder to make."),
    model: str = typer.Option("imported", help="What to call the model that made them."),
    judge: str | None = typer.Option(
        None, help="A judge card (copycat ls judges); the usual one of the registry when left out."
    ),
) -> None:
    """Make a run of pictures made elsewhere, to be judged, scored and reported like any other."""
    from copycat.runs.importing import import_images as take
    from copycat.runtime.progress import for_stream

    run = take(folder, out, registry=registry, table=table, model=model, judge=judge, progress=for_stream())
    manifest = run.manifest()
    typer.echo(f"{len(run.request_journal.rows())} pictures of {manifest.model} in {run.path}")
    typer.echo(f"Next: copycat rejudge {run.path} --judge {manifest.config.judge}")
