"""Files that show results: CSV, and folders that hold nothing else."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from copycat.errors import RunConflict
from copycat.io.atomic import temporary_name, write_bytes
from copycat.io.spreadsheets import as_text


def csv_content(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as the content of a CSV file; what a row lacks is empty, and what is no column is an error.

    Text that a spreadsheet would take for a formula begins with an apostrophe, see :func:`as_text`.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: as_text(v) for k, v in row.items()} for row in rows)
    return out.getvalue()


def check_free(folder: Path, ours: Collection[str], what: str) -> None:
    """Raise RunConflict where `folder` holds anything but files called as `ours`, which make a `what`."""
    if folder.exists() and not folder.is_dir():
        raise RunConflict(f"{folder} is a file; choose another output folder.")
    cut_off = map(temporary_name, ours)
    strangers = {p.name for p in folder.iterdir()} - {*ours, *cut_off} if folder.is_dir() else set()
    if strangers:
        raise RunConflict(
            f"{folder} holds files that are no {what} (such as {min(strangers)}); "
            "choose another output folder."
        )


def replace_files(folder: Path, files: Mapping[str, bytes], ours: Collection[str]) -> None:
    """Write `files` by name into `folder`, and remove those of `ours` that are not among them."""
    for name, content in files.items():
        write_bytes(folder / name, content)
    for name in set(ours) - files.keys():
        (folder / name).unlink(missing_ok=True)
