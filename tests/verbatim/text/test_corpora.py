"""Reading works: bad files are named and the rest goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from copycat.errors import BadFile, UnknownName
from copycat.verbatim.text.corpora import CATALOG, load_corpus


def test_a_folder_of_texts_and_code_is_read_and_bad_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "poems").mkdir()
    (tmp_path / "poems" / "a.txt").write_bytes("\ufeffOne, two.\r\nThree.".encode())
    (tmp_path / "b.txt").write_bytes("caf\xe9 au lait".encode("latin-1"))
    (tmp_path / "c.py").write_text("def f():\n    return 1\n")
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "d.jsonl").write_text(
        json.dumps({"text": "Four.", "title": "D", "group": "g", "extra": 1})
        + '\n{"title": "no text"}\nno json\n'
    )
    found = load_corpus(str(tmp_path))
    by = {d.title: d for d in found.documents}
    assert set(by) == {"poems/a.txt", "c.py", "D"}
    assert by["poems/a.txt"].text == "One, two.\nThree."
    assert (by["poems/a.txt"].group, by["c.py"].kind, by["D"].group) == ("poems", "code", "g")
    told = {Path(s.where.split(",")[0]).name + s.where.partition(",")[2]: s.why for s in found.skipped}
    assert told["b.txt"] == "it is not UTF-8 (byte 0xe9 at 3); save it as UTF-8"
    assert told["empty.txt"] == "it is empty"
    assert told["d.jsonl line 2"] == 'it has no "text"'
    assert told["d.jsonl line 3"].startswith("it is no JSON")


def test_a_line_in_another_encoding_costs_that_line_alone(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(b'{"text": "caf\xe9"}\n{"text": "tea"}\n')
    found = load_corpus(str(file))
    assert [d.text for d in found.documents] == ["tea"]
    assert found.skipped[0].where == f"{file}, line 1"


def test_half_a_character_costs_its_line_alone(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text('{"text": "one \\ud800 two"}\n{"text": "tea", "title": "\\udc00"}\n{"text": "tea"}\n')
    found = load_corpus(str(file))
    assert [d.text for d in found.documents] == ["tea"]
    assert [s.where for s in found.skipped] == [f"{file}, line 1", f"{file}, line 2"]
    assert all("half a character" in s.why for s in found.skipped)


def test_a_folder_does_not_lead_out_of_itself(tmp_path: Path) -> None:
    (tmp_path / "works").mkdir()
    (tmp_path / "key.txt").write_text("secret")
    (tmp_path / "works" / "a.txt").write_text("One.")
    (tmp_path / "works" / "b.txt").symlink_to(tmp_path / "key.txt")
    (tmp_path / "works" / "c.txt").symlink_to(tmp_path / "works" / "a.txt")
    found = load_corpus(str(tmp_path / "works"))
    assert {d.text for d in found.documents} == {"One."}
    assert [(Path(s.where).name, s.why) for s in found.skipped] == [
        ("b.txt", "it is a link to a file outside the folder")
    ]
    # One that the user names is another matter.
    assert load_corpus(str(tmp_path / "works" / "b.txt")).documents[0].text == "secret"


def test_parquet_is_read_and_a_broken_one_is_named(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"text": ["One.", None], "title": ["A", "B"], "picture": [b"1", b"2"]}),
        tmp_path / "a.parquet",
    )
    (tmp_path / "b.parquet").write_bytes(b"PAR1cut")
    found = load_corpus(str(tmp_path))
    assert [(d.title, d.text) for d in found.documents] == [("A", "One.")]
    assert [Path(s.where.split(",")[0]).name for s in found.skipped] == ["a.parquet", "b.parquet"]


def test_nothing_to_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(BadFile, match=r"no document that can be read .*a\.txt: it is not UTF-8"):
        load_corpus(str(tmp_path))
    (tmp_path / "a.txt").rename(tmp_path / "a.png")
    with pytest.raises(BadFile, match="holds no documents"):
        load_corpus(str(tmp_path))
    with pytest.raises(UnknownName, match="Did you mean austen"):
        load_corpus("austin")


@pytest.mark.parametrize("name", CATALOG.names())
def test_every_shipped_corpus_can_be_read_and_says_its_licence(name: str) -> None:
    found = load_corpus(name)
    assert found.documents
    assert not found.skipped
    assert {d.licence for d in found.documents} <= {"public domain", "Apache-2.0"}
    assert len({d.id for d in found.documents}) == len(found.documents)


def test_the_passages_of_the_small_model_and_the_others_share_nothing() -> None:
    known, others = load_corpus("menagerie-lm").documents, load_corpus("menagerie-lm-others").documents
    assert not {d.text for d in known} & {d.text for d in others}
    assert {d.group for d in known} >= {"never seen", "1 copy", "64 copies"}
    whole = {d.title: " ".join(d.text.split()) for d in load_corpus("austen").documents}
    for d in (*known, *others):
        assert " ".join(d.text.split()) in whole[d.title.rpartition(", passage")[0]]
