"""Folders of all kinds are read; what cannot be read is named, and the rest goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from copycat.audit.dataset import Dataset
from copycat.audit.documents import read_document
from copycat.audit.roles import Entry, date_fault, read_date, source_fault
from copycat.audit.rows import read_table, stream_table
from copycat.audit.run import audit
from copycat.errors import BadFile


def test_a_file_of_another_encoding_and_broken_rows_are_named(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("text\ncaf\xe9\n".encode("latin-1"))
    (tmp_path / "good.jsonl").write_text(
        '{"text": "a", "license": "MIT"}\n{"text": \n[1]\n{"text": "b", "license": "MIT"}\n'
    )
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    dataset = Dataset(tmp_path, "x")
    report = audit(dataset)
    assert {e.file for e in report.unread} == {"latin.csv", "broken.parquet", "good.jsonl"}
    assert "2 rows cannot be read" in next(e.found for e in report.unread if e.file == "good.jsonl")
    assert report.rows == 2
    (table,) = dataset.tables
    assert [n for n, _ in table.broken] == [2, 3]
    assert {(e.file, e.row) for e in report.of("metadata-preserved").evidence} == {
        ("good.jsonl", 2),
        ("good.jsonl", 3),
    }


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_large_table_is_read_evenly(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t.{ending}"
    if ending == "csv":
        path.write_text("n\n" + "".join(f"{i}\n" for i in range(5000)))
    elif ending == "jsonl":
        path.write_text("".join(f'{{"n": {i}}}\n' for i in range(5000)))
    else:
        pq.write_table(pa.table({"n": list(range(5000))}), path)
    table = read_table(path, path.name, 100)
    assert table.total == 5000
    assert [number for number, _ in table.rows] == list(range(1, 5001, 50))
    assert [int(cells["n"]) for _, cells in table.rows] == list(range(0, 5000, 50))
    assert len(read_table(path, path.name, 0).rows) == 5000


def test_what_stands_in_objects_is_found() -> None:
    entry = Entry("x", 1, {"text": "a", "metadata": {"license": "MIT"}, "metadata.license": "MIT"})
    assert entry.get("licence") == "MIT"
    assert entry.get("source") is None


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("2026-02-30", "no date"),
        ("2026-02", ""),
        ("2026", ""),
        ("2026-02-03T04:05:06Z", ""),
        (1767225600, ""),
        ("1767225600000", ""),
        ("0001-01-01", "stands for none"),
        ("2099-01-01", "future"),
        ("soon", "no date"),
    ],
)
def test_dates(value: object, told: str) -> None:
    assert told in date_fault(value)
    assert bool(date_fault(value)) is bool(told)


def test_a_moment_is_a_day() -> None:
    assert str(read_date("2026-02-03T23:59:59+00:00")) == "2026-02-03"


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("https://a-site.org/x", True),
        ("doi:10.1000/182", True),
        ("written for this data set", True),
        ("Internet", False),
        ("http://192.168.0.4/x", False),
        ("http://intranet/x", False),
        ("C:\\data\\x", False),
        ("file:///x", False),
        ("https://", False),
    ],
)
def test_sources(value: str, good: bool) -> None:
    assert (source_fault(value) == "") is good


def test_sections_and_front_matter() -> None:
    text = (
        "---\nlicense: mit\n---\nBefore\n\n# One\n\ntext # no heading\n\n```\n# code\n```\nTwo\n===\nmore\n"
    )
    found = read_document("R.md", text)
    assert found.front == {"license": "mit"}
    assert [(p.heading, p.text.split("\n")[0]) for p in found.parts] == [
        ("", "Before"),
        ("One", "text # no heading"),
        ("Two", "more"),
    ]


@pytest.mark.parametrize("text", ["TODO", "[More Information Needed]", "tbd.", "", "n/a", "..."])
def test_a_section_with_a_placeholder_is_empty(text: str) -> None:
    (_, part) = read_document("R.md", f"# Removal\n\n{text}\n").parts
    assert part.empty


def test_pictures_alone_are_items_too(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "README.md").write_text("# Pictures\n")
    assert [e.cells for e in Dataset(tmp_path, "x").entries] == [{"file_name": "a.png"}]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(BadFile, match="is no folder"):
        Dataset(tmp_path / "x", "x")


def test_a_generator_that_is_not_told_is_none(tmp_path: Path) -> None:
    row = {"text": "a", "synthetic": True, "prompt": "p", "seed": 1, "license": "MIT"}
    told = [{**row, "generator": "tiny-lm 1"}, {**row, "generator": "a model that was not recorded"}]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(r) + "\n" for r in told))
    finding = audit(Dataset(tmp_path, "x")).of("synthetic")
    assert (finding.status, [e.row for e in finding.evidence]) == ("fail", [2])


def test_pictures_beyond_what_memory_holds_are_left_unhashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"image": {"bytes": bytes([i]) * 10, "path": "p"}, "id": i} for i in range(5)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet")
    monkeypatch.setattr("copycat.audit.rows.MOST_KEPT", 33)
    table = read_table(tmp_path / "t.parquet", "t.parquet", 0)
    assert [isinstance(c.get("image.bytes"), bytes) for _, c in table.rows] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert [c["id"] for _, c in stream_table(tmp_path / "t.parquet", "t.parquet")] == [0, 1, 2, 3, 4]


def test_a_document_that_is_cut_within_a_letter_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "README.md").write_text("# Größe\n")
    monkeypatch.setattr("copycat.audit.dataset._MOST_TEXT", 5)
    dataset = Dataset(tmp_path, "x")
    assert dataset.card is not None
    assert dataset.card.text == "# Gr"
    assert dataset.unread == []
