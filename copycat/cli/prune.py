"""`copycat prune`: empties the cache."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress

import typer

_DAY = 86400
_HOUR = 3600
"""Seconds after which what was not finished is what a killed process left."""


def prune(
    days: float = typer.Option(0, min=0, help="Keep what is younger than so many days; 0 keeps nothing."),
    only: str = typer.Option(
        "", help="A list of what to forget: pictures, answers, file-hashes, references, edits, attacks, "
        "conditioning, replies. Without it all but replies, which runs that were begun may need.",
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would go, and remove nothing."),
) -> None:  # fmt: skip
    """Forget what was kept to be used again: pictures, answers, hashes of files, galleries of references,
    changes to weights, what attacks found, embeddings, and, if named, replies of language models.

    Runs themselves are not touched.
    """
    from copycat.cli.parsing import items
    from copycat.errors import UnknownName
    from copycat.io.cached import KINDS, REPLIES, entries

    chosen = items(only) or tuple(k for k in KINDS if k != REPLIES)
    for kind in chosen:
        if kind not in KINDS:
            raise UnknownName("kind of kept things", kind, KINDS)
    now, files, size, gone = time.time(), 0, 0, Counter[str]()
    for kind in chosen:
        for entry in entries(kind):
            seconds = days * _DAY if entry.whole else max(days * _DAY, _HOUR)
            if seconds and entry.changed >= now - seconds:
                continue
            # Another run may remove an entry, or give it its name, meanwhile.
            with suppress(FileNotFoundError):
                if not dry_run:
                    entry.remove()
                files, size = files + entry.files, size + entry.size
                gone[kind] += 1
    kinds = ", ".join(f"{number} {KINDS[kind].title}" for kind, number in gone.items())
    told = f"{files} files, {size / 1e9:.2f} GB, {'would go' if dry_run else 'are gone'}"
    typer.echo(f"{told}: {kinds}." if kinds else f"{told}.")
    stays = [] if REPLIES in chosen else list(entries(REPLIES))
    if stays:
        typer.echo(
            f"The replies of language models stay ({sum(e.size for e in stays) / 1e6:.1f} MB), since a run "
            "that was begun with them goes on with the same words only; --only replies forgets them."
        )
