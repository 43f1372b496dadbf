"""The numbers of all shards together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from copycat.counting.parts import Part, Place, Rule, slices
from copycat.counting.tally import Tally
from copycat.counting.text import END
from copycat.counting.work import WordTables, part_of, tables_of

Words = tuple[tuple[str, int], ...]
_BUCKETS = 256
"""Into which captions are sorted by the first byte of their digest; one is in memory at a time."""


@dataclass(frozen=True)
class Merged:
    """What was counted of a whole corpus."""

    total: Part
    words: tuple[Words, ...]
    """For each concept the words that stand in most of its captions, with in how many, most first."""


def merge(rule: Rule, places: Sequence[Place], parts: Sequence[Part], keep: int) -> Merged:
    """All `parts`, which are at `places`, and the `keep` words of each concept that are most frequent; of two
    equally frequent ones the first in the alphabet."""
    total = _sum(parts, rule)
    tables = tables_of(places, parts)
    if rule.distinct:
        here = Place(places[0].folder, "distinct") if places else None
        found = _once_each(rule, tables, here) if here else None
        if found is not None and here is not None:
            counted, tables = found
            told = {"captions": total.captions, "undecodable": total.undecodable}
            total = part_of(counted, total.shard, 0).model_copy(update=told)
    return Merged(total, tuple(_most_frequent(tables, len(rule.concepts), keep)))


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


def _once_each(rule: Rule, tables: Sequence[Path], here: Place) -> tuple[Tally, list[Path]]:
    """Captions that name somebody, each once, and the tables of their words, written at `here`."""
    tally, words = Tally(rule.names), WordTables(here)
    for bucket in slices(tables, "bucket", range(_BUCKETS)):
        if not bucket.num_rows:
            continue
        _, first = np.unique(np.array(bucket["digest"].to_pylist(), object), return_index=True)
        text = bytes([END]).join(bucket["text"].take(pa.array(first)).to_pylist())
        ends = np.append(np.flatnonzero(np.frombuffer(text, np.uint8) == END), len(text))
        tally.add_named(text, ends, tally.names.find(text, ends))
        words.take(tally)
    words.take(tally, most=0)
    return tally, [here.table(i) for i in range(words.tables)]


def _most_frequent(tables: Sequence[Path], people: int, keep: int) -> Iterator[Words]:
    if not keep or not tables:
        yield from ((),) * people
        return
    order = [("captions_sum", "descending"), ("word", "ascending")]
    for rows in slices(tables, "concept", range(people)):
        found = rows.group_by("word").aggregate([("captions", "sum")]).sort_by(order).slice(0, keep)
        columns = (found["word"].to_pylist(), found["captions_sum"].to_pylist())
        yield tuple(zip(*columns, strict=True))
