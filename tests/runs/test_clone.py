"""The copy of a run: the same rows and pictures; nothing of the first is moved or paid twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from copycat.config import RunConfig
from copycat.errors import RunConflict
from copycat.io.ledger import Spent
from copycat.records import ImageRow, Request, Sampling
from copycat.runs.clone import check_new, clone, staged
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import Manifest

REQUEST = Request(
    model="m@1", character="zori", prompt_set="name", run_seed=0, seed=7, mitigation="none",
    source_prompt="p", prompt="p", sampling=Sampling(steps=1, guidance=1, height=8, width=8),
).with_id()  # fmt: skip


def made(path: Path, cost: float | None = None) -> RunFolder:
    folder = RunFolder(path)
    folder.write_manifest(Manifest(config=RunConfig(model="m"), model="m@1", spent=Spent(usd=1.0)))
    folder.request_journal.replace([REQUEST])
    folder.image_journal.replace(
        [ImageRow(request=REQUEST.id, outcome="ok", file="images/a.png", sha256="0", cost_usd=cost)]
    )
    for name in ("images/a.png", "conditioning/b.safetensors", "report.html"):
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_bytes(name.encode())
    return folder


@pytest.mark.parametrize("linked", [True, False])
def test_a_copy_has_the_rows_and_what_they_name(tmp_path, monkeypatch, linked) -> None:
    if not linked:

        def refused(source: str, target: str) -> None:
            raise OSError("no links here")

        monkeypatch.setattr("os.link", refused)
    source = made(tmp_path / "run")
    copy = clone(source, tmp_path / "copy")
    assert copy.data().requests == [REQUEST]
    assert copy.image_journal.rows() == source.image_journal.rows()
    names = {p.relative_to(copy.path).as_posix() for p in copy.path.rglob("*") if p.is_file()}
    assert {"images/a.png", "conditioning/b.safetensors"} <= names
    assert "report.html" not in names, "what was computed of the first is not the copy's"
    first, second = source.path / "images/a.png", copy.path / "images/a.png"
    assert second.read_bytes() == first.read_bytes()
    assert second.samefile(first) == linked
    assert copy.manifest().spent is None, "what was spent, the first has spent"
    assert copy.ledger_path.read_bytes() == b""


def test_what_a_copys_pictures_cost_stays_with_the_first(tmp_path) -> None:
    source = made(tmp_path / "run", cost=0.04)
    copy = clone(source, tmp_path / "copy")
    assert copy.manifest().spent is None
    assert copy.ledger_path.read_bytes() == b""
    assert source.manifest().spent == Spent(usd=1.0)


def test_only_an_empty_place_is_new(tmp_path) -> None:
    check_new(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    check_new(tmp_path / "empty")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    for taken in ("file", "full"):
        with pytest.raises(RunConflict, match="there already"):
            check_new(tmp_path / taken)
        with pytest.raises(RunConflict, match="there already"):
            clone(made(tmp_path / f"run-{taken}"), tmp_path / taken)
    assert (tmp_path / "full" / "file").read_text() == (tmp_path / "file").read_text() == "mine"


def test_what_came_there_meanwhile_is_kept(tmp_path) -> None:
    target = tmp_path / "run"

    def filled() -> None:
        with staged(target) as new:
            (new.path / "a").write_text("ours")
            target.mkdir()
            (target / "b").write_text("theirs")

    with pytest.raises(RunConflict):
        filled()
    assert [p.name for p in target.iterdir()] == ["b"]
    assert [p.name for p in tmp_path.iterdir()] == ["run"], "nothing half-made is left"
