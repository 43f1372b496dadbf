"""Many rows, with the columns that they are joined by at hand, and each row made when it is asked for."""

from __future__ import annotations

import io
import weakref
from abc import abstractmethod
from array import array
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from types import UnionType
from typing import Any, BinaryIO, Generic, Literal, TypeVar, Union, get_args, get_origin, overload

import msgspec
import numpy as np
from pydantic_core import to_json

from copycat.io.columns import PLAIN, Column, Growing, Ints
from copycat.io.jsonl import parse_lines
from copycat.io.quick import QuickDecoder, line_ends
from copycat.records import Row

R = TypeVar("R", bound=Row)
_CHUNK = 256 << 10
"""Bytes that are read and decoded at a time: so few that they and what is made of them stay in the cache of a
processor, which takes a tenth off the time for megabytes."""
_SMALL = 16 << 20
"""Bytes of a file that is kept in memory rather than open."""
_KEPT = 50_000
"""Rows that are kept once they were made; beyond that they are made anew."""


class Rows(Sequence[R]):
    """Rows of one kind. Equal to any sequence that has the same ones."""

    def __init__(self) -> None:
        self._columns: dict[str, Column] = {}

    def column(self, name: str) -> Column:
        """One of the columns that the kind of row lists as its `columns`."""
        if name not in self._columns:
            self._columns[name] = self._column(name)
        return self._columns[name]

    @abstractmethod
    def _column(self, name: str) -> Column:
        """As `column`, which asks once."""

    @abstractmethod
    def _row(self, number: int) -> R:
        """The row `number`, from 0 on."""

    def take(self, numbers: Ints) -> Rows[R]:
        """The rows with those `numbers`, in that order."""
        if len(numbers) == len(self) and (numbers == np.arange(len(self))).all():
            return self
        return _Some(self, numbers)

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[R]: ...
    def __getitem__(self, index: int | slice) -> R | Sequence[R]:
        if isinstance(index, slice):
            return [self._row(i) for i in range(*index.indices(len(self)))]
        number = index + len(self) if index < 0 else index
        if not 0 <= number < len(self):
            raise IndexError(f"there is no row {index}")
        return self._row(number)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{len(self)} rows>"


def as_rows(rows: Sequence[R]) -> Rows[R]:
    """`rows` with columns."""
    return rows if isinstance(rows, Rows) else HeldRows(rows)


class HeldRows(Rows[R]):
    """Rows that are objects already."""

    def __init__(self, rows: Sequence[R]) -> None:
        super().__init__()
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def _row(self, number: int) -> R:
        return self._rows[number]

    def _column(self, name: str) -> Column:
        growing = Growing(name)
        growing.add(self._rows, to_json)
        return growing.column(len(self._rows))


class _Some(Rows[R]):
    """Some rows of others."""

    def __init__(self, rows: Rows[R], numbers: Ints) -> None:
        super().__init__()
        self._rows, self._numbers = rows, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def _row(self, number: int) -> R:
        return self._rows[int(self._numbers[number])]

    def _column(self, name: str) -> Column:
        return self._rows.column(name).take(self._numbers)

    def take(self, numbers: Ints) -> Rows[R]:
        return self._rows.take(self._numbers[numbers])


class StoredRows(Rows[R]):
    """The rows that a file held at one moment."""

    def __init__(self, file: RowFile[R]) -> None:
        super().__init__()
        self._file, self._many = file, file.rows

    def __len__(self) -> int:
        return self._many

    def _row(self, number: int) -> R:
        return self._file.row(number)

    def _column(self, name: str) -> Column:
        return self._file.column(name, self._many)


