"""Where shipped data lies, and what a relative path in a file means.

Shipped data lies beside the package in a checkout, and inside it in an installed wheel.
"""

from __future__ import annotations

import os
from pathlib import Path

from copycat.errors import UserError

PACKAGE = Path(__file__).resolve().parents[1]
_BUNDLED = PACKAGE / "_shipped"

ROOT = _BUNDLED if _BUNDLED.is_dir() else PACKAGE.parent
"""Folder that holds `data/` and `prompts/`."""
DATA = ROOT / "data"
PROMPTS = ROOT / "prompts"


def expand(path: str | Path) -> Path:
    """`path` with the home folder that a leading `~` or `~user` means; UserError where there is none."""
    try:
        return Path(path).expanduser()
    except RuntimeError as e:
        raise UserError(
            f"There is no home folder for {Path(path).parts[0]}, so {path} is no path; write it in full."
        ) from e


def cache_folder() -> Path:
    """What can be computed or asked again: `$COPYCAT_CACHE`, by default `.copycat` in the working folder, as
    `results` is."""
    return expand(os.environ.get("COPYCAT_CACHE") or ".copycat")


def locate(text: str, file: Path) -> str:
    """The absolute path that `file` means by `text`, in which `~` is the user's home.

    In a shipped file it is relative to `data/`. In any other it is relative to the file's own folder, or to
    `data/` where only that has it, as files were written before.
    """
    shipped = file.resolve().is_relative_to(DATA)
    folders = [DATA] if shipped else [file.absolute().parent, DATA]
    told = expand(text)
    places = [Path(os.path.normpath(folder / told)) for folder in folders]
    return str(next((p for p in places if p.exists()), places[0]))


def locate_unless_name(text: str, file: Path) -> str:
    """As `locate` where `text` says a YAML file or a folder, such as `./judge`; a plain name stays as it is.

    What lies nowhere stays too, and is then looked for from the working folder.
    """
    if Path(text).suffix not in {".yaml", ".yml"} and "/" not in text:
        return text
    path, options, more = text.partition("[")
    found = locate(path, file)
    return f"{found}{options}{more}" if Path(found).exists() else text


def check_writable(folder: Path) -> Path:
    """`folder`; raises UserError for one inside an installed package, into which nothing is ever written."""
    if folder.resolve().is_relative_to(PACKAGE):
        raise UserError(
            f"{folder} belongs to the installed copycat, which is never changed; run this in a checkout of "
            "copycat, or name another folder."
        )
    return folder
