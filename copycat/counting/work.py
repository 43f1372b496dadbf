"""Counting one shard, in memory that does not grow with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from copycat.counting.parts import Part, Place, Rule, write_table
from copycat.counting.shards import BROKEN, Shard
from copycat.counting.tally import Tally, caption_at
from copycat.errors import BadFile, UnknownName, first_line

MOST_WORDS = 4 * 2**20
"""Bytes of captions that are kept in memory until their words are counted."""
MOST_TEXT = 64 * 2**20
"""Bytes of captions that are kept in memory, where those that are alike count once."""
CAPTIONS = pa.schema([("bucket", pa.uint8()), ("digest", pa.binary(16)), ("text", pa.large_binary())])


@dataclass(frozen=True)
class Skipped:
    """A shard of which nothing is counted, since it does not read to its end."""

    shard: str
    why: str
    unknown_column: bool = False
    """Whether it reads but has no such column."""


@dataclass(frozen=True)
class Job:
    """What workers are told once, and how they count a shard."""

    rule: Rule
    folder: Path

    def count(self, shard: Shard) -> Part | Skipped:
        """Count `shard`; its part is on disk then.

        Raises MissingRequirement where the disk is full or a package is missing.
        """
        place = Place.of(self.folder, self.rule, shard)
        counter = _Distinct(self.rule, place) if self.rule.distinct else _Each(self.rule, place)
        try:
            for batch in shard.batches(self.rule.column):
                counter.add(batch)
            part = counter.finish(shard.name)
        except (BadFile, UnknownName) as e:
            counter.drop()
            return Skipped(shard.name, first_line(e), unknown_column=True)
        except BROKEN as e:
            counter.drop()
            return Skipped(shard.name, first_line(e))
        place.write(part)
        return part


class WordTables:
    """Counts of words of a tally, moved to disk when they are many."""

    def __init__(self, place: Place) -> None:
        self._place, self.tables = place, 0

    def take(self, tally: Tally, most: int = MOST_WORDS) -> None:
        """Count the words of the captions kept, and move the counts to disk, where there are more than `most`
        bytes of them."""
        if tally.words.size <= most:
            return
        for table in tally.words.take():
            write_table(self._place.table(self.tables), table)
            self.tables += 1


class _Each:
    """Counts every caption."""

    def __init__(self, rule: Rule, place: Place) -> None:
        self._tally, self._place = Tally(rule.names), place
        self._words = WordTables(place)

    def add(self, captions: pa.Array) -> None:
        self._tally.add(captions)
        self._words.take(self._tally)

    def finish(self, shard: str) -> Part:
        self._words.take(self._tally, most=0)
        return part_of(self._tally, shard, self._words.tables)

    def drop(self) -> None:
        self._place.drop(self._words.tables)


class _Distinct:
    """Keeps the captions that name somebody, to be counted once each when all shards are read."""

    def __init__(self, rule: Rule, place: Place) -> None:
        self._tally, self._place = Tally(rule.names), place
        self._kept: dict[bytes, bytes] = {}
        self._size = self._tables = 0

    def add(self, captions: pa.Array) -> None:
        for found, ends, seen in self._tally.look(captions):
            named = np.unique(seen.caption)
            raw = found.captions.take(pa.array(named)).to_pylist()
            for number, caption in zip(named.tolist(), raw, strict=True):
                digest = hashlib.blake2b(caption, digest_size=16).digest()
                if digest not in self._kept:
                    text = self._kept[digest] = caption_at(found.text, ends, number)
                    self._size += len(text)
        if self._size > MOST_TEXT:
            self._flush()

    def _flush(self) -> None:
        if not self._kept:
            return
        digests = sorted(self._kept)
        columns = [[d[0] for d in digests], digests, [self._kept[d] for d in digests]]
        write_table(self._place.table(self._tables), pa.table(columns, schema=CAPTIONS))
        self._tables += 1
        self._kept, self._size = {}, 0

    def finish(self, shard: str) -> Part:
        self._flush()
        return part_of(self._tally, shard, self._tables)

    def drop(self) -> None:
        self._place.drop(self._tables)


def part_of(tally: Tally, shard: str, tables: int) -> Part:
    """The numbers of `tally` as a part."""
    return Part(
        shard=shard,
        captions=tally.captions,
        undecodable=tally.undecodable,
        named=tuple(tally.named.tolist()),
        doubtful=tuple(tally.doubtful.tolist()),
        by_name=tuple(tally.by_name.tolist()),
        tables=tables,
    )


def tables_of(places: Iterable[Place], parts: Iterable[Part]) -> list[Path]:
    """The files of all tables of some parts."""
    return [p.table(i) for p, part in zip(places, parts, strict=True) for i in range(part.tables)]
