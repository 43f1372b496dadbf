"""`copycat import-registry`: characters of one's own from a table or a data set."""

from __future__ import annotations

from pathlib import Path

import typer


def import_registry(
    source: str = typer.Argument(
        help="A CSV, TSV, JSONL or Parquet file, a data set's folder, or user/name[@revision] on the hub."
    ),
    out: Path = typer.Option(..., help="The registry file to write, a .yaml."),
    name: str | None = typer.Option(None, help="The registry's name; the table's own, or the file's."),
) -> None:
    """Make a registry file of a table of characters, to be read over before it is used."""
    from copycat.subjects.importing import import_registry as take

    registry = take(source, out, name)
    typer.echo(f"{len(registry)} characters of {registry.name} in {out}")
    typer.echo(f"Next: copycat run --registry {out} --model … --judge …")
