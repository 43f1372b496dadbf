"""Results files: entries as JSON lines, which are read, checked and kept in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from copycat.errors import BadFile
from copycat.io import atomic
from copycat.io.jsonl import read_lines
from copycat.leaderboard.entry import Entry

FOLDER = Path("results") / "leaderboard"
WHAT = "a result as `copycat leaderboard add` writes them"


def read(paths: Sequence[Path]) -> list[Entry]:
    """The entries of results files, and of the `*.jsonl` in folders; each key's latest one.

    Raises BadFile for what is neither, and for a line that is no entry.
    """
    found: dict[str, Entry] = {}
    for file in _files(paths):
        for entry in read_lines(file, Entry, WHAT):
            earlier = found.get(entry.key)
            if earlier is None or earlier.date <= entry.date:
                found[entry.key] = entry
    return list(found.values())


def add(path: Path, new: Iterable[Entry]) -> tuple[int, int]:
    """Write `new` into the results file at `path`; returns how many were added and how many replaced.

    The file is sorted, so that the same entries give the same file.
    """
    kept = {e.key: e for e in read_lines(path, Entry, WHAT)} if path.exists() else {}
    before = set(kept)
    made = {e.key: e for e in new}
    kept |= made
    ordered = sorted(
        kept.values(), key=lambda e: (*e.board, e.model, e.prompt_set, e.mitigation, e.submitted_by, e.key)
    )
    atomic.write_text(path, "".join(f"{e.model_dump_json()}\n" for e in ordered))
    return len(made.keys() - before), len(made.keys() & before)


def _files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(path.glob("*.jsonl"))
        elif path.is_file():
            files.append(path)
        else:
            raise BadFile(f"{path} does not exist; name results files, or a folder with some.")
    return files
