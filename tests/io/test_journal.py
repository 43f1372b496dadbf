"""The journal mends torn tails and reports real damage."""

from __future__ import annotations

import pytest

from copycat.errors import BadFile
from copycat.io.journal import Journal
from copycat.records import ImageRow
from copycat.runtime.engines import batches

ROWS = [ImageRow(request=str(i), outcome="error", error="é") for i in range(3)]


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_torn_last_line_is_left_out_and_then_mended(tmp_path, cut):
    journal = Journal(tmp_path / "images.jsonl", ImageRow)
    journal.append(ROWS)
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-cut])
    assert journal.rows() == ROWS[:2]
    journal.append(ROWS[2:])
    assert journal.path.read_bytes() == whole


def test_damage_inside_is_not_a_torn_line(tmp_path):
    journal = Journal(tmp_path / "images.jsonl", ImageRow)
    journal.append(ROWS)
    lines = journal.path.read_text().splitlines(keepends=True)
    journal.path.write_text(lines[0] + "{broken\n" + lines[2])
    with pytest.raises(BadFile, match="line 2"):
        journal.rows()


def test_batches_share_a_key_and_keep_the_order():
    assert batches(range(7), 2, lambda n: n % 2) == [[0, 2], [4, 6], [1, 3], [5]]
