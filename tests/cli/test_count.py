"""`copycat count`, and what is made of its file: exit codes, the report, rankings."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from copycat.cli.count import _called
from copycat.cli.main import app
from copycat.errors import UserError
from copycat.io.paths import DATA
from copycat.subjects.counts import read_counts_file
from tests.counting.test_tally import FOLDER

PEOPLE = str(FOLDER / "people.yaml")
CORPUS = str(DATA / "menagerie" / "corpus.parquet")


def invoke(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, words)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_what_is_counted_is_told_and_a_skipped_shard_is_in_the_exit_code(tmp_path: Path) -> None:
    pq.write_table(pa.table({"caption": ["Zori", "a zori hat", "a link"]}), tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"cut")
    out = tmp_path / "out" / "counts.json"
    words = ("count", str(tmp_path), "--registry", PEOPLE, "--out", str(out), "--workers", "1")
    code, told = invoke(*words)
    assert code == 1
    assert "Skipped b.parquet: " in told
    assert "Shards skipped, which are in no count: 1." in told
    assert "2 of 14 characters named; 3 in all" in told
    assert "Zori: 2" in told
    assert "Link: 1, 1 of them by a common word alone" in told
    (tmp_path / "b.parquet").unlink()
    assert invoke(*words)[0] == 0
    assert invoke(*words)[0] == 0
    found = read_counts_file(out)
    assert found.source == f"copycat count {tmp_path.name} --registry people.yaml"
    assert found.by_slug["zori"].words[0] == ("zori", 2)


def test_the_command_in_the_file_counts_the_same_and_names_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my captions").mkdir()
    pq.write_table(pa.table({"alt": ["Zori", "Zori"]}), tmp_path / "my captions" / "a.parquet")
    (tmp_path / "people.yaml").write_bytes(Path(PEOPLE).read_bytes())
    out = tmp_path / "c.json"
    invoke(
        "count", f"file://{tmp_path}/my captions/a.parquet", str(tmp_path / "my captions"), "--out", str(out),
        "--registry", f"menagerie,{tmp_path}/people.yaml", "--column", "alt", "--distinct", "--words", "0",
        "--any-name", "--name", "a corpus", "--workers", "1",
    )  # fmt: skip
    found = read_counts_file(out)
    assert found.source == (
        "copycat count a.parquet 'my captions' --registry menagerie,people.yaml --name 'a corpus' "
        "--column alt --distinct --words 0 --any-name"
    )
    assert str(tmp_path) not in out.read_text()
    # As it stands, in the folder of the files; the first is not behind an address now.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.parquet").symlink_to(tmp_path / "my captions" / "a.parquet")
    again = tmp_path / "again.json"
    invoke(*shlex.split(found.source)[1:], "--out", str(again), "--workers", "1")
    same = read_counts_file(again)
    assert (same.characters, same.source, same.unit) == (found.characters, found.source, found.unit)


def test_another_name_for_what_is_counted_already_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"caption": ["Zori"]}), tmp_path / "a.parquet")
    out = tmp_path / "c.json"
    words = ("count", str(tmp_path / "a.parquet"), "--registry", PEOPLE, "--out", str(out), "--workers", "1")
    assert invoke(*words, "--name", "one")[0] == 0
    before = out.read_bytes()
    with pytest.raises(UserError, match=r"c\.json, .*is called one; leave --name out, or remove .*c\.json"):
        invoke(*words, "--name", "two")
    for same in ((), ("--name", "one")):
        assert invoke(*words, *same)[0] == 0
    assert out.read_bytes() == before


def test_a_dataset_on_the_hub_is_called_by_its_whole_name(tmp_path: Path) -> None:
    assert _called("some/captions@abc") == "some/captions@abc"
    assert (
        _called("https://me:secret@store.example/a.parquet") == "https://[redacted]@store.example/a.parquet"
    )
    assert _called(str(tmp_path / "a.parquet")) == "a.parquet"
    assert _called("simplecache::file:///home/me/a.parquet") == "a.parquet"


def test_mistakes_are_one_sentence_and_write_nothing(tmp_path: Path) -> None:
    out = str(tmp_path / "c.json")
    for words, told in (
        ((CORPUS, "--registry", "menagerie", "--column", "captoin"), "Did you mean caption"),
        ((CORPUS, "--registry", "menagerie,menagerie"), "Two of the registries"),
        (("none.parquet",), "does not exist"),
    ):
        with pytest.raises(UserError, match=told):
            invoke("count", *words, "--out", out)
    assert not Path(out).exists()


def test_a_ranking_of_a_counts_file_is_that_of_the_captions(tmp_path: Path) -> None:
    counts = tmp_path / "c.json"
    invoke("count", CORPUS, "--registry", "menagerie", "--out", str(counts))
    for source, name in ((str(counts), "a"), (CORPUS, "b")):
        invoke("mine", "cooccurrence", source, "--candidates", "corpus", "--out", str(tmp_path / name))
    one, two = ((tmp_path / n / "rankings" / "cooc.jsonl").read_text("utf-8").splitlines() for n in "ab")
    wanted = ("character", "rank", "term", "kind", "score", "joint")
    assert [[json.loads(r)[k] for k in wanted] for r in one] == [
        [json.loads(r)[k] for k in wanted] for r in two
    ]
    for more, told in (
        (("--by", "pmi"), "needs the captions"),
        (("--phrase", "2"), "single words"),
        (("--limit", "9"), "--limit"),
    ):
        with pytest.raises(UserError, match=told):
            invoke(
                "mine", "cooccurrence", str(counts), "--candidates", "corpus", *more, "--out", str(tmp_path)
            )
    with pytest.raises(UserError, match="no words beside the names of copycat"):
        invoke(
            "mine", "cooccurrence", str(counts), "--registry", "copycat", "--candidates", "corpus",
            "--out", str(tmp_path),
        )  # fmt: skip


def test_a_candidate_that_is_two_words_as_words_are_compared_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"caption": ["Zori in a t-shirt"] * 3}), tmp_path / "a.parquet")
    counts = tmp_path / "c.json"
    invoke("count", str(tmp_path / "a.parquet"), "--registry", PEOPLE, "--out", str(counts), "--workers", "1")
    words = tmp_path / "words.jsonl"
    row = {"character": "zori", "rank": 1, "term": "t-shirt", "kind": "generic", "score": 1.0, "joint": None}
    words.write_text(json.dumps(row) + "\n")
    more = ("--registry", PEOPLE, "--candidates", str(words), "--out", str(tmp_path / "mined"))
    with pytest.raises(UserError, match="single words and no phrases such as 't-shirt'; mine the captions"):
        invoke("mine", "cooccurrence", str(counts), *more)
    _, told = invoke("mine", "cooccurrence", str(tmp_path / "a.parquet"), *more)
    ranking = (tmp_path / "mined" / "rankings" / "cooc.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(r)["joint"] for r in ranking] == [3], told


def test_a_ranking_says_what_a_counts_file_keeps_no_number_of(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.json", tmp_path / "cut.json"
    invoke("count", CORPUS, "--registry", "menagerie", "--out", str(whole))
    invoke("count", CORPUS, "--registry", "menagerie", "--out", str(cut), "--words", "5")
    assert (read_counts_file(whole).words_kept, read_counts_file(cut).words_kept) == (1_000, 5)
    for more in ((), ("--candidates", "corpus")):
        _, told = invoke("mine", "cooccurrence", str(whole), *more, "--out", str(tmp_path / "a"))
        assert "most frequent words" not in told
        _, told = invoke("mine", "cooccurrence", str(cut), *more, "--out", str(tmp_path / "b"))
        assert told.count("keep the 5 most frequent words beside each name: ") == 1
        assert "characters: 50), " in told
