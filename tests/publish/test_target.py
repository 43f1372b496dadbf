"""Publishing into a folder where a dataset lies already: its own files change, and nobody else's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from copycat.errors import RunConflict
from copycat.publish import remote, target
from copycat.publish.collect import collect
from copycat.publish.read import Dataset
from copycat.publish.write import write


@pytest.fixture
def dataset(copy, tmp_path: Path) -> tuple[Path, Callable[..., None]]:
    """A dataset with pictures, and what publishes the same run there again."""
    run = copy(invented=True)

    def publish(*, pictures: bool = False) -> None:
        write(collect([run], pictures=pictures), tmp_path / "dataset")

    publish(pictures=True)
    return tmp_path / "dataset", publish


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def strangers(folder: Path) -> dict[str, bytes]:
    files = (".git/config", "notes.md", "data/mine.csv", "data/deep/verdicts.parquet", "figures/roc.png")
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"my own {name}")
    (folder / "link").symlink_to(folder.parent)
    return {name: (folder / name).read_bytes() for name in files}


def change_list(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    told = json.loads((folder / "publication.json").read_text())
    change(told["files"])
    (folder / "publication.json").write_text(json.dumps(told))


def test_other_files_stay(dataset, tmp_path: Path) -> None:
    folder, publish = dataset
    mine = strangers(folder)
    extra = folder / "data" / "images-00001.parquet"
    extra.write_bytes(b"of the dataset that is replaced")
    change_list(folder, lambda files: files.update({"data/images-00001.parquet": {"sha256": "0"}}))
    publish()
    there = content(folder)
    assert {name: there[name] for name in mine} == mine
    assert (folder / "link").is_symlink()
    assert not extra.exists(), "its list named it"
    Dataset(folder)
    # And what is not there already is as without them.
    publish_elsewhere = tmp_path / "dataset2"
    folder.rename(tmp_path / "before")
    publish()
    folder.rename(publish_elsewhere)
    assert content(publish_elsewhere) == {k: v for k, v in there.items() if k not in mine}
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_file_that_would_be_lost_is_told_before_anything_changes(dataset) -> None:
    folder, publish = dataset
    (folder / "data" / "verdicts.parquet").write_bytes(b"my own")
    change_list(folder, lambda files: files.pop("data/verdicts.parquet"))
    before = content(folder)
    with pytest.raises(RunConflict, match=r"data/verdicts\.parquet is no file of the dataset.*move it away"):
        publish()
    assert content(folder) == before


@pytest.mark.parametrize(
    "name", ["notes.md", "../run.md", "data/../notes.md", "data/deep/x.parquet", ".git/x"]
)
def test_a_list_cannot_name_what_is_no_dataset(dataset, name: str) -> None:
    folder, publish = dataset
    (folder / name).resolve().parent.mkdir(exist_ok=True)
    (folder / name).write_text("my own")
    change_list(folder, lambda files: files.update({name: {"sha256": "0"}}))
    publish()
    assert (folder / name).read_text() == "my own"


def test_nothing_is_replaced_behind_a_link(dataset, tmp_path: Path) -> None:
    folder, publish = dataset
    (folder / "data").rename(tmp_path / "elsewhere")
    (folder / "data").symlink_to(tmp_path / "elsewhere")
    before = content(tmp_path / "elsewhere")
    with pytest.raises(RunConflict, match="data is a link"):
        publish()
    assert content(tmp_path / "elsewhere") == before


@pytest.mark.parametrize("text", ["", "[]", '{"runs": []}', '{"files": 5}', "{" * 100_000])
def test_a_list_of_something_else_is_no_dataset(dataset, text: str) -> None:
    folder, publish = dataset
    (folder / "publication.json").write_text(text)
    before = content(folder)
    with pytest.raises(RunConflict, match="no list of what copycat published"):
        publish()
    assert content(folder) == before


@pytest.mark.parametrize("after", range(1, 8, 2))
def test_replacing_that_was_cut_off_is_completed(dataset, after: int, monkeypatch, tmp_path: Path) -> None:
    folder, publish = dataset
    moved, rename = 0, Path.replace

    def replace(self: Path, to: Path) -> Path:
        nonlocal moved
        moved += folder in Path(to).parents
        if moved > after:
            raise KeyboardInterrupt
        return rename(self, to)

    with monkeypatch.context() as cut:
        cut.setattr(Path, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            publish()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
    publish()
    Dataset(folder)
    assert "withheld" in (folder / "publication.json").read_text()


def test_only_the_dataset_goes_to_the_hub() -> None:
    """Files that the folder holds beside it are not uploaded."""
    from fnmatch import fnmatch

    ours = [target.LIST, target.CROISSANT, target.CARD, "data/verdicts.parquet"]
    assert all(any(fnmatch(f, p) for p in remote._OURS) for f in ours)
    for other in ("notes.md", ".env", "data/mine.csv", "secrets.json"):
        assert not any(fnmatch(other, p) for p in remote._OURS)
