"""Counting a whole corpus: equal to the slow way on every engine, resumed by shard, and honest."""

from __future__ import annotations

import errno
import os
import platform
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from copycat.counting import engines, tables, work
from copycat.counting.claims import parts_folder
from copycat.counting.corpus import About, Outcome, count_corpus
from copycat.counting.engines import Workers
from copycat.counting.names import concepts
from copycat.counting.parts import Rule
from copycat.counting.shards import find_shards
from copycat.errors import BadFile, MissingRequirement, RunConflict, UnknownName
from copycat.io.atomic import locked
from copycat.subjects.characters import Registry, load_registry
from copycat.subjects.counts import Counts, read_counts_file
from tests.helpers.counted import slowly

FOLDER = Path(__file__).parents[1] / "data" / "counting"
PEOPLE = load_registry(str(FOLDER / "people.yaml"))
HARD = yaml.safe_load((FOLDER / "hard.yaml").read_text(encoding="utf-8"))
ABOUT = About("tiny", "a test", ("hard 1",))


@pytest.fixture
def captions() -> list[str]:
    """Hard ones, joined in twos, many of them more than once."""
    rng = random.Random(7)
    pool = [text for half in HARD.values() for text, *_ in half]
    return [" ".join(rng.choices(pool, k=rng.randint(1, 2))) for _ in range(900)]


@pytest.fixture
def corpus(tmp_path: Path, captions: list[str]) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    for i in range(4):
        pq.write_table(pa.table({"TEXT": captions[i::4]}), folder / f"{i}.parquet", row_group_size=100)
    return folder


def run(corpus: Path, out: Path, told: list[str] | None = None, **more: object) -> Outcome:
    rule = Rule(concepts([PEOPLE]), distinct=bool(more.pop("distinct", False)))
    tell = (told if told is not None else []).append
    return count_corpus(find_shards([str(corpus)]), rule, ABOUT, out, tell=tell, **more)  # type: ignore[arg-type]


def equal(counts: Counts, captions: Sequence[str], *, distinct: bool = False) -> None:
    expected = slowly(captions, PEOPLE, distinct=distinct)
    assert counts.total == expected.captions
    for c in counts.characters:
        assert c.count == expected.named[c.slug], c.slug
        assert c.doubtful == expected.doubtful[c.slug], c.slug
        assert c.names == {n: expected.by_name[n] for n in c.names}, c.slug
        most = sorted(expected.words.get(c.slug, {}).items(), key=lambda x: (-x[1], x[0].encode()))
        assert list(c.words) == most[:1_000], c.slug


