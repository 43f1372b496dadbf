"""The numbers of all shards together."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from copycat.counting.parts import Part, Place, Rule
from copycat.counting.tables import merged
from copycat.counting.tally import Tally
from copycat.counting.text import END
from copycat.counting.work import WordTables, part_of, tables_of
from copycat.io.atomic import disk_guard

Words = tuple[tuple[str, int], ...]
_AT_ONCE = 65_536
"""Different captions that are searched at a time."""


@dataclass(frozen=True)
class Merged:
    """What was counted of a whole corpus."""

    total: Part
    words: tuple[Words, ...]
    """For each concept the words that stand in most of its captions, with in how many, most first."""


def merge(rule: Rule, places: Sequence[Place], parts: Sequence[Part], keep: int) -> Merged:
    """All `parts`, which are at `places`, and the `keep` words of each concept that are most frequent; of two
    equally frequent ones the first in the alphabet. Raises MissingRequirement where the disk is full."""
    total = _sum(parts, rule)
    tables = tables_of(places, parts)
    if not tables:
        return Merged(total, ((),) * len(rule.concepts))
    with _scratch(places[0].folder / "merging") as scratch:
        if rule.distinct:
            counted, tables = _once_each(rule, tables, scratch)
            told = {"captions": total.captions, "undecodable": total.undecodable}
            total = part_of(counted, total.shard, 0).model_copy(update=told)
        return Merged(total, _most_frequent(tables, len(rule.concepts), keep, scratch))


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder that is new, and gone afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    with disk_guard(folder):
        folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sum(parts: Sequence[Part], rule: Rule) -> Part:
    names = rule.names
    empty = (0,) * len(names.concepts)

    def over(columns: Sequence[tuple[int, ...]], none: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(np.sum(np.array([*columns, none], np.int64), axis=0).tolist())

    return Part(
        shard="all",
        captions=sum(p.captions for p in parts),
        undecodable=sum(p.undecodable for p in parts),
        named=over([p.named for p in parts], empty),
        doubtful=over([p.doubtful for p in parts], empty),
        by_name=over([p.by_name for p in parts], (0,) * len(names.spellings)),
        tables=0,
    )


def _once_each(rule: Rule, tables: Sequence[Path], scratch: Path) -> tuple[Tally, list[Path]]:
    """Captions that name somebody, each once, and the tables of their words, written in `scratch`."""
    here = Place(scratch, "distinct")
    tally, words = Tally(rule.names), WordTables(here)
    for _, bucket in merged(tables, _different, scratch):
        for start in range(0, bucket.num_rows, _AT_ONCE):
            text = bytes([END]).join(bucket["text"].slice(start, _AT_ONCE).to_pylist())
            ends = np.append(np.flatnonzero(np.frombuffer(text, np.uint8) == END), len(text))
            tally.add_named(text, ends, tally.names.find(text, ends))
            words.take(tally)
    words.take(tally, most=0)
    return tally, [here.table(i) for i in range(words.tables)]


def _different(captions: pa.Table) -> pa.Table:
    """The first of those that have one digest."""
    digests = captions["digest"].combine_chunks()
    raw = np.frombuffer(digests.buffers()[1], "S16", len(digests), digests.offset * 16)
    _, first = np.unique(raw, return_index=True)
    return captions.take(pa.array(np.sort(first)))


def _summed(words: pa.Table) -> pa.Table:
    """One row for each word of a concept."""
    found = words.group_by(["concept", "word"]).aggregate([("captions", "sum")])
    return found.select(["concept", "word", "captions_sum"]).rename_columns(words.column_names)


def _most_frequent(tables: Sequence[Path], people: int, keep: int, scratch: Path) -> tuple[Words, ...]:
    found: list[Words] = [()] * people
    order = [("captions", "descending"), ("word", "ascending")]
    for concept, words in merged(tables, _summed, scratch) if keep else ():
        most = words.sort_by(order).slice(0, keep)
        found[concept] = tuple(zip(most["word"].to_pylist(), most["captions"].to_pylist(), strict=True))
    return tuple(found)
