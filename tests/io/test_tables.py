"""Rows from files of every kind, and what is no such file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from copycat.errors import BadFile
from copycat.io.tables import filled, lacking, read_table


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize(
    ("name", "text", "rows"),
    [
        ("a.csv", 'id,said\r\n007,"1,\n""x"""\r\n\r\nNA,\r\n', [("007", '1,\n"x"'), ("NA", "")]),
        ("a.tsv", "id\tsaid\n007\ta,b\n", [("007", "a,b")]),
        ("A.CSV", "id,said\n", []),
        (
            "a.jsonl",
            '{"id": 7, "said": ["\u2028"]}\n\n{"id": "7", "said": null}',
            [(7, ["\u2028"]), ("7", None)],
        ),
    ],
)
def test_text_becomes_rows(tmp_path: Path, name: str, text: str, rows: list[Any], bom: str) -> None:
    (tmp_path / name).write_text(bom + text, encoding="utf-8", newline="")
    found = read_table(tmp_path / name, "table of words")
    assert found == [{"id": i, "said": said} for i, said in rows]


def test_parquet_becomes_rows_of_python_values(tmp_path: Path) -> None:
    rows = [{"id": 7, "marks": [{"text": "hat"}]}, {"id": None, "marks": None}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet", "table of words") == rows


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"a,b\n1,2\n1,2,3\n", "line 3 has more or fewer cells"),
        ("a.csv", b"a,b\n1\n", "line 2 has more or fewer cells"),
        ("a.csv", b'a,b\n1,"2\n', "unexpected end of data"),
        ("a.csv", b'a,b\n1,"2"3\n', "expected after"),
        ("a.csv", b"a,b,a\n1,2,3\n", "two columns are called a"),
        ("a.csv", b"a\n\xff\n", "can't decode"),
        ("a.jsonl", b'{"a": 1}\n\n[1]\n', "line 3 is no JSON object"),
        ("a.jsonl", b'{"a": 1}\n{"a"\n', "line 2 is no JSON object"),
        ("a.parquet", b"PAR1", "arquet"),
        ("gone.csv", None, "No such file"),
    ],
)
def test_what_does_not_read_is_said_in_a_sentence(
    tmp_path: Path, name: str, content: bytes | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadFile, match=f"{name} cannot be read as a table of words .*{reason}") as told:
        read_table(tmp_path / name, "table of words")
    assert "\n" not in str(told.value)


def test_other_kinds_of_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"a\.xlsx is no table of words; .* \.csv, \.tsv, \.jsonl, \.parquet"):
        read_table(tmp_path / "a.xlsx", "table of words")


def test_columns_and_cells() -> None:
    rows = [{"a": "", "b": 0}, {"c": float("nan"), "d": None, "e": False}]
    assert lacking(rows, ("a", "x", "c")) == ["x"]
    assert [filled(row) for row in rows] == [{"b": 0}, {"e": False}]