class RowFile(Generic[R]):
    """The whole lines of a file, each checked to be a row: where they stand, and their columns.

    Lines may be added, which :meth:`add` is told, and another file may take the name of this one; nothing of
    what was read may change. A last line without its newline counts for nothing.
    """

    def __init__(self, path: Path, kind: type[R], what: str) -> None:
        """Read `path`, which may not exist. Raises BadFile, which names the line that is not `what`."""
        self._path, self._kind, self._what = path, kind, what
        self._columns = {n: Growing(n, plain=_is_plain(kind, n)) for n in kind.columns}
        self._starts, self._lengths = array("q"), array("q")
        self._made: dict[int, R] = {}
        self._lock = Lock()
        self._lines = 0
        self._lines_of: BinaryIO = io.BytesIO()
        self.whole = self.size = 0
        """Bytes up to the end of the last whole line, and in all."""
        if path.exists():
            self._read()

    @property
    def rows(self) -> int:
        """How many there are; blank lines are none."""
        return len(self._starts)

    def add(self, content: bytes) -> None:
        """Take in the whole lines `content`, which were written to the file after the last whole line."""
        with self._lock:
            if isinstance(self._lines_of, io.BytesIO):
                self._lines_of.seek(self.whole)
                self._lines_of.write(content)
            self._add(content)
            self.size = self.whole
            if self.size > _SMALL and isinstance(self._lines_of, io.BytesIO):
                self._hold(self._path.open("rb"))

    def _read(self) -> None:
        file = self._path.open("rb")
        self._hold(file)
        rest = b""
        while chunk := file.read(_CHUNK):
            rest += chunk
            whole = rest.rfind(b"\n") + 1
            if whole:
                self._add(rest[:whole])
                rest = rest[whole:]
        self.size = self.whole + len(rest)
        if self.size <= _SMALL:
            file.seek(0)
            self._lines_of = io.BytesIO(file.read(self.whole))
            file.close()

    def _hold(self, file: BinaryIO) -> None:
        """Keep `file` open for as long as rows may be asked for."""
        self._lines_of = file
        weakref.finalize(self, file.close)

    def row(self, number: int) -> R:
        """The row `number`, from 0 on."""
        made = self._made.get(number)
        if made is None:
            start = self._starts[number]
            with self._lock:
                self._lines_of.seek(start)
                line = self._lines_of.read(self._lengths[number])
            (made,) = parse_lines([line], self._path, self._kind, self._what)
            self._keep(number, made)
        return made

    def column(self, name: str, rows: int) -> Column:
        """The column `name` of the first so many `rows`."""
        return self._columns[name].column(rows)

    def _add(self, content: bytes) -> None:
        """Whole lines that begin where the others end."""
        decoder = _decoder(self._kind)
        ends = line_ends(content)
        rows: Sequence[Any] | None = decoder.decode(content, ends) if decoder else None
        many = len(ends)
        starts = np.concatenate(([0], ends[:-1] + 1))
        if rows is None:
            lines = content[:-1].split(b"\n")
            rows = parse_lines(lines, self._path, self._kind, self._what, self._lines + 1)
            filled = np.array([bool(line.strip()) for line in lines])
            starts, ends = starts[filled], ends[filled]
            for number, row in enumerate(rows, self.rows):
                self._keep(number, row)
            encode: Callable[[Any], bytes] = to_json
        else:
            encode = msgspec.json.encode
        for column in self._columns.values():
            column.add(rows, encode)
        self._starts.frombytes((starts + self.whole).astype(np.int64).tobytes())
        self._lengths.frombytes((ends - starts).astype(np.int64).tobytes())
        self._lines += many
        self.whole += len(content)

    def _keep(self, number: int, row: R) -> None:
        if len(self._made) >= _KEPT:
            self._made.clear()
        self._made[number] = row


def _is_plain(kind: type[Row], name: str) -> bool:
    """Whether a field's values are all text, integers or None."""
    told = kind.model_fields[name].annotation
    union = get_origin(told) in (Union, UnionType)
    return set(get_args(told) if union else (told,)) <= PLAIN or get_origin(told) is Literal


@cache
def _decoder(kind: type[Row]) -> QuickDecoder | None:
    """That of rows whose columns are wanted; None for others, of which there are never that many."""
    return QuickDecoder(kind) if kind.columns else None
