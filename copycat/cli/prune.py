"""`copycat prune`: empties the cache of pictures and answers."""

from __future__ import annotations

import time

import typer

_DAY = 86400


def prune(
    days: float = typer.Option(0, min=0, help="Keep what is younger than so many days; 0 keeps nothing."),
) -> None:
    """Forget pictures and answers that were kept for other runs; runs themselves are not touched."""
    from copycat.io.atomic import disk_guard
    from copycat.io.store import ANSWERS, PICTURES, cache

    before, files, size = time.time() - days * _DAY, 0, 0
    for store in map(cache, (PICTURES, ANSWERS)):
        for path in list(store.files()):
            found = path.stat()
            if days == 0 or found.st_mtime < before:
                with disk_guard(path):
                    path.unlink()
                files, size = files + 1, size + found.st_size
    typer.echo(f"{files} files, {size / 1e9:.2f} GB, are gone.")
