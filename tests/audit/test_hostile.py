"""Data sets that were made to mislead or break the audit: nothing is fetched, followed, shown or lost."""

from __future__ import annotations

import csv
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from copycat.audit.croissant import invalid
from copycat.audit.dataset import Dataset
from copycat.audit.find import find
from copycat.audit.results import Report
from copycat.audit.rows import read_table
from copycat.audit.run import audit
from copycat.audit.write import lines, page
from copycat.errors import BadFile
from copycat.publish.croissant import CONTEXT
from tests.audit.twins import lanterns


def audited(folder: Path, **files: str) -> Report:
    """The audit of `folder` with `files`, in whose names `__` stands for a dot."""
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return audit(Dataset(folder, "x"))


DESCRIBED = {"@type": "sc:Dataset", "@context": {}, "name": "x", "conformsTo": "x", "recordSet": []}


@pytest.mark.parametrize(
    "changed",
    [
        {"distribution": None},
        {"distribution": [{"@id": [1], "contentUrl": 5, "sha256": [1]}]},
        {
            "distribution": [{"@id": "a", "contentUrl": "x.csv"}],
            "recordSet": [
                {"field": [{"source": {"fileObject": {"@id": "a"}, "extract": {"column": ["q"]}}}]}
            ],
        },
    ],
)
def test_a_description_of_another_shape_is_no_end_of_the_audit(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    report = audited(tmp_path, x__csv="text\na\n", croissant__json=json.dumps({**DESCRIBED, **changed}))
    assert report.of("croissant").status == "fail"


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """A server's address, and what was asked of it."""
    paths = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"@context": {}}')

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", paths
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("where", ["import", "inside", "whole"])
def test_a_description_fetches_nothing(
    tmp_path: Path, asked: tuple[str, list[str]], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlcroissant")
    for proxy in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
    address, paths = asked
    context: Any = json.loads(CONTEXT.read_text())
    body = {**DESCRIBED, "description": "d", "license": "MIT", "url": "https://a.org", "distribution": []}
    body["conformsTo"] = "http://mlcommons.org/croissant/1.0"
    if where == "inside":
        body["creator"] = {"@context": address, "@type": "Organization", "name": "a"}
    body["@context"] = {
        "import": {**context, "@import": address},
        "inside": context,
        "whole": address,
    }[where]
    path = tmp_path / "croissant.json"
    path.write_text(json.dumps(body))
    assert any("is to be loaded from" in told for told in invalid(path, body))
    assert paths == []


def test_links_to_outside_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("a secret")
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "LICENSE").symlink_to(tmp_path / "secret.txt")
    (folder / "real.csv").write_text("text\na\n")
    (folder / "alias.csv").symlink_to(folder / "real.csv")
    dataset = Dataset(folder, "d")
    assert dataset.files == ("alias.csv", "real.csv")
    assert [(e.file, "outside" in e.found) for e in dataset.unread] == [("LICENSE", True)]


def test_the_hub_keeps_files_beside_its_snapshots(tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / ("c" * 40)
    for made in (blobs, snapshot):
        made.mkdir(parents=True)
    (blobs / "f00").write_text("text\na\n")
    (snapshot / "x.csv").symlink_to(blobs / "f00")
    assert Dataset(snapshot, "d").files == ("x.csv",)


def test_what_rows_hold_of_people_is_masked_wherever_it_is_quoted(tmp_path: Path) -> None:
    row = {"text": "a", "license": "ask mara.holt@fjordmail.no", "url": "/home/mara.holt@fjordmail.no"}
    report = audited(tmp_path, x__jsonl=json.dumps(row))
    assert report.of("item-licence").status == "fail"
    for shown in (page(report), "\n".join(lines(report, everything=True)), report.model_dump_json()):
        assert "holt@" not in shown


def test_personal_data_is_found_deep_in_a_cell_and_once(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "mail mara.holt@fjordmail.no"}]
    row = {"messages": said, "meta": {"who": {"mail": "jon@fjordmail.no"}, "by": "eva@fjordmail.no"}}
    found = audited(tmp_path, x__jsonl=json.dumps(row)).of("pii-email")
    assert (found.status, found.of) == ("fail", 3)


def test_signs_that_steer_a_terminal_do_not_reach_it(tmp_path: Path) -> None:
    row = {"text": "a", "license": "\x1b[2Jred"}
    report = audited(tmp_path, x__jsonl=json.dumps(row), README__md='---\nlicense: "\\e[31mx"\n---\n# X\n')
    shown = "\n".join(lines(report))
    assert "\x1b" not in shown
    assert "�[2Jred" in shown


def test_an_address_that_comes_apart_is_forbidden_to_all(tmp_path: Path) -> None:
    (tmp_path / "robots").mkdir()
    (tmp_path / "robots" / "a.org.txt").write_text("User-agent: *\nDisallow: /y\n")
    report = audited(tmp_path, x__csv="text,url\na,http://u%5B@a.org/x\n")
    assert report.of("robots").status == "fail"


def test_a_date_that_cannot_be_is_no_end_of_the_audit(tmp_path: Path) -> None:
    days = pa.array([2**30, 1], pa.int32()).cast(pa.date32())
    pq.write_table(pa.table({"date": days, "text": ["a", "b"]}), tmp_path / "x.parquet")
    report = audited(tmp_path, y__csv="text\na\n")
    assert [e.file for e in report.unread] == ["x.parquet"]
    assert report.unread[0].found.startswith("cannot be read as a table")
    assert report.rows == 1


