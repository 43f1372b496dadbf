"""What searches came to, on disk: none is made twice, and a run that is begun again finds what it had."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from copycat.attacks.attacked import Outcome
from copycat.attacks.base import Found
from copycat.cards.hooks import Conditioning
from copycat.errors import BadFile, first_fault
from copycat.io.atomic import write_text
from copycat.io.cached import ATTACKS, FOUND
from copycat.io.documents import read_text
from copycat.io.paths import cache_folder
from copycat.records import Row


class Kept(Row):
    """One outcome, with what it is of."""

    attack: str
    """Name, version and options."""
    model: str
    guard: str
    character: str
    asked: str
    """The prompt before anything shaped it."""
    seconds: float
    found: Found


def folder_of(key: str) -> Path:
    """Where the outcome of the search with that identity lies; missing before it is there."""
    return cache_folder() / ATTACKS / key


def read(key: str) -> Outcome | None:
    """What was kept under `key`. Raises BadFile for a file that cannot be read as that."""
    folder = folder_of(key)
    if not (folder / FOUND).is_file():
        return None
    try:
        kept = Kept.model_validate_json(read_text(folder / FOUND))
    except ValidationError as e:
        raise BadFile(
            f"{folder / FOUND} is not what an attack found ({first_fault(e)}); delete the folder, and it is "
            "searched again."
        ) from e
    sha = kept.found.conditioning
    return Outcome(kept.found, Conditioning.read(folder, sha) if sha else None, kept.seconds)


def write(key: str, outcome: Outcome, **told: str) -> None:
    """Keep `outcome` under `key`; `told` are the other fields of :class:`Kept`."""
    folder = folder_of(key)
    if outcome.conditioning is not None:
        outcome.conditioning.write(folder)
    kept = Kept(found=outcome.found, seconds=round(outcome.seconds, 2), **told)
    # Last: where it stands, the outcome is whole.
    write_text(folder / FOUND, kept.model_dump_json(indent=2) + "\n")
