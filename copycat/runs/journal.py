"""Append-only JSONL: one row a line, on disk before `append` returns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import ValidationError

from copycat.atomic import disk_guard
from copycat.errors import BadFile
from copycat.records import Row

R = TypeVar("R", bound=Row)


class Journal(Generic[R]):
    """Rows of one type in one file."""

    def __init__(self, path: Path, kind: type[R]) -> None:
        self.path, self._kind = path, kind

    def append(self, rows: Sequence[R]) -> None:
        """Add `rows` in one write, flushed to disk. Mends a torn tail first, so that lines never merge."""
        if not rows:
            return
        self.repair()
        content = "".join(f"{r.model_dump_json()}\n" for r in rows).encode("utf-8")
        with disk_guard(self.path), self.path.open("ab") as f:
            f.write(content)
            f.flush()
            os.fsync(f.fileno())

    def replay(self) -> list[R]:
        """All whole rows. A last line without its newline was cut off and is left out."""
        if not self.path.exists():
            return []
        *lines, _torn = self.path.read_bytes().split(b"\n")
        rows = []
        for number, line in enumerate(lines, 1):
            try:
                rows.append(self._kind.model_validate_json(line))
            except ValidationError as e:
                reason = e.errors()[0]["msg"]
                raise BadFile(f"{self.path}, line {number}: not a valid row ({reason}).") from e
        return rows

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
