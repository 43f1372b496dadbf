"""`copycat prune`: empties the cache."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress

import typer

_DAY = 86400


def prune(
    days: float = typer.Option(0, min=0, help="Keep what is younger than so many days; 0 keeps nothing."),
    only: str | None = typer.Option(
        None, help="A list of what to forget: pictures, answers, file-hashes, references, edits, attacks, "
        "conditioning, replies. Without it all but attacks and replies, which runs that were begun may need.",
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would go, and remove nothing."),
) -> None:  # fmt: skip
    """Forget what was kept to be used again: pictures, answers, hashes of files, galleries of references,
    changes to weights, embeddings, and, if named, what attacks found and replies of language models.

    Runs themselves are not touched.
    """
    from copycat.cli.parsing import items
    from copycat.errors import UnknownName, UserError
    from copycat.io.cached import HOUR, KINDS, entries

    chosen = (
        tuple(k for k in KINDS if not KINDS[k].begun) if only is None else tuple(dict.fromkeys(items(only)))
    )
    if not chosen:
        raise UserError(f"--only names nothing; say what to forget ({', '.join(KINDS)}), or leave it out.")
    for kind in chosen:
        if kind not in KINDS:
            raise UnknownName("kind of kept things", kind, KINDS)
    now, files, size, gone = time.time(), 0, 0, Counter[str]()
    for kind in chosen:
        for entry in entries(kind):
            seconds = max(days * _DAY, KINDS[kind].waits if entry.whole else HOUR)
            if seconds and entry.changed >= now - seconds:
                continue
            # Another run may remove an entry, or give it its name, meanwhile.
            with suppress(FileNotFoundError):
                if not dry_run:
                    entry.remove()
                files, size = files + entry.files, size + entry.size
                gone[kind] += 1
    kinds = ", ".join(f"{number} {KINDS[kind].title}" for kind, number in gone.items())
    told = f"{files} {'file' if files == 1 else 'files'}, {size / 1e9:.2f} GB, "
    told += "would go" if dry_run else "is gone" if files == 1 else "are gone"
    typer.echo(f"{told}: {kinds}." if kinds else f"{told}.")
    stays = {} if only else {k: list(entries(k)) for k in KINDS if KINDS[k].begun}
    stays = {k: found for k, found in stays.items() if found}
    if stays:
        megabytes = sum(e.size for found in stays.values() for e in found) / 1e6
        typer.echo(
            f"All {' and '.join(KINDS[k].title for k in stays)} stay ({megabytes:.1f} MB), since a run that "
            f"was begun with them goes on with the same ones only; --only {','.join(stays)} forgets them."
        )
