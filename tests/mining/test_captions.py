"""Reading caption corpora of every format, whole and broken."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pandas as pd
import pytest

from copycat.errors import BadFile, MissingRequirement, UnknownName
from copycat.mining.captions import Reading, read_captions

TEXTS = ["an owl", 'a "red" cape, worn', "Pokémon"]


def write(folder: Path) -> list[Path]:
    """The same three captions in every format."""
    table = pd.DataFrame({"URL": "u", "TEXT": TEXTS})
    table.to_parquet(folder / "a.parquet")
    table.to_csv(folder / "b.csv", index=False)
    # Captions between tabs are never quoted.
    table.to_csv(folder / "c.tsv", index=False, sep="\t", quoting=csv.QUOTE_NONE)
    table.to_json(folder / "d.jsonl", orient="records", lines=True, force_ascii=False)
    (folder / "e.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    with gzip.open(folder / "f.jsonl.gz", "wt", encoding="utf-8") as f:
        f.write((folder / "d.jsonl").read_text(encoding="utf-8"))
    return sorted(folder.iterdir())


def test_every_format_gives_the_same_captions(tmp_path: Path) -> None:
    for path in write(tmp_path):
        assert list(read_captions(str(path))) == TEXTS, path.name


def test_a_folder_is_all_its_files(tmp_path: Path) -> None:
    files = write(tmp_path)
    (tmp_path / "notes.md").write_text("not a corpus")
    reading = Reading()
    assert list(read_captions(str(tmp_path), reading=reading)) == TEXTS * len(files)
    assert (reading.files, reading.captions) == (len(files), 3 * len(files))


def test_a_corrupt_shard_is_skipped_counted_and_named(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "a.parquet").write_bytes(b"PAR1 not really")
    whole = (tmp_path / "f.jsonl.gz").read_bytes()
    (tmp_path / "f.jsonl.gz").write_bytes(whole[:-20])
    (tmp_path / "d.jsonl").write_bytes(b'{"TEXT": "fine"}\n{"TEXT": \xff}\n')
    reading = Reading()
    texts = list(read_captions(str(tmp_path), reading=reading))
    assert texts[:3] == TEXTS
    assert reading.files == 3
    assert [line.split(":")[0] for line in reading.skipped] == ["a.parquet", "d.jsonl", "f.jsonl.gz"]


def test_lines_that_are_no_objects_are_a_corrupt_file(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('"an owl"\n')
    with pytest.raises(BadFile, match="no JSON object"):
        list(read_captions(str(tmp_path / "a.jsonl")))


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    pd.DataFrame({"words": TEXTS}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(BadFile, match=r"--column .*words"):
        list(read_captions(str(tmp_path / "a.csv")))
    with pytest.raises(UnknownName, match="Did you mean words"):
        list(read_captions(str(tmp_path / "a.csv"), column="word"))
    assert list(read_captions(str(tmp_path / "a.csv"), column="words")) == TEXTS
    with pytest.raises(BadFile, match="does not exist"):
        list(read_captions(str(tmp_path / "b.csv")))
    (tmp_path / "c.txt").write_text("")
    with pytest.raises(BadFile, match="holds no captions"):
        list(read_captions(str(tmp_path / "c.txt")))
    (tmp_path / "d.md").write_text("x")
    with pytest.raises(BadFile, match="is none of"):
        list(read_captions(str(tmp_path / "d.md")))


def test_a_limit_stops_early(tmp_path: Path) -> None:
    write(tmp_path)
    assert list(read_captions(str(tmp_path), limit=4)) == [*TEXTS, TEXTS[0]]


def test_a_hub_dataset_without_network_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    # The variable is read when the packages are first imported.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(MissingRequirement, match="hub"):
        list(read_captions("nobody/no-such-captions"))
