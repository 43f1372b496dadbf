"""The folder of a dataset: which files in it are ours, and putting a newer one in their place."""

from __future__ import annotations

import json
import re
from pathlib import Path

from copycat.errors import RunConflict
from copycat.io import owned as owned_files

LIST, CROISSANT, CARD = "publication.json", "croissant.json", "README.md"
_DATA = re.compile(r"data/[A-Za-z0-9_-]+\.parquet")


def check_target(target: Path) -> None:
    """Raise RunConflict for a folder that holds anything but an earlier dataset of ours."""
    if target.exists() and not target.is_dir():
        raise RunConflict(f"{target} is a file; choose another folder.")
    if target.is_dir() and any(target.iterdir()):
        if not (target / LIST).is_file():
            raise RunConflict(
                f"{target} holds files that are no dataset of copycat's; choose another folder."
            )
        owned(target)


def owned(target: Path) -> set[str]:
    """The files of the dataset in `target`, by what its own list says; RunConflict where that cannot be read.

    A list may come from elsewhere, so that only files which a dataset can have are taken for its.
    """
    try:
        files = set(json.loads((target / LIST).read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as e:
        raise RunConflict(
            f"{target / LIST} is no list of what copycat published; choose another folder."
        ) from e
    return {f for f in files if isinstance(f, str) and _DATA.fullmatch(f)} | {LIST, CROISSANT, CARD}


def replace(new: Path, target: Path) -> None:
    """Move the dataset in `new` into `target`, which holds an older one, of which nothing stays.

    Files that the older one's list does not name stay as they are; see :func:`copycat.io.owned.replace`.
    """
    owned_files.replace(new, target, owned(target), LIST, "dataset")
