"""Asking an index: what is sent, what is made of its answers, and that no failure becomes a zero."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.counting.asking import count_in_index
from copycat.counting.claims import parts_folder
from copycat.counting.index import Elasticsearch, InfiniGram, Server
from copycat.errors import MissingRequirement, RunConflict, UserError
from copycat.subjects.characters import Registry, load_registry, normalise
from copycat.subjects.counts import read_counts_file
from tests.counting.test_tally import FOLDER

DOCUMENTS = ["Zori the brave", "zori and Link", "a link", "Lady Zori-Ann", "nothing", "Zori hat", "zori hat"]
ZORI = Registry("r", 1, load_registry(str(FOLDER / "people.yaml")).characters[:1])
Answer = tuple[int, Any]


class Indices(ThreadingHTTPServer):
    """Both kinds of index over DOCUMENTS; `first` is said in place of the first answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.first: list[Answer] = []
        self.asked: list[tuple[str, dict[str, Any], str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Indices

    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, body, self.headers["Authorization"]))
        status, reply = self.server.first.pop(0) if self.server.first else (200, answer(self.path, body))
        content = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Retry-After", "0")
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.end_headers()
        self.wfile.write(content)


def answer(path: str, body: dict[str, Any]) -> dict[str, Any]:
    if path == "/captions/_count":
        return {"count": sum(matches(body["query"], d) for d in DOCUMENTS), "_shards": {"failed": 0}}
    assert body.keys() == {"index", "query_type", "query"}
    return {"count": " | ".join(DOCUMENTS).count(body["query"]), "approx": False}


def matches(query: dict[str, Any], document: str) -> bool:
    ((kind, told),) = query.items()
    if kind == "match_all":
        return True
    if kind == "match_phrase":
        return f" {normalise(told['text'])} " in f" {normalise(document)} "
    assert told.get("minimum_should_match", 1) == 1
    return all(matches(q, document) for q in told.get("must", [])) and (
        "should" not in told or any(matches(q, document) for q in told["should"])
    )


@contextmanager
def indices() -> Iterator[Indices]:
    server = Indices()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def serving(server: Indices, **more: Any) -> Iterator[Server]:
    found = Server(server.url, **more)
    try:
        yield found
    finally:
        found.close()


def elastic(server: Server) -> Elasticsearch:
    return Elasticsearch(server, "captions", "text")


def test_documents_that_hold_any_name_and_a_word(tmp_path: Path) -> None:
    with indices() as server, serving(server) as told:
        words = {"zori": ["hat", "cape", "brave"]}
        counts = count_in_index(elastic(told), [ZORI], words, "tiny", "a test", tmp_path / "c.json")
    (zori,) = counts.characters
    assert (counts.total, counts.unit, counts.corpus) == (7, "documents", "tiny")
    assert zori.count == 5, "each document once, whatever names it holds"
    assert zori.names == {"Zori": 5, "Zori the Brave": 1, "Lady Zori-Ann": 1}
    assert zori.words == (("hat", 2), ("brave", 1), ("cape", 0))


def test_occurrences_are_counted_as_spelt_and_once(tmp_path: Path) -> None:
    with indices() as server, serving(server) as told:
        counts = count_in_index(InfiniGram(told, "v4"), [ZORI], {}, "tiny", "a test", tmp_path / "c.json")
    (zori,) = counts.characters
    assert (zori.count, counts.unit, counts.total) == (3, "occurrences", None)
    assert {body["index"] for _, body, _ in server.asked} == {"v4"}


