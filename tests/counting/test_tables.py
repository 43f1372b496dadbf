"""Sorted tables on disk: merged in stages they hold what they hold together, with few in memory at a time."""

from __future__ import annotations

import errno
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from copycat.counting import tables
from copycat.counting.merge import _summed
from copycat.counting.parts import write_table
from copycat.counting.tables import merged
from copycat.counting.words import SCHEMA as WORDS
from copycat.errors import MissingRequirement

Numbers = dict[int, Counter[str]]


def written(folder: Path, many: int, rows: int, words: int) -> tuple[list[Path], Numbers]:
    """`many` tables of words, and what they hold together; some concepts are in some tables alone."""
    rng = np.random.default_rng(5)
    together: Numbers = {}
    paths = []
    for i in range(many):
        concepts = np.sort(rng.integers(0, 3, rows) * 2 + (i % 5 == 0)).astype(np.int32)
        chosen = [f"word {n}" for n in rng.integers(0, words, rows)]
        for concept, word in zip(concepts.tolist(), chosen, strict=True):
            together.setdefault(concept, Counter())[word] += 1
        paths.append(folder / f"{i}.arrow")
        write_table(paths[-1], pa.table([concepts, chosen, np.ones(rows, np.int64)], schema=WORDS))
    return paths, together


def numbers(found: dict[int, pa.Table]) -> Numbers:
    return {
        value: Counter(dict(zip(t["word"].to_pylist(), t["captions"].to_pylist(), strict=True)))
        for value, t in found.items()
    }


@pytest.mark.parametrize("fan_in", [2, 3, 64])
@pytest.mark.parametrize("most", [1, 50, 10**9])
def test_merged_in_stages_is_what_all_tables_hold_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fan_in: int, most: int
) -> None:
    paths, together = written(tmp_path, many=23, rows=40, words=30)
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tables, "FAN_IN", fan_in)
    monkeypatch.setattr(tables, "MOST_ROWS", most)
    found = dict(merged(paths, _summed, tmp_path / "scratch"))
    assert list(found) == sorted(together)
    assert numbers(found) == together
    assert all(p.exists() for p in paths), "those that a part consists of stay"
    assert len(list((tmp_path / "scratch").iterdir())) <= fan_in, "of the stages only the last is kept"


def test_an_empty_table_is_one(tmp_path: Path) -> None:
    write_table(tmp_path / "a.arrow", WORDS.empty_table())
    assert list(merged([tmp_path / "a.arrow"], _summed, tmp_path)) == []


@pytest.mark.parametrize("fan_in", [4, 64])
def test_memory_and_open_files_do_not_grow_with_the_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fan_in: int
) -> None:
    paths, together = written(tmp_path, many=120, rows=2_000, words=300)
    size = sum(p.stat().st_size for p in paths)
    monkeypatch.setattr(tables, "FAN_IN", fan_in)
    monkeypatch.setattr(tables, "MOST_ROWS", 500)
    before, most, at_once = pa.total_allocated_bytes(), 0, 0

    def combine(rows: pa.Table) -> pa.Table:
        nonlocal most, at_once
        most = max(most, pa.total_allocated_bytes() - before)
        at_once = max(at_once, len([f for f in Path("/proc/self/fd").iterdir() if _is_table(f)]))
        return _summed(rows)

    found = dict(merged(paths, combine, tmp_path))
    assert numbers(found) == together
    assert most < size / 20
    assert 1 < at_once <= fan_in + 1, "and one that is written"


def _is_table(descriptor: Path) -> bool:
    try:
        return descriptor.readlink().suffix in (".arrow", ".merged")
    except OSError:
        return False


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, _ = written(tmp_path, many=5, rows=40, words=30)
    monkeypatch.setattr(tables, "FAN_IN", 2)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tables, "write_sorted", full)
    with pytest.raises(MissingRequirement, match="is full; free some space"):
        list(merged(paths, _summed, tmp_path))
