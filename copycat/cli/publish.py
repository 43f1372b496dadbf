"""`copycat publish`: runs as a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from copycat.publish.collect import Publication
    from copycat.publish.tables import File


def publish(
    runs: list[str] = typer.Argument(help="Run folders, or their names under results/."),
    repo: str = typer.Option("", help="A dataset on the hub: user/name. It is made where it is not there."),
    to: Path | None = typer.Option(None, help="A folder to write the dataset to; needs no network."),
    images: bool = typer.Option(False, "--images", help="Publish the pictures too."),
    right: bool = typer.Option(
        False,
        "--i-have-the-right-to-publish-these",
        help="Your word that pictures of protected characters may be published.",
    ),
    rater_names: bool = typer.Option(
        False, "--rater-names", help="Name the raters of labels; left out, each goes by a pseudonym."
    ),
    title: str = typer.Option("", help="The dataset's title; the run's name when empty."),
    licence: str = typer.Option(
        "cc-by-4.0", "--license", help="Licence of the rows, as the hub writes licences."
    ),
    creator: str = typer.Option("", help="Who publishes; the user of --repo when empty."),
    private: bool = typer.Option(False, "--private", help="Make a new dataset on the hub private."),
) -> None:
    """Write runs as a dataset of Parquet tables with a card, to a folder or to the hub."""
    import tempfile

    from copycat.cli.folders import opened
    from copycat.cli.parsing import licence as parse_licence
    from copycat.errors import UserError
    from copycat.publish import remote
    from copycat.publish.collect import collect
    from copycat.publish.target import check_target
    from copycat.publish.write import write
    from copycat.runtime.progress import for_stream

    if not repo and to is None:
        raise UserError("Say where to publish: --repo user/name for the hub, or --to FOLDER.")
    repository = None
    if repo:
        wanted = remote.hub_dataset(repo)
        if wanted.revision:
            raise UserError(f"Publishing makes a new revision; write {wanted.repository} without @.")
        repository = wanted.repository
        remote.check_token()
    if to is not None:
        check_target(to)
    publication = collect(
        [opened(r) for r in runs],
        pictures=images,
        right=right,
        title=title,
        licence=parse_licence(licence),
        creator=creator,
        repository=repository,
        rater_names=rater_names,
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = to or Path(scratch) / "dataset"
        _tell(publication, write(publication, folder, progress=for_stream()))
        if to is not None:
            typer.echo(f"Dataset: {folder}")
        if repository:
            message = f"Publish {publication.title}"
            commit = remote.upload(folder, repository, message, private=private)
            typer.echo(f"Published: {repository}@{commit}")
            typer.echo(f"Anyone can have it back with: copycat pull {repository}@{commit}")


def _tell(publication: Publication, files: list[File]) -> None:
    from copycat.publish.card import pictures_sentence, raters_sentence

    counts = (f"{sum(f.rows for f in files if f.table is t)} {t.name}" for t in publication.tables)
    typer.echo(f"{len(publication.runs)} run{'s' * (len(publication.runs) > 1)}: {', '.join(counts)}")
    typer.echo(pictures_sentence(publication))
    if told := raters_sentence(publication):
        typer.echo(told)
    if left_out := publication.people.left_out:
        typer.echo(
            f"{left_out} labels are of pictures that these runs do not hold, and are left out.", err=True
        )
