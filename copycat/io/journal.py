"""Append-only JSONL: one row a line, on disk before `append` returns."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import ValidationError

from copycat.errors import UserError, first_fault, first_line
from copycat.io.atomic import disk_guard, write_text
from copycat.io.rows import RowFile, Rows, StoredRows
from copycat.io.secrets import clean
from copycat.records import Row

R = TypeVar("R", bound=Row)


class Journal(Generic[R]):
    """Rows of one type in one file, which is read once as long as nobody else writes to it."""

    def __init__(self, path: Path, kind: type[R]) -> None:
        self.path, self._kind = path, kind
        self._read: RowFile[R] | None = None

    def append(self, rows: Sequence[R]) -> None:
        """Add `rows` in one write, flushed to disk. Mends a torn tail first, so that lines never merge.

        Each line is read back before any is written. For a row that would not come back, what
        :meth:`copycat.records.Row.failed` makes of it is written; UserError where it makes nothing. Keys
        that a server sent back are not kept, see :mod:`copycat.io.secrets`.
        """
        if not rows:
            return
        content = "".join(map(self._written, rows)).encode("utf-8")
        self.repair()
        known = self._known()
        with disk_guard(self.path), self.path.open("ab") as f:
            f.write(content)
            f.flush()
            os.fsync(f.fileno())
        known.add(content)

    def replace(self, rows: Iterable[R]) -> None:
        """Make `rows` all that the file holds."""
        write_text(self.path, "".join(map(self._written, rows)))
        self._read = None

    def _written(self, row: R) -> str:
        """The line of `row`, or of what stands for it."""
        try:
            return self._line(clean(row))
        except (ValueError, TypeError, RecursionError) as e:
            fault = f"{type(row).__name__} cannot be kept as it is ({_fault(e)})"
            instead = row.failed(f"the {fault}")
            if instead is None:
                raise UserError(f"{self.path}: a {fault}; nothing was written.") from e
            return self._line(clean(instead))

    def _line(self, row: R) -> str:
        """`row` as JSON that reads back; ValueError, TypeError or RecursionError for one that does not.

        Rows are checked when they are made, but not where a copy of one has other values.
        """
        # pydantic would warn of a value of another type, which reading it back refuses.
        line = row.model_dump_json(warnings="none")
        self._kind.model_validate_json(line)
        return f"{line}\n"

    def rows(self) -> Rows[R]:
        """All whole rows, as they are now. A last line without its newline was cut off and is left out.

        Raises BadFile for a line that is no row.
        """
        return StoredRows(self._known())

    def _known(self) -> RowFile[R]:
        size = self.path.stat().st_size if self.path.exists() else 0
        if self._read is None or self._read.size != size:
            self._read = RowFile(self.path, self._kind, "a valid row")
        return self._read

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


def _fault(error: Exception) -> str:
    return first_fault(error) if isinstance(error, ValidationError) else first_line(error)
