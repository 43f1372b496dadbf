"""Append-only JSONL: one row a line, on disk before `append` returns."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from copycat.io.atomic import disk_guard, write_text
from copycat.io.jsonl import parse_lines
from copycat.io.secrets import clean_all
from copycat.records import Row

R = TypeVar("R", bound=Row)


class Journal(Generic[R]):
    """Rows of one type in one file, which is read once as long as nobody else writes to it."""

    def __init__(self, path: Path, kind: type[R]) -> None:
        self.path, self._kind = path, kind
        self._read: tuple[int, list[R]] | None = None
        """Size of the file in bytes, and the rows that it held then."""

    def append(self, rows: Sequence[R]) -> None:
        """Add `rows` in one write, flushed to disk. Mends a torn tail first, so that lines never merge.

        Keys that a server sent back are not kept, see :mod:`copycat.io.secrets`.
        """
        if not rows:
            return
        rows = clean_all(rows)
        self.repair()
        known = self.rows()
        content = "".join(f"{r.model_dump_json()}\n" for r in rows).encode("utf-8")
        with disk_guard(self.path), self.path.open("ab") as f:
            f.write(content)
            f.flush()
            os.fsync(f.fileno())
            self._read = f.tell(), [*known, *rows]

    def replace(self, rows: Iterable[R]) -> None:
        """Make `rows` all that the file holds."""
        write_text(self.path, "".join(f"{r.model_dump_json()}\n" for r in rows))
        self._read = None

    def rows(self) -> list[R]:
        """All whole rows. A last line without its newline was cut off and is left out."""
        size = self.path.stat().st_size if self.path.exists() else 0
        if self._read is None or self._read[0] != size:
            self._read = size, self._parse() if size else []
        return list(self._read[1])

    def _parse(self) -> list[R]:
        *lines, _torn = self.path.read_bytes().split(b"\n")
        return parse_lines(lines, self.path, self._kind, "a valid row")

    def repair(self) -> None:
        """Cut off a torn last line. Only the run's owner may call this; readers just ignore the line."""
        if not self.path.exists():
            return
        with disk_guard(self.path), self.path.open("rb+") as f:
            size = f.seek(0, os.SEEK_END)
            if size == 0:
                return
            f.seek(size - 1)
            if f.read(1) != b"\n":
                f.seek(0)
                f.truncate(f.read().rfind(b"\n") + 1)
                os.fsync(f.fileno())