def test_a_key_is_sent_and_kept_out_of_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_INDEX_KEY", "s3cret-and-long-enough")
    with indices() as server, serving(server, key_env="MY_INDEX_KEY") as told:
        server.first = [(403, b"no access for s3cret-and-long-enough")]
        with pytest.raises(
            MissingRequirement, match=r"HTTP Error 403.* no access for \[redacted\]"
        ) as caught:
            elastic(told).total()
        assert "s3cret" not in str(caught.value)
    with indices() as server, serving(server, key_env="MY_INDEX_KEY", retries=0) as told:
        for answer in ((400, b"no field for s3cret-and-long-enough"), (302, b"elsewhere")):
            server.first = [answer]
            with pytest.raises(MissingRequirement, match="gave no count") as caught:
                elastic(told).total()
            assert "s3cret" not in str(caught.value)
    assert len(server.asked) == 2, "nobody else was asked"
    assert server.asked[0][2] == "ApiKey s3cret-and-long-enough"
    assert "s3cret" not in str(caught.value)
    monkeypatch.delenv("MY_INDEX_KEY")
    with pytest.raises(MissingRequirement, match="set the environment variable MY_INDEX_KEY"):
        Server(server.url, key_env="MY_INDEX_KEY")


def test_what_can_be_mended_by_asking_again_is_asked_again() -> None:
    with indices() as server, serving(server) as told:
        server.first = [(429, {"error": "slow down"}), (503, b"oops")]
        assert elastic(told).total() == len(DOCUMENTS)
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    "first",
    [
        (200, {"error": "no index"}), (200, {"count": -1}), (200, {"count": True}), (200, {"count": "7"}),
        (200, [7]), (200, b"<html>"), (400, {"error": {"reason": "no field"}}), (404, b"no"), (200, b""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", [elastic, lambda server: InfiniGram(server, "v4")])
def test_no_answer_is_no_zero(first: Answer, kind: Callable[[Server], Any]) -> None:
    with indices() as server, serving(server, retries=0) as told:
        server.first = [first]
        with pytest.raises(MissingRequirement, match=r"[Ii]ndex"):
            kind(told).count(["Zori"])


def test_a_number_without_some_shards_of_the_index_is_none() -> None:
    with indices() as server, serving(server, retries=0) as told:
        server.first = [(200, {"count": 0, "_shards": {"failed": 2}})]
        with pytest.raises(MissingRequirement, match="2 shards of the index did not answer"):
            elastic(told).count(["Zori"])


def test_what_was_asked_is_not_asked_again(tmp_path: Path) -> None:
    people = [Registry("r", 1, load_registry(str(FOLDER / "people.yaml")).characters[:4])]
    out, said = tmp_path / "c.json", list[str]()

    with indices() as server, serving(server) as told:
        whole = count_in_index(elastic(told), people, {}, "tiny", "a test", tmp_path / "whole.json")
        asked = [body["query"] for _, body, _ in server.asked]
    with indices() as server, serving(server, retries=0) as told:
        # All that is asked before the third character, and then an error.
        before = sum(len({n for n in c.spoken if normalise(n)}) + 1 for c in people[0].characters[:2])
        server.first = [(200, answer("/captions/_count", {"query": q})) for q in asked[:before]]
        server.first.append((400, b"oops"))
        with pytest.raises(MissingRequirement, match="gave no count"):
            count_in_index(elastic(told), people, {}, "tiny", "a test", out, tell=said.append)
        assert not out.exists()
        assert said == ["The answers for 2 of 4 characters are kept."]
        for other in (InfiniGram(told, "v4"), Elasticsearch(told, "captions", "alt")):
            with pytest.raises(RunConflict, match=r"keeps what was counted of other .*\(tiny\)"):
                count_in_index(other, people, {}, "tiny", "a test", out)
        assert len(server.asked) == before + 1
        # The kept answers belong to this address; a server at another is another index.
        found = count_in_index(elastic(told), people, {}, "tiny", "a test", out, tell=said.append)
        assert said[-1] == "2 of 4 characters have been asked for already."
        assert [body["query"] for _, body, _ in server.asked[before + 1 :]] == asked[before:]
        assert found.characters == whole.characters
        assert not parts_folder(out).exists()
        # Complete: nothing is asked.
        many = len(server.asked)
        assert count_in_index(elastic(told), people, {}, "tiny", "a test", out, tell=said.append) == found
        assert said[-1] == f"{out} is complete already."
        assert len(server.asked) == many


def test_an_index_overwrites_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    out = tmp_path / "c.json"
    with indices() as server, serving(server, retries=0) as told:
        server.first = [(400, b"oops")]
        with pytest.raises(MissingRequirement, match="gave no count"):
            count_in_index(elastic(told), [ZORI], {}, "tiny", "a test", out)
        assert list(tmp_path.iterdir()) == []
        count_in_index(elastic(told), [ZORI], {}, "tiny", "a test", out)
        before, many = out.read_bytes(), len(server.asked)
        with pytest.raises(RunConflict, match=r"holds counts of other files, names or settings \(tiny, "):
            count_in_index(InfiniGram(told, "v4"), [ZORI], {}, "else", "a test", out)
        with pytest.raises(RunConflict, match="holds counts of other"):
            count_in_index(elastic(told), [ZORI], {"zori": ["hat"]}, "tiny", "a test", out)
        assert (out.read_bytes(), len(server.asked)) == (before, many)
        out.write_text("my notes")
        with pytest.raises(RunConflict, match="no counts file"):
            count_in_index(elastic(told), [ZORI], {}, "tiny", "a test", out)
        assert out.read_text() == "my notes"


def test_a_slug_of_two_registries_is_refused_before_the_first_question(tmp_path: Path) -> None:
    with indices() as server, serving(server, retries=0) as told:
        with pytest.raises(UserError, match="Two of the registries have a character zori; count them one"):
            count_in_index(elastic(told), [ZORI, ZORI], {}, "tiny", "a test", tmp_path / "c.json")
        with pytest.raises(UserError, match="nobody to count"):
            count_in_index(elastic(told), [], {}, "tiny", "a test", tmp_path / "c.json")
        assert server.asked == []
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_one_sentence() -> None:
    with indices() as server:
        url = server.url
    told = Server(url, retries=0)
    with pytest.raises(MissingRequirement, match="cannot be reached"):
        elastic(told).total()
    told.close()
    with pytest.raises(UserError, match="an address that begins with https"):
        Server("file:///etc/passwd")


def test_the_verb_writes_a_counts_file_and_refuses_what_does_not_fit(tmp_path: Path) -> None:
    out = tmp_path / "counts.json"
    people = str(FOLDER / "people.yaml")
    common = ["count", "--registry", people, "--out", str(out)]
    with indices() as server:
        here = [*common, "--index", server.url, "--index-name", "captions"]
        done = CliRunner().invoke(app, [*here, "--index-field", "text"])
        assert done.exit_code == 0, done.output
        assert "Zori: 5" in done.output
        found = read_counts_file(out)
        assert found.by_slug["link"].count == 2
        assert found.source == (
            f"copycat count --registry people.yaml --index {server.url} --index-kind elasticsearch "
            "--index-name captions --index-field text"
        )
        before = out.read_bytes()
        done = CliRunner().invoke(app, [*here, "--index-field", "text", "--name", "else"])
        assert isinstance(done.exception, UserError), done.output
        assert "the corpus is called captions; leave --name out" in str(done.exception)
        assert out.read_bytes() == before
        out.unlink()
        for more, words in (
            ([*here, "a.parquet"], "leave the files out"),
            ([*common, "--index", server.url], "--index-name"),
            ([*here, "--index-kind", "infini-gram", "--index-words", "w.yaml"], "--index-words"),
            ([*here, "--distinct", "--words", "1000"], "leave out --distinct, --words."),
            (
                [*here, "--column", "a", "--any-name", "--keep-parts"],
                "out --column, --any-name, --keep-parts.",
            ),
            (
                [*here, "--engine", "ray", "--workers", "2", "--address", "auto"],
                "--engine, --workers, --address.",
            ),
            ([*common, "a.parquet", "--index-name", "captions"], "or leave out --index-name."),
            ([*common, "--index-words", "w.yaml", "--index-key", "K"], "out --index-key, --index-words."),
            (
                [*common, "a.parquet", "--index-kind", "elasticsearch"],
                "add its address, or leave out --index-kind.",
            ),
            ([*common, "a.parquet", "--index-field", "text"], "or leave out --index-field."),
            (common, "Name the caption files"),
            ([*common, str(FOLDER), "--address", "auto"], "--engine ray"),
        ):
            done = CliRunner().invoke(app, more)
            assert isinstance(done.exception, UserError), done.output
            assert words in str(done.exception)
    assert not out.exists()
