"""`copycat lookup`: whether a name or a picture is in a data set, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from copycat.release.lookup import Found
    from copycat.release.shelf import Shelf

_PICTURES = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".svg"}
)
"""Ends of what is no name, but a picture that is not there."""


def lookup(
    what: str = typer.Argument(help="A name, or the path of a picture (PNG, JPEG or WebP)."),
    folder: Path | None = typer.Option(
        None, "--in", help="The folder of a data set or of a run; copycat's own data set when left out."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print what was found as one JSON object."),
) -> None:
    """Say whether a name or a picture is in copycat's data set, or in another, and how to have it removed.

    Exit code 0 whether it is there or not; 2 for a file that is no picture, or no such folder.
    """
    import json
    from dataclasses import asdict

    from copycat.audit.results import printable
    from copycat.errors import BadFile
    from copycat.io.paths import expand
    from copycat.release.lookup import look_up_name, look_up_picture
    from copycat.release.shelf import Shelf

    shelf = Shelf(expand(folder) if folder else None)
    path = expand(what)
    if path.is_file():
        found = look_up_picture(path, shelf)
    elif path.is_dir() and (what != path.name or path.suffix):
        raise BadFile(f"{what} is a folder; look its pictures up one by one.")
    elif path.suffix.lower() in _PICTURES:
        raise BadFile(f"There is no picture {what}.")
    else:
        found = look_up_name(what, shelf)
    if as_json:
        body = {"in": shelf.name, "found": found.there, **asdict(found), "removal": shelf.removal}
        typer.echo(json.dumps(body, indent=1, ensure_ascii=False))
        return
    for line in _lines(found, shelf):
        typer.echo(printable(line))


def _lines(found: Found, shelf: Shelf) -> Iterator[str]:
    what = f"“{found.asked}”" if found.names else f"the picture {found.asked}"
    if not found.there:
        yield f"No: {what} is not in {shelf.name}."
        if found.similar:
            yield f"Did you mean {' or '.join(found.similar)}?"
        elif not found.names:
            yield (
                "Looked for the same file, the same pixels and pictures that look alike; cut or mirrored "
                "ones are missed."
            )
    else:
        rows = sum(found.counts.values())
        places = f"{rows:,} place{'s' * (rows != 1)}"
        yield f"Yes: {what} is in {shelf.name}, in {places}."
        if len(found.names) > 1:
            yield f"Looked for all its names: {', '.join(found.names)}."
        for table, count in found.counts.items():
            yield f"  {table}: {count:,}"
            for hit in found.hits:
                if hit.table == table:
                    shown = f": {hit.shown}" if hit.shown else ""
                    yield f"    {hit.name}: {hit.how}{shown}"
        if found.protected:
            yield "Somebody holds rights in it, so there is no picture of it in copycat's own data set."
    if shelf.removal:
        yield shelf.removal
    for e in shelf.broken:
        yield f"Could not be read: {e.file} ({e.found})"
