"""What counting one shard left on disk: its numbers, and tables of what is too much to keep in memory.

A part is there when its JSON file is, which is written last. Its name follows from the shard and all that
decides what is counted, so a part is never taken for that of another shard or of other names.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
from pydantic import ValidationError

from copycat.counting.names import Concept, Names
from copycat.counting.shards import Shard
from copycat.counting.tables import by_first_column, write_sorted
from copycat.io.atomic import write_bytes, write_text
from copycat.records import Row

_VERSION = 2
"""Changes when parts are to be made anew."""


@dataclass(frozen=True)
class Rule:
    """What is counted, and how."""

    concepts: tuple[Concept, ...]
    column: str | None = None
    """That of the captions; None for the first known one."""
    distinct: bool = False
    """Whether captions that are alike to the letter count once, wherever they stand."""

    @property
    def identity(self) -> str:
        """Changes with anything that changes a part."""
        return hashlib.sha256(repr((_VERSION, self)).encode()).hexdigest()

    @property
    def names(self) -> Names:
        """What finds the names; made once in a process."""
        return _names(self.concepts)


@lru_cache(maxsize=2)
def _names(people: tuple[Concept, ...]) -> Names:
    return Names(people)


class Part(Row):
    """The numbers of one shard; see :class:`copycat.counting.tally.Tally`."""

    shard: str
    captions: int
    undecodable: int
    named: tuple[int, ...]
    doubtful: tuple[int, ...]
    by_name: tuple[int, ...]
    tables: int
    """How many tables there are: of words, or with `distinct` of captions."""


@dataclass(frozen=True)
class Place:
    """Where the part of one shard is."""

    folder: Path
    key: str

    @classmethod
    def of(cls, folder: Path, rule: Rule, shard: Shard) -> Place:
        """That of `shard`, counted by `rule`."""
        told = f"{rule.identity}\n{shard.stamp}"
        return cls(folder, hashlib.sha256(told.encode()).hexdigest()[:32])

    def read(self) -> Part | None:
        """The part; None where it is not whole."""
        try:
            part = Part.model_validate_json(self._file.read_bytes())
        except (OSError, ValidationError):
            return None
        return part if all(self.table(i).is_file() for i in range(part.tables)) else None

    def write(self, part: Part) -> None:
        """Say that the part is whole. Raises MissingRequirement where the disk is full."""
        write_text(self._file, part.model_dump_json())

    def table(self, number: int) -> Path:
        """The file of one of its tables."""
        return self.folder / f"{self.key}.{number}.arrow"

    def drop(self, tables: int) -> None:
        """Remove the first `tables` tables of a part that is not to be."""
        for i in range(tables):
            with suppress(OSError):
                self.table(i).unlink()

    @property
    def _file(self) -> Path:
        return self.folder / f"{self.key}.json"


def write_table(path: Path, table: pa.Table) -> None:
    """`table`, sorted by its first column, in a file of :mod:`copycat.counting.tables`. Raises
    MissingRequirement where the disk is full."""
    sink = pa.BufferOutputStream()
    write_sorted(sink, table.schema, *by_first_column(table))
    write_bytes(path, sink.getvalue().to_pybytes())
