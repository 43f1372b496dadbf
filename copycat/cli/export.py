"""`copycat export`: results in the formats in which others collect them."""

from __future__ import annotations

from pathlib import Path

import typer


def export(
    runs: list[str] = typer.Argument(help="Run folders, or their names under results/."),
    to: str = typer.Option(
        help="The format: eee (Every Eval Ever), hub-eval (the hub's evaluation results), croissant."
    ),
    out: Path = typer.Option(help="Folder to write; an earlier export there is replaced."),
    dataset: str = typer.Option(
        "", help="The dataset of the hub that the runs are published as: user/name or user/name@REVISION."
    ),
    by: str = typer.Option("", help="Who ran them, as the record will name them."),
    relationship: str = typer.Option(
        "other", help="Whether they made the model too: first_party, third_party, collaborative or other."
    ),
    licence: str = typer.Option("cc-by-4.0", "--license", help="Licence of the rows, of croissant."),
) -> None:
    """Write runs in a format in which others collect results; reads rows only. See docs/export.md."""
    from typing import get_args

    from copycat.cli.folders import opened
    from copycat.cli.parsing import licence as parse_licence
    from copycat.errors import UnknownName
    from copycat.export.base import CATALOG, Relationship, Told
    from copycat.export.folder import check_target, filled
    from copycat.publish.collect import collect
    from copycat.publish.remote import hub_dataset
    from copycat.runtime.progress import for_stream

    chosen = CATALOG.get(to)
    if relationship not in get_args(Relationship):
        raise UnknownName("relationship", relationship, get_args(Relationship))
    named = hub_dataset(dataset) if dataset else None
    told = Told(by, relationship, named)  # type: ignore[arg-type]
    check_target(out)
    repository = named.repository if named else None
    publication = collect(
        [opened(r) for r in runs], licence=parse_licence(licence), creator=by, repository=repository
    )
    with filled(out, chosen.name) as folder:
        left_out = chosen.write(publication, told, folder, for_stream())
        count = sum(p.is_file() for p in folder.rglob("*"))
    for sentence in left_out:
        typer.echo(sentence, err=True)
    typer.echo(f"{count} files of {chosen.about}: {out}")
