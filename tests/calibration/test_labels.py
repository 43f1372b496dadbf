"""Tables of labels: read, written, and refused when they say nothing or two things."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from copycat.calibration.labels import Label, digest_labels, load_labels, write_labels
from copycat.errors import BadFile, MissingRequirement, UserError
from copycat.io import atomic

LABELS = (
    Label(image="images/a.png", character="mario", rater="Ann", label=True, saw="mario", confidence=3),
    Label(image="images/a.png", character="mario", rater="Bo & Söhne <b>", label=False, sha256="0" * 64),
    Label(image="images/ü,1.png", character="mario", rater="Ann", label=None),
)


@pytest.mark.parametrize("name", ["labels.csv", "labels.parquet"])
def test_what_is_written_is_read_back(tmp_path: Path, name: str) -> None:
    write_labels(tmp_path / "new" / name, LABELS)
    assert load_labels(str(tmp_path / "new" / name)) == LABELS


def test_spellings_of_yes_no_and_missing(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    said = ["1", "yes", "TRUE", "0", "No", "false", "", "?", "1.0"]
    rows = "".join(f"{i}.png\tmario\tann\t{s}\tkept\n" for i, s in enumerate(said))
    path.write_text(f"image\tcharacter\trater\tlabel\tother\n{rows}", encoding="utf-8")
    assert [x.label for x in load_labels(str(path))] == [True] * 3 + [False] * 3 + [None] * 2 + [True]
    lines = tmp_path / "x.jsonl"
    lines.write_text(
        '{"image": "a.png", "character": "1942", "rater": "b", "label": false}\n', encoding="utf-8"
    )
    assert load_labels(str(lines))[0] == Label(image="a.png", character="1942", rater="b", label=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,character,rater\na,b,c\n", "no column label"),
        ("image,character,rater,label\na,b,c,perhaps\n", "row 1.*'perhaps' is neither"),
        (
            "image,character,rater,label\na,b,c,1\na,b,d,85\n",
            r"row 2.*\(label: '85' is a score and no yes or no",
        ),
        ("image,character,rater,label\na,b,c,40%\n", "'40%' is a score"),
        ("image,character,rater,label\na,b,c,0.93\n", "'0.93' is a score"),
        ("image,character,rater,label\na,b,NaN,1\n", r"row 1.*\(rater: 'NaN' stands for nothing"),
        ("image,character,rater,label\nnan,b,c,1\n", r"row 1.*\(image: 'nan' stands for nothing"),
        ("image,character,rater,label\na,b,,1\n", "row 1.*rater"),
        ("image,character,rater,label,confidence\na,b,c,1,7\n", "confidence"),
        ("image,character,rater,label\na,b,c,1\na,b,c,0\n", "c says both yes and no of a and b"),
        ("", "has no rows"),
        ("image,character,rater,label\n", "has no rows"),
    ],
)
def test_what_is_no_table_of_labels(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadFile, match=message):
        load_labels(str(path))


def test_repeated_labels_count_once_and_an_answer_beats_none(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("image,character,rater,label\na,b,c,\na,b,c,1\na,b,c,1\n", encoding="utf-8")
    assert [x.label for x in load_labels(str(path))] == [True]


def test_files_of_the_same_pixels_keep_a_label_each(tmp_path: Path) -> None:
    """A guardrail that let a prompt pass drew the same picture again."""
    twins = [Label(image=f"{n}.png", character="c", rater="r", label=True, sha256="0" * 64) for n in "ab"]
    write_labels(tmp_path / "twins.csv", twins)
    assert load_labels(str(tmp_path / "twins.csv")) == tuple(twins)


def test_other_endings(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\.csv or \.parquet"):
        write_labels(tmp_path / "new" / "labels.xlsx", LABELS)
    assert not (tmp_path / "new").exists()
    with pytest.raises(BadFile, match="no table of labels"):
        load_labels(str(tmp_path / "labels.xlsx"))
    with pytest.raises(BadFile, match="cannot be read"):
        load_labels(str(tmp_path / "none.csv"))


@pytest.mark.parametrize("name", ["labels.csv", "labels.parquet"])
def test_a_disk_that_fills_up_leaves_the_earlier_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write_labels(tmp_path / name, LABELS)
    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(MissingRequirement, match="is full"):
        write_labels(tmp_path / name, LABELS[:1])
    assert load_labels(str(tmp_path / name)) == LABELS
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.csv").mkdir()
    for path in (tmp_path / "file" / "labels.csv", tmp_path / "folder.csv"):
        with pytest.raises(MissingRequirement, match="Cannot write"):
            write_labels(path, LABELS)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "folder.csv"]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for what `datasets` keeps."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    return tmp_path


@pytest.mark.parametrize("how", ["parquet", "csv", "saved"])
def test_labels_in_the_folder_of_a_data_set(cache: Path, how: str) -> None:
    import datasets

    of_1942 = Label(image="b.png", character="1942", rater="7", label=True, confidence=2, sha256="ab" * 32)
    labels, folder = (LABELS[0], of_1942, LABELS[2]), cache / "set"
    if how == "saved":
        rows = [x.model_dump() for x in labels]
        parts = {"train": datasets.Dataset.from_list(rows[:2]), "test": datasets.Dataset.from_list(rows[2:])}
        datasets.DatasetDict(parts).save_to_disk(str(folder))
    else:
        write_labels(folder / f"train.{how}", labels[:2])
        write_labels(folder / f"test.{how}", labels[2:])
    found = load_labels(str(folder))
    assert set(found) == set(labels)
    assert digest_labels(found) == digest_labels(reversed(labels))
    assert digest_labels(found) != digest_labels(labels[:2])


def test_classes_and_pictures_of_a_data_set(cache: Path) -> None:
    import hashlib
    import io

    import datasets
    from PIL import Image

    png = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(png, "PNG")
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["no", "yes"])}
        | {k: datasets.Value("string") for k in ("character", "rater")}
    )
    row = {"image": {"bytes": png.getvalue(), "path": "deep/a.png"}, "label": 1, "character": "mario"}
    datasets.Dataset.from_list([{**row, "rater": "ann"}], features=features).to_parquet(
        cache / "s" / "l.parquet"
    )
    (found,) = load_labels(str(cache / "s"))
    assert found == Label(
        image="a.png", character="mario", rater="ann", label=True,
        sha256=hashlib.sha256(png.getvalue()).hexdigest(),
    )  # fmt: skip


def test_where_there_are_no_labels(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    import datasets

    (cache / "empty").mkdir()
    for source, message in (
        (cache / "empty", "does not load as a data set"),
        (cache / "none", "no table of labels at"),
    ):
        with pytest.raises(BadFile, match=message):
            load_labels(str(source))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(MissingRequirement, match="nobody/nothing"):
        load_labels("nobody/nothing@main")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingRequirement, match=r"needs the package datasets; .*pip install"):
        load_labels(str(cache / "empty"))