@pytest.mark.parametrize("distinct", [False, True])
@pytest.mark.parametrize("most", [10**9, 40])
def test_counts_are_those_of_the_slow_way(
    corpus: Path,
    tmp_path: Path,
    captions: list[str],
    distinct: bool,
    most: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # With a small limit every batch goes to disk by itself, and what it left is merged in many stages.
    monkeypatch.setattr(tables, "FAN_IN", min(most, 2))
    monkeypatch.setattr(tables, "MOST_ROWS", most)
    monkeypatch.setattr(work.WordTables.take, "__defaults__", (most,))
    monkeypatch.setattr(work, "MOST_TEXT", most)
    monkeypatch.setattr("copycat.counting.readers.BATCH", 64)
    out = tmp_path / "counts.json"
    told: list[str] = []
    outcome = run(corpus, out, told, distinct=distinct, workers=Workers(1))
    equal(outcome.counts, captions, distinct=distinct)
    assert outcome.counts.unit == ("distinct captions" if distinct else "captions")
    assert read_counts_file(out) == outcome.counts
    assert not parts_folder(out).exists()
    assert outcome.counted == 4


def test_two_processes_give_the_file_of_one(corpus: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    run(corpus, one, workers=Workers(1))
    run(corpus, two, workers=Workers(2))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.slow
def test_a_ray_cluster_gives_the_file_of_one_process(corpus: Path, tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    run(corpus, one, workers=Workers(1))
    try:
        run(corpus, two, engine="ray", workers=Workers(2))
    finally:
        ray.shutdown()
    assert one.read_bytes() == two.read_bytes()


def test_broken_shards_are_skipped_named_and_counted_once_they_are_mended(
    corpus: Path, tmp_path: Path, captions: list[str]
) -> None:
    out, told = tmp_path / "counts.json", list[str]()
    whole = (corpus / "1.parquet").read_bytes()
    (corpus / "1.parquet").write_bytes(whole[: len(whole) // 2])
    pq.write_table(pa.table({"alt": ["Zori"]}), corpus / "other.parquet")
    outcome = run(corpus, out, told, workers=Workers(1))
    assert [s.shard for s in outcome.skipped] == ["1.parquet", "other.parquet"]
    assert [line.split(":")[0] for line in told] == ["Skipped 1.parquet", "Skipped other.parquet"]
    assert [s.split(":")[0] for s in outcome.counts.skipped] == ["1.parquet", "other.parquet"]
    assert outcome.counts.shards == 3
    equal(outcome.counts, [c for i in (0, 2, 3) for c in captions[i::4]])
    assert parts_folder(out).is_dir()
    # Mended: only those that are missing are counted.
    (corpus / "1.parquet").write_bytes(whole)
    (corpus / "other.parquet").unlink()
    again = run(corpus, out, told, workers=Workers(1))
    assert (again.counted, again.skipped) == (1, ())
    assert "3 of 4 shards are counted already." in told
    equal(again.counts, captions)
    assert run(corpus, out, told).counted == 0
    assert told[-1].endswith("is complete already.")


def test_a_shard_that_breaks_late_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work.WordTables.take, "__defaults__", (0,))
    monkeypatch.setattr("copycat.counting.readers._BLOCK", 1_000)
    for name in ("a", "b"):
        rows = b'{"text": "a Zori"}\n' * 500
        (tmp_path / f"{name}.jsonl").write_bytes(rows + (b"cut {" if name == "a" else b""))
    out = tmp_path / "counts.json"
    outcome = run(tmp_path, out, workers=Workers(1), keep_parts=True)
    assert [s.shard for s in outcome.skipped] == ["a.jsonl"]
    assert outcome.counts.by_slug["zori"].count == 500
    kept = [p.name.split(".")[0] for p in parts_folder(out).iterdir() if p.suffix in (".json", ".arrow")]
    assert len(set(kept)) == 1, "of the whole one alone"


def test_nothing_to_read_is_one_sentence_and_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "counts.json"
    told: list[str] = []
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(BadFile, match=r"No shard could be read: a\.parquet \("):
        run(tmp_path / "a.parquet", out, told)
    pq.write_table(pa.table({"alt": ["Zori"]}), tmp_path / "a.parquet")
    with pytest.raises(BadFile, match=r"a\.parquet has no caption column .*--column .*\)\.$"):
        run(tmp_path / "a.parquet", out, told)
    rule = Rule(concepts([PEOPLE]), "alts")
    with pytest.raises(BadFile, match=r"Did you mean alt\?$"):
        count_corpus(find_shards([str(tmp_path / "a.parquet")]), rule, ABOUT, out, tell=told.append)
    assert told == [], "it is said once"
    for folder in (tmp_path, Path()):
        with pytest.raises(
            BadFile, match=r"is a folder; name the file to write, such as --out .*counts.json"
        ):
            run(tmp_path / "a.parquet", folder)
    for folder in (tmp_path / "a.parquet", Path("/proc")):
        with pytest.raises(MissingRequirement, match=r"^Cannot write .*; choose another folder\.$"):
            run(tmp_path / "a.parquet", folder / "counts.json")
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"]
    with pytest.raises(UnknownName, match="engine"):
        run(tmp_path / "a.parquet", out, engine="rays")


def test_shards_that_break_one_after_the_other_are_told_as_they_come(tmp_path: Path) -> None:
    told: list[str] = []
    for name in "abc":
        (tmp_path / f"{name}.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(BadFile, match=r"No shard could be read: a\.parquet .*, and 2 more"):
        run(tmp_path, tmp_path / "counts.json", told, workers=Workers(1))
    assert [line.split(":")[0] for line in told] == [f"Skipped {name}.parquet" for name in "abc"]


def test_a_full_disk_keeps_what_is_finished(
    corpus: Path, tmp_path: Path, captions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, real, calls = tmp_path / "counts.json", os.fsync, iter(range(100))

    def full(descriptor: int) -> None:
        if next(calls) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(MissingRequirement, match=r"disk .* is full; .*what is finished is kept"):
            run(corpus, out, workers=Workers(1))
    assert not out.exists()
    outcome = run(corpus, out, workers=Workers(1))
    assert outcome.counted == 3
    equal(outcome.counts, captions)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library does as it likes")
def test_processes_that_count_keep_the_memory_they_need_again() -> None:
    code = (
        "import resource; from copycat.counting import engines\n"
        "def fresh():\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "    for _ in range(20): some = [bytearray(b'x') * 700_000 for _ in range(8)]; del some\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before\n"
        "plain = fresh(); engines._alone(); fresh(); print(plain, fresh())"
    )
    plain, kept = map(int, subprocess.check_output([sys.executable, "-c", code]).split())
    assert kept < plain / 10


def test_a_killed_process_is_one_sentence(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "_alone", _die)
    with pytest.raises(MissingRequirement, match=r"was killed, .* --workers 1"):
        run(corpus, tmp_path / "counts.json", workers=Workers(2))


def _die() -> None:
    os._exit(9)


def test_counts_of_something_else_are_not_overwritten(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "counts.json"
    run(corpus, out, workers=Workers(1))
    before = out.read_bytes()
    other = tmp_path / "other"
    other.mkdir()
    pq.write_table(pa.table({"TEXT": ["Zori"]}), other / "0.parquet")
    for source, more in ((other, {}), (corpus, {"distinct": True})):
        with pytest.raises(RunConflict, match=r"holds counts of other files, names or settings \(tiny, "):
            run(source, out, **more)
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(RunConflict, match="no counts file"):
        run(corpus, tmp_path / "x.json")
    assert out.read_bytes() == before
    locked_out = tmp_path / "locked.json"
    with (
        locked(parts_folder(locked_out) / "lock"),
        pytest.raises(RunConflict, match="Another process is counting"),
    ):
        run(corpus, locked_out)


@pytest.mark.parametrize("how", ["changed", "more", "fewer"])
def test_files_that_have_changed_since_they_were_all_counted_are_told(
    corpus: Path, tmp_path: Path, how: str
) -> None:
    out = tmp_path / "counts.json"
    made = run(corpus, out, workers=Workers(1)).counts
    before = out.read_bytes()
    if how == "fewer":
        (corpus / "3.parquet").unlink()
    else:
        pq.write_table(pa.table({"TEXT": ["Zori"]}), corpus / f"{3 if how == 'changed' else 4}.parquet")
    told = f"^The files of tiny have changed since {made.date}, when .* was made; remove .* another --out\\.$"
    with pytest.raises(RunConflict, match=told):
        run(corpus, out)
    assert out.read_bytes() == before


def test_another_number_of_words_than_a_complete_file_keeps_is_told(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "counts.json"
    run(corpus, out, workers=Workers(1))
    before = out.read_bytes()
    with pytest.raises(RunConflict, match="keeps 1000 words beside each name, and --words says 5; remove"):
        run(corpus, out, keep_words=5)
    assert out.read_bytes() == before


def everything(out: Path) -> dict[str, bytes]:
    """The counts file, and all that is kept beside it."""
    return {p.name: p.read_bytes() for p in (out, *parts_folder(out).iterdir())}


@pytest.mark.parametrize("why", ["kept", "skipped", "killed"])
def test_parts_of_something_else_are_neither_used_nor_removed(
    corpus: Path, tmp_path: Path, captions: list[str], why: str
) -> None:
    out, told = tmp_path / "counts.json", list[str]()
    if why == "skipped":
        (corpus / "1.parquet").write_bytes(b"cut")
    run(corpus, out, workers=Workers(1), keep_parts=why == "kept")
    if why == "killed":
        run(corpus, tmp_path / "same.json", workers=Workers(1), keep_parts=True)
        parts_folder(tmp_path / "same.json").rename(parts_folder(out))
    before = everything(out)
    if why == "killed":
        out.unlink()
    other = tmp_path / "other"
    other.mkdir()
    pq.write_table(pa.table({"TEXT": ["Zori"]}), other / "0.parquet")
    for source, more in ((other, {}), (corpus, {"distinct": True})):
        with pytest.raises(RunConflict, match=r"other files, names or settings \(tiny"):
            run(source, out, workers=Workers(1), **more)
    if why == "killed":
        assert not out.exists()
        out.write_bytes(before[out.name])
    assert everything(out) == before
    # The same command goes on, also with a file more and another number of words.
    pq.write_table(pa.table({"TEXT": ["Zori"]}), corpus / "4.parquet")
    again = run(corpus, out, told, workers=Workers(1), keep_words=1)
    assert again.counted == 1
    assert {len(c.words) for c in again.counts.characters} == {1}


def test_parts_that_nobody_claims_stay(corpus: Path, tmp_path: Path) -> None:
    folder = parts_folder(tmp_path / "counts.json")
    folder.mkdir()
    (folder / "some.json").write_text("{}")
    with pytest.raises(RunConflict, match=r"keeps what was counted .*\(unknown\)"):
        run(corpus, tmp_path / "counts.json")
    assert (folder / "some.json").exists()


def test_finished_parts_outlive_a_corpus_that_cannot_be_read(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "counts.json"
    run(corpus, out, workers=Workers(1), keep_parts=True)
    kept = set(parts_folder(out).iterdir())
    for shard in corpus.iterdir():
        shard.write_bytes(b"cut")
    with pytest.raises(BadFile, match="No shard could be read"):
        run(corpus, out, workers=Workers(1))
    assert set(parts_folder(out).iterdir()) == kept


def test_names_in_very_many_captions_are_told(tmp_path: Path) -> None:
    told: list[str] = []
    rows = ["a link"] * 30 + ["nothing"] * 970
    pq.write_table(
        pa.table({"caption": [r.encode() for r in rows[:-1]] + [b"bad \xff"]}), tmp_path / "a.parquet"
    )
    run(tmp_path, tmp_path / "c.json", told)
    assert told == [
        "In more than 1% of all captions, so perhaps other things too: link (3.0%).",
        "Captions with bytes that are not UTF-8, taken for spaces: 1.",
    ]


def test_a_corpus_that_names_nobody_has_counts_of_zero(tmp_path: Path) -> None:
    registry = Registry("r", 1, PEOPLE.characters[:1])
    pq.write_table(pa.table({"caption": ["nobody"]}), tmp_path / "a.parquet")
    rule = Rule(concepts([registry]))
    counts = count_corpus(find_shards([str(tmp_path)]), rule, ABOUT, tmp_path / "c.json", tell=str).counts
    assert [(c.slug, c.count, c.words) for c in counts.characters] == [("zori", 0, ())]