def test_long_cells_are_read_and_lines_without_an_end_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = csv.field_size_limit()
    (tmp_path / "book.csv").write_text(f"text\n{'a' * 200_000}\nb\n")
    table = read_table(tmp_path / "book.csv", "book.csv", 0)
    assert [len(cells["text"]) for _, cells in table.rows] == [200_000, 1]
    assert csv.field_size_limit() == before
    monkeypatch.setattr("copycat.audit.rows.MOST_LINE", 1000)
    (tmp_path / "x.jsonl").write_text(f'{{"a": "{"b" * 5000}"}}\n{{"a": 1}}\n')
    table = read_table(tmp_path / "x.jsonl", "x.jsonl", 0)
    assert [n for n, _ in table.rows] == [2]
    assert [n for n, _ in table.broken] == [1]


def test_texts_beyond_what_memory_holds_are_left_out_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copycat.audit.rows.MOST_KEPT", 30_000)
    rows = [{"id": i, "text": "a" * 20_000} for i in range(3)]
    report = audited(tmp_path, x__jsonl="".join(json.dumps(r) + "\n" for r in rows))
    assert ["long texts of 2 rows" in e.found for e in report.unread] == [True]


def test_tables_that_are_called_like_records_are_tables(tmp_path: Path) -> None:
    report = audited(tmp_path, state__csv="text\na\n", package__jsonl='{"text": "a"}\n', state__json="{}")
    assert report.rows == 2


def test_the_description_is_croissant_before_other_metadata(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/metadata.json", "a/croissant.json", "croissant.json", "metadata.json"):
        (tmp_path / name).write_text("{}")
    assert (Dataset(tmp_path, "x").croissant or ("", None))[0] == "croissant.json"


def test_hashes_of_a_description_are_computed_anew(tmp_path: Path) -> None:
    twin = lanterns()
    folder = twin.write(tmp_path / "d")
    for sums in folder.glob("SHA256SUMS*"):
        sums.unlink()
    assert audit(Dataset(folder, "d")).of("checksums").status == "pass"
    body = json.loads((folder / "croissant.json").read_text())
    described = next(o for o in body["distribution"] if "sha256" in o)
    described["sha256"] = "0" * 64
    (folder / "croissant.json").write_text(json.dumps(body))
    assert audit(Dataset(folder, "d")).of("checksums").status == "fail"


def test_documents_in_another_encoding_are_not_called_empty(tmp_path: Path) -> None:
    for name in ("README.md", "LICENSE"):
        (tmp_path / name).write_bytes("# Café and more words".encode("latin-1"))
    report = audited(tmp_path, x__csv="text\na\n")
    assert report.of("card").reason == "The card cannot be read as text."
    assert report.of("licence-text").reason == "The LICENSE file cannot be read as text."
    assert {e.found for e in report.unread} == {"it is not in UTF-8; save it as UTF-8"}


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = lanterns().write(tmp_path / "d")
    whole = Path.open

    def refused(path: Path, *args: Any, **options: Any) -> Any:
        if path.suffix == ".jsonl":
            raise PermissionError(13, "Permission denied")
        return whole(path, *args, **options)

    monkeypatch.setattr(Path, "open", refused)
    report = audit(Dataset(folder, "d"))
    assert all(e.file.endswith(".jsonl") for e in report.unread)
    assert report.unread


def test_a_path_that_is_too_long_is_a_bad_one() -> None:
    with pytest.raises(BadFile, match="cannot be used as a path"):
        find("a" * 300)


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("", "unknown"),
        ("Internet", "unknown"),
        ("www.a-site.org", "unknown"),
        ("en.a-site.org/wiki/Cat", "unknown"),
        ("CC-MAIN-2024-10", "unknown"),
        ("written for this data set", "not-applicable"),
        ("data/people.yaml of a package", "not-applicable"),
    ],
)
def test_who_does_not_say_where_items_are_from_is_not_spared_questions(
    tmp_path: Path, source: str, status: str
) -> None:
    report = audited(tmp_path, x__csv=f"text,source\na,{source}\n")
    for item in ("robots", "opt-outs", "opt-out-date", "http-headers", "html-metadata"):
        assert report.of(item).status == status


@pytest.mark.parametrize("name", ["opt-outs.jsonl", "opt-outs.yaml", "opt-outs.parquet"])
def test_a_record_of_opt_outs_that_cannot_be_read_clears_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{")
    report = audited(tmp_path, x__csv="text,url\na,http://a.org/x\n")
    assert report.of("opt-outs").status == "unknown"
    assert [e.file for e in report.unread] == [name]


def test_signs_that_cannot_be_written_are_replaced(tmp_path: Path) -> None:
    row = '{"text": "\\ud800", "license": "\\ud800", "url": "\\ud800", "id": "\\ud800"}\n'
    described = json.dumps({**DESCRIBED, "version": "\ud800" + "1" * 100_000})
    report = audited(tmp_path, x__jsonl=row * 2, croissant__json=described)
    assert len(page(report).encode()) < 100_000
    assert report.model_dump_json()


def test_pictures_without_a_table_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    report = audit(Dataset(tmp_path, "x"))
    assert [e.where for e in report.of("item-source").evidence] == ["a.mp4"]


def test_tables_of_other_kinds_are_told(tmp_path: Path) -> None:
    for name in ("b.jsonl.gz", "c.arrow"):
        (tmp_path / name).write_bytes(b"x")
    report = audited(tmp_path, x__csv="text\na\n")
    assert [(e.file, "one of 2 files" in e.found) for e in report.unread] == [("b.jsonl.gz", True)]
