"""`copycat prune`: empties the cache of pictures and answers."""

from __future__ import annotations

import time
from contextlib import suppress

import typer

_DAY = 86400
_HOUR = 3600
"""Seconds after which a file that was not finished is one that a killed process left."""


def prune(
    days: float = typer.Option(0, min=0, help="Keep what is younger than so many days; 0 keeps nothing."),
) -> None:
    """Forget pictures, answers and hashes of weights that were kept; runs themselves are not touched."""
    from copycat.io.atomic import disk_guard
    from copycat.io.store import PARTS, cache

    now, files, size = time.time(), 0, 0
    for store in map(cache, PARTS):
        kept_for = [(path, days * _DAY) for path in store.files()]
        kept_for += [(path, max(days * _DAY, _HOUR)) for path in store.leftovers()]
        for path, seconds in kept_for:
            # Another run may remove an entry, or give it its name, meanwhile.
            with disk_guard(path), suppress(FileNotFoundError):
                found = path.stat()
                if seconds == 0 or found.st_mtime < now - seconds:
                    path.unlink()
                    files, size = files + 1, size + found.st_size
    typer.echo(f"{files} files, {size / 1e9:.2f} GB, are gone.")
