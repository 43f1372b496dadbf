"""`copycat dataset`: copycat's own data set, as a folder."""

from __future__ import annotations

from pathlib import Path

import typer


def dataset(
    to: Path = typer.Option(..., help="A new or empty folder to write it to."),
    contact: str = typer.Option(
        "", help="Where people turn to who want something removed: an e-mail address, or an https:// address."
    ),
) -> None:
    """Write copycat's characters, prompts, captions, pictures and results as a data set to publish.

    With card, datasheet, Croissant, licences, opt-outs and checksums; `copycat audit` passes it. Pictures of
    protected characters are not in it.
    """
    from copycat.release.declared import shipped_release
    from copycat.release.write import write
    from copycat.runtime.progress import for_stream

    release = shipped_release()
    parts = write(release, to, contact, for_stream())
    typer.echo(f"{release.title} {release.version}: {', '.join(f'{p.rows:,} {p.name}' for p in parts)}")
    for left in release.left_out:
        typer.echo(f"Left out: {left.what}.")
    typer.echo(f"Data set: {to}")
    typer.echo(f"Check it with: copycat audit {to}")
