"""Reading shards: every format gives the same captions, and no broken one passes for whole."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from copycat.counting import readers
from copycat.counting.shards import BROKEN, find_shards
from copycat.errors import BadFile, MissingRequirement, UnknownName

TEXTS = ["an owl", 'a "red" cape, worn', "Pokémon", "two\twords", "x" * 5_000, "n°5 🜛", "", "end"]
READ = [t for t in TEXTS if t]


def parquet(path: Path) -> None:
    pq.write_table(pa.table({"URL": ["u"] * len(TEXTS), "TEXT": [*TEXTS[:-2], None, TEXTS[-1]]}), path)


def csv(path: Path) -> None:
    pa_csv.write_csv(pa.table({"a": list(range(len(TEXTS))), "caption": TEXTS}), path)


def tsv(path: Path) -> None:
    rows = [f"{i}\t{_without_tab(text)}\n" for i, text in enumerate(TEXTS)]
    path.write_text("".join(["a\tcaption\n", *rows]), encoding="utf-8")


def _without_tab(text: str) -> str:
    return text.replace("\t", " ")


def expected(name: str) -> list[str]:
    """What is read of a file: one with tabs between its columns can have none in a caption."""
    return [_without_tab(t) for t in READ] if ".tsv" in name else READ


def jsonl(path: Path) -> None:
    rows = [json.dumps({"url": "u", "text": t or None, "more": {"deep": [1]}}) for t in TEXTS]
    path.write_text("\n\n".join(rows) + "\n", encoding="utf-8")


def lines(path: Path) -> None:
    path.write_text("\r\n".join(TEXTS), encoding="utf-8")


def tar(path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        for i, text in enumerate(TEXTS):
            for suffix, content in (("jpg", b"\xff\xd8"), ("txt", text.encode()), ("json", b'{"alt": "a"}')):
                member = tarfile.TarInfo(f"{i:06}.{suffix}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


WRITERS: dict[str, Callable[[Path], None]] = {
    "a.parquet": parquet, "b.csv": csv, "c.tsv": tsv, "d.jsonl": jsonl, "e.txt": lines, "f.tar": tar,
}  # fmt: skip


def compressed(path: Path, ending: str) -> Path:
    out = path.with_name(path.name + ending)
    with pa.CompressedOutputStream(str(out), readers.COMPRESSED[ending]) as sink:
        sink.write(path.read_bytes())
    path.unlink()
    return out


def texts(path: Path | str, column: str | None = None) -> list[str]:
    (shard,) = find_shards([str(path)])
    return [c.as_py().decode() for batch in shard.batches(column) for c in batch]


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("ending", ["", *readers.COMPRESSED])
def test_every_format_gives_the_same_captions(tmp_path: Path, name: str, ending: str) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    if ending and name == "a.parquet":
        assert not readers.format_of(f"{name}{ending}"), "a Parquet file is compressed inside"
        return
    assert texts(compressed(path, ending) if ending else path) == expected(name)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_a_shard_that_is_cut_off_never_passes_for_whole(tmp_path: Path, name: str, ending: str) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    if ending and name == "a.parquet":
        return
    path = compressed(path, ending) if ending else path
    whole = path.read_bytes()
    if name == "f.tar" and not ending:
        whole = whole.rstrip(b"\0") + bytes(512)  # what follows is only padding
    # Lines that are cut off at their end, and text that has no form at all, cannot be told from whole ones.
    for size in range(1, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:size])
        if not ending and name in ("b.csv", "c.tsv", "d.jsonl", "e.txt"):
            continue
        with pytest.raises((*BROKEN, BadFile)):
            texts(path)


@pytest.mark.parametrize("name", [n for n in WRITERS if n != "e.txt"])
def test_a_shard_that_is_not_what_its_name_says_is_refused(tmp_path: Path, name: str) -> None:
    for other in WRITERS:
        if other == name or {other, name} == {"b.csv", "c.tsv"}:
            continue
        WRITERS[other](tmp_path / "other")
        (tmp_path / "other").rename(tmp_path / name)
        with pytest.raises((*BROKEN, BadFile)):
            texts(tmp_path / name)
    for ending in (".gz", ".zst"):
        (tmp_path / f"d.jsonl{ending}").write_bytes(b'{"text": "an owl"}\n')
        with pytest.raises(BROKEN):
            texts(tmp_path / f"d.jsonl{ending}")


def test_columns_are_found_named_and_missed_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"alt": ["an owl"], "size": [3], "tags": [["a"]]}), path)
    with pytest.raises(BadFile, match=r"no caption column .* --column \(it has alt, size, tags\)"):
        texts(path)
    with pytest.raises(UnknownName, match="Did you mean alt"):
        texts(path, "alts")
    assert texts(path, "alt") == ["an owl"]
    assert texts(path, "size") == ["3"]
    with pytest.raises(ValueError, match="not text"):
        texts(path, "tags")
    tar(tmp_path / "f.tar")
    assert texts(tmp_path / "f.tar", "alt") == ["a"] * len(TEXTS)


def test_odd_lines_of_json(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": 5}\n{"text": "a\\ud800b"}\n{"other": 1}\n  \n{"text": null}\n{"text": "e"}')
    with pytest.raises(ValueError, match="a line is no JSON object"):
        texts(path)  # half a surrogate pair
    path.write_bytes(
        b'\xef\xbb\xbf\n{"text": 5}\n{"text": "a"}\n{"other": 1}\n  \n{"text": null}\n{"text": "e"}'
    )
    assert texts(path) == ["5", "a", "e"]
    path.write_bytes(b'{"text": "a"}\n' + b"[" * 100_000)
    with pytest.raises(ValueError, match="a line"):
        texts(path)


def test_captions_with_lines_in_csv(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('\ufeffid,caption\n1,"two\nlines, one caption"\n2,b\n', encoding="utf-8")
    assert texts(tmp_path / "a.csv") == ["two\nlines, one caption", "b"]
    (tmp_path / "a.csv").write_text("id,caption\n1,a\n2,b,c\n", encoding="utf-8")
    with pytest.raises(ValueError, match="Expected 2 columns"):
        texts(tmp_path / "a.csv")


def test_quotation_marks_between_tabs_are_a_captions_own(tmp_path: Path) -> None:
    rows = [
        "caption\turl",
        '"Mario jumps\tu',
        "Luigi\tu",
        'he said "yes"\tu',
        '"a whole one"\tu',
        '5" tall\tu',
    ]
    (tmp_path / "a.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert texts(tmp_path / "a.tsv") == [r.split("\t")[0] for r in rows[1:]]


def test_blocks_and_batches_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, write in WRITERS.items():
        write(tmp_path / name)
    monkeypatch.setattr(readers, "_BLOCK", 7_000)
    monkeypatch.setattr(readers, "BATCH", 2)
    for name in WRITERS:
        assert texts(tmp_path / name) == expected(name), name


@pytest.mark.parametrize("name", ["long.parquet", "long.tar"])
def test_long_captions_are_read_few_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    captions = [f"{i} " + "long " * 200 for i in range(20)]
    if name.endswith(".tar"):
        with tarfile.open(tmp_path / name, "w") as archive:
            for i, caption in enumerate(captions):
                member = tarfile.TarInfo(f"{i:02}.txt")
                member.size = len(caption)
                archive.addfile(member, io.BytesIO(caption.encode()))
    else:
        table = pa.table({"caption": captions})
        pq.write_table(table, tmp_path / name, use_dictionary=False)
    monkeypatch.setattr(readers, "_MOST", 5_000)
    with (tmp_path / name).open("rb") as file:
        batches = [batch.to_pylist() for batch in readers.read(file, name, None)]
    assert [c.decode() for batch in batches for c in batch] == captions
    assert max(map(len, batches)) in (4, 5)


def test_a_line_or_file_that_is_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_LONGEST", 4_000)
    monkeypatch.setattr(readers, "_BLOCK", 700)
    for name, words in (
        ("d.jsonl", "a line is longer"),
        ("e.txt", "a line is longer"),
        ("f.tar", "is longer than"),
    ):
        WRITERS[name](tmp_path / name)
        with pytest.raises(ValueError, match=words):
            texts(tmp_path / name)


def test_json_that_is_nested_too_deeply_is_a_broken_file(tmp_path: Path) -> None:
    content = b'{"alt": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        member = tarfile.TarInfo("0.json")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    (tmp_path / "b.jsonl").write_bytes(content)
    with pytest.raises(ValueError, match=r"^0\.json in .*a\.tar is nested too deeply$"):
        texts(tmp_path / "a.tar", "alt")
    with pytest.raises(ValueError, match=r"^a line is nested too deeply$"):
        texts(tmp_path / "b.jsonl", "alt")


def test_folders_patterns_and_addresses(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    jsonl(tmp_path / "deep" / "b.jsonl")
    parquet(tmp_path / "a.parquet")
    (tmp_path / "notes.md").write_text("no corpus")
    assert [s.name for s in find_shards([str(tmp_path)])] == ["a.parquet", "deep/b.jsonl"]
    assert [s.name for s in find_shards([str(tmp_path / "*.parquet"), str(tmp_path)])] == [
        "a.parquet",
        "deep/b.jsonl",
    ], "each once"
    with fsspec.open("memory://captions/x.jsonl.gz", "wb") as f:
        f.write(gzip.compress((tmp_path / "deep" / "b.jsonl").read_bytes()))
    assert texts("memory://captions/x.jsonl.gz") == READ
    assert [s.name for s in find_shards(["memory://captions", "memory://captions/*.gz"])] == ["x.jsonl.gz"]
    with pytest.raises(BadFile, match="holds no"):
        find_shards(["memory://elsewhere"])
    with pytest.raises(MissingRequirement, match="cannot be reached"):
        find_shards(["nothing-such://x/y.parquet"])
    with pytest.raises(BadFile, match="does not exist"):
        find_shards([str(tmp_path / "none.parquet")])
    with pytest.raises(BadFile, match="is none of"):
        find_shards([str(tmp_path / "notes.md")])


def test_an_error_of_a_store_is_one_of_its_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    with fsspec.open("memory://captions/y.jsonl", "wb") as f:
        f.write(b'{"text": "a"}')
    (shard,) = find_shards(["memory://captions/y.jsonl"])

    class StoreError(Exception):
        pass

    def fail(*_: object, **__: object) -> None:
        raise StoreError("throttled")

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem._open", fail)
    with pytest.raises(OSError, match="StoreError: throttled"):
        list(shard.batches(None))


def test_a_stamp_changes_with_the_file(tmp_path: Path) -> None:
    jsonl(tmp_path / "a.jsonl")
    (before,) = find_shards([str(tmp_path)])
    assert find_shards([str(tmp_path)]) == [before]
    (tmp_path / "a.jsonl").write_text('{"text": "else"}\n')
    assert find_shards([str(tmp_path)])[0].stamp != before.stamp


class Streamed:
    """As much of a streaming dataset as is used; one of CSV files does not know its columns."""

    def __init__(self, rows: list[str | None], shards: int = 3, *, known: bool = True) -> None:
        self.rows, self.num_shards, self.known = rows, shards, known
        self.column_names = ["url", "caption"] if known else None

    def shard(self, num_shards: int, index: int) -> Streamed:
        return Streamed(self.rows[index::num_shards], 1, known=self.known)

    def select_columns(self, names: list[str]) -> Streamed:
        assert names == ["caption"]
        return self

    def __iter__(self) -> Iterator[dict[str, Any]]:
        assert not self.known, "a row is read for its columns alone"
        yield from ({"url": "u", "caption": row} for row in self.rows)

    def iter(self, batch_size: int) -> Iterator[dict[str, Any]]:
        yield {"caption": self.rows}


@pytest.mark.parametrize("known", [True, False])
def test_a_dataset_on_the_hub_is_streamed_by_its_shards(monkeypatch: pytest.MonkeyPatch, known: bool) -> None:
    asked: list[tuple[Any, ...]] = []

    def load(name: str, **more: Any) -> Streamed:
        asked.append((name, more["revision"], more["streaming"]))
        return Streamed(["a", None, "b", "c", ""], known=known)

    monkeypatch.setattr("datasets.load_dataset", load)
    shards = find_shards(["some/captions@abc"])
    assert [s.name for s in shards] == [f"some/captions@abc[{i}]" for i in range(3)]
    for column in (None, "caption"):
        read = [c.as_py() for s in shards for b in s.batches(column) for c in b]
        assert sorted(read) == [b"a", b"b", b"c"]
    assert set(asked) == {("some/captions", "abc", True)}
    with pytest.raises(UnknownName, match="Did you mean caption"):
        list(shards[0].batches("captoin"))


def test_csv_files_that_are_streamed_have_the_columns_of_their_first_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    real = datasets.load_dataset
    (tmp_path / "a.csv").write_text("url,caption\nu,an owl\nu,Zori\n")
    (tmp_path / "b.csv").write_text("url,caption\n")
    files = [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]

    def load(name: str, *, split: str, streaming: bool, revision: str | None) -> Any:
        assert (name, revision) == ("some/captions", None)
        return real(
            "csv", data_files=files, split=split, streaming=streaming, cache_dir=str(tmp_path / "cache")
        )

    monkeypatch.setattr("datasets.load_dataset", load)
    found = [[c.as_py() for b in s.batches(None) for c in b] for s in find_shards(["some/captions"])]
    assert found == [[b"an owl", b"Zori"], []]


def test_errors_of_what_reads_the_hub_are_of_its_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    class HubError(Exception):
        pass

    class Failing(Streamed):
        def shard(self, num_shards: int, index: int) -> Streamed:
            return Failing(self.rows)

        def iter(self, batch_size: int) -> Iterator[dict[str, Any]]:
            raise HubError("gateway\nlong story")

    monkeypatch.setattr("datasets.load_dataset", lambda *_, **__: Failing(["a"]))
    shard, *_ = find_shards(["some/captions"])
    with pytest.raises(OSError, match=r"^HubError: gateway$"):
        list(shard.batches(None))

    def fail(*_: Any, **__: Any) -> None:
        raise HubError("no route")

    monkeypatch.setattr("datasets.load_dataset", fail)
    with pytest.raises(MissingRequirement, match=r"cannot be read from the hub \(no route\)"):
        find_shards(["some/captions"])
