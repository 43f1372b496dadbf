"""Sorted tables on disk, of which one value's rows are read at a time; and many of them merged in stages.

A table is sorted by its first column, a number. The rows of each value are one record batch of an Arrow file,
whose schema lists the values. So however many tables a corpus has, a few are open at a time, and of each of
these one batch is in memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from copycat.io.atomic import disk_guard

FAN_IN = 64
"""Tables that are open at a time."""
MOST_ROWS = 1_000_000
"""Rows of one value from several tables that wait in memory until those that are alike become one."""
Combine = Callable[[pa.Table], pa.Table]
"""Makes one row of those that are alike."""


def write_sorted(sink: Any, schema: pa.Schema, values: Sequence[int], tables: Iterable[pa.Table]) -> None:
    """Write to `sink` the rows of each of `values`, in `tables` in the same order."""
    told = schema.with_metadata({"values": json.dumps(list(values))})
    with pa.ipc.new_file(sink, told) as writer:
        for table in tables:
            (batch,) = table.cast(schema).combine_chunks().to_batches()
            writer.write_batch(batch.replace_schema_metadata(told.metadata))


def by_first_column(table: pa.Table) -> tuple[list[int], Iterator[pa.Table]]:
    """The values of the first column, by which `table` is sorted, and the rows of each."""
    values, starts = np.unique(np.asarray(table.column(0)), return_index=True)
    borders = [*starts.tolist(), table.num_rows]
    return values.tolist(), (table.slice(a, b - a) for a, b in pairwise(borders))


class _Opened:
    """A table on disk."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        # Not mapped: pages of all tables that were looked at would stay in memory.
        self._file = pa.ipc.open_file(stack.enter_context(pa.OSFile(str(path), "rb")))
        self.schema = self._file.schema.remove_metadata()
        self._at = {value: i for i, value in enumerate(json.loads(self._file.schema.metadata[b"values"]))}

    @property
    def values(self) -> Iterable[int]:
        return self._at.keys()

    def rows(self, value: int) -> pa.Table | None:
        if value not in self._at:
            return None
        batch = self._file.get_batch(self._at[value])
        return pa.Table.from_batches([batch]).replace_schema_metadata()


def merged(tables: Sequence[Path], combine: Combine, scratch: Path) -> Iterator[tuple[int, pa.Table]]:
    """Each value of `tables`, in order, with its rows from all of them, alike ones combined.

    Where they are more than can be open at a time, files in the folder `scratch` take their place. Raises
    MissingRequirement where the disk is full.
    """
    made: list[Path] = []
    while len(tables) > FAN_IN:
        groups = [tables[i : i + FAN_IN] for i in range(0, len(tables), FAN_IN)]
        before, made = made, [scratch / f"{len(tables)}.{i}.merged" for i in range(len(groups))]
        for path, some in zip(made, groups, strict=True):
            _write_merged(path, some, combine)
        for path in before:
            path.unlink()
        tables = made
    yield from _rows(tables, combine)


def _write_merged(path: Path, tables: Sequence[Path], combine: Combine) -> None:
    with ExitStack() as stack:
        opened = [_Opened(t, stack) for t in tables]
        values = _values(opened)
        rows = (_combined(opened, value, combine) for value in values)
        with disk_guard(path), path.open("wb") as file:
            write_sorted(file, opened[0].schema, values, rows)


def _rows(tables: Sequence[Path], combine: Combine) -> Iterator[tuple[int, pa.Table]]:
    with ExitStack() as stack:
        opened = [_Opened(t, stack) for t in tables]
        for value in _values(opened):
            yield value, _combined(opened, value, combine)


def _values(opened: Sequence[_Opened]) -> list[int]:
    return sorted({value for table in opened for value in table.values})


def _combined(opened: Sequence[_Opened], value: int, combine: Combine) -> pa.Table:
    waiting: list[pa.Table] = []
    rows = different = 0
    for table in opened:
        some = table.rows(value)
        if some is None:
            continue
        waiting.append(some)
        rows += some.num_rows
        # Twice what is known to be different, so that much of it is not combined again with every table.
        if rows > max(MOST_ROWS, 2 * different):
            waiting = [combine(pa.concat_tables(waiting))]
            rows = different = waiting[0].num_rows
    return combine(pa.concat_tables(waiting))
