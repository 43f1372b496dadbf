"""The folder of a dataset: which files in it are ours, and putting a newer one in their place."""

from __future__ import annotations

import json
import re
from pathlib import Path

from copycat.errors import RunConflict
from copycat.io.atomic import disk_guard

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

    Files that the older one's list does not name stay as they are. Raises RunConflict, before anything is
    changed, where such a file has the name of a new one. The list comes last: until then it is the older one,
    whose hashes tell that the folder is not whole, and the same call again completes it.
    """
    ours = owned(target)
    files = sorted((p.relative_to(new).as_posix() for p in new.rglob("*") if p.is_file()), key=_last)
    if (target / "data").is_symlink():
        raise RunConflict(f"{target / 'data'} is a link, behind which nothing is replaced; remove the link.")
    for file in files:
        if file not in ours and _differs(new / file, target / file):
            raise RunConflict(
                f"{target / file} is no file of the dataset that is there, and the new one has one of that "
                "name; move it away, or choose another folder."
            )
    with disk_guard(target / LIST):
        (target / "data").mkdir(exist_ok=True)
        for file in files:
            (new / file).replace(target / file)
        for file in ours - set(files):
            (target / file).unlink(missing_ok=True)


def _last(file: str) -> tuple[bool, str]:
    return file == LIST, file


def _differs(new: Path, there: Path) -> bool:
    """Whether something else has the name; a file of the same bytes is what an interrupted call put there."""
    if there.is_symlink() or there.is_dir():
        return True
    return there.is_file() and there.read_bytes() != new.read_bytes()
