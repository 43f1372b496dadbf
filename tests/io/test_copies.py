"""Copies of a folder: what is sent, what is refused, and what an interruption leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from copycat.errors import MissingRequirement, RunConflict, UserError
from copycat.io.copies import Copied, Copy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "run" / "images").mkdir(parents=True)
    (tmp_path / "run" / "rows.jsonl").write_text("one\n")
    (tmp_path / "run" / "images" / "a.png").write_bytes(b"a" * 10)
    (tmp_path / "run" / ".lock").touch()
    return tmp_path / "run"


@pytest.fixture(params=["memory", "local"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    places = {"memory": f"memory://bucket/{tmp_path.name}/run", "local": str(tmp_path / "to" / "run")}
    yield places[request.param]
    fsspec.filesystem("memory").store.clear()


def held(address: str) -> dict[str, bytes]:
    store, root = fsspec.core.url_to_fs(address)
    return {f.removeprefix(root).lstrip("/"): store.cat_file(f) for f in store.find(root)}


def test_only_what_is_new_or_changed_is_sent(folder: Path, address: str) -> None:
    copy = Copy(address)
    copy.check("mine")
    assert copy.update(folder, "mine") == Copied(2, 2)
    assert copy.update(folder, "mine") == Copied(0, 2)
    (folder / "rows.jsonl").write_text("one\ntwo\n")
    assert Copy(address).update(folder, "mine") == Copied(1, 2)
    found = held(address)
    assert found.pop("copied.json")
    assert found == {"rows.jsonl": b"one\ntwo\n", "images/a.png": b"a" * 10}


def test_a_place_that_holds_something_else_is_refused_and_stays(folder: Path, address: str) -> None:
    Copy(address).update(folder, "mine")
    before = held(address)
    for refused in (lambda: Copy(address).check("theirs"), lambda: Copy(address).update(folder, "theirs")):
        with pytest.raises(RunConflict, match="something else than a copy of this run"):
            refused()
    assert held(address) == before
    store, root = fsspec.core.url_to_fs(address)
    store.rm_file(f"{root}/copied.json")
    with pytest.raises(RunConflict, match="something else"):
        Copy(address).check("mine")


def test_a_copy_that_was_cut_off_is_gone_on_with(folder: Path, address: str, monkeypatch) -> None:
    copy = Copy(address)
    put = type(copy._store).put

    def one_alone(self, ours, theirs, **more):
        put(self, ours[:1], theirs[:1], **more)
        raise ConnectionResetError("the line is cut")

    monkeypatch.setattr(type(copy._store), "put", one_alone)
    with pytest.raises(MissingRequirement, match=r"cannot be written .*the line is cut.*kept here"):
        copy.update(folder, "mine")
    monkeypatch.setattr(type(copy._store), "put", put)
    assert Copy(address).update(folder, "mine") == Copied(2, 2)
    assert json.loads(held(address)["copied.json"])["files"].keys() == {"rows.jsonl", "images/a.png"}


def test_a_file_that_did_not_arrive_whole_is_said(folder: Path, address: str, monkeypatch) -> None:
    copy = Copy(address)
    monkeypatch.setattr(type(copy._store), "put", lambda self, ours, theirs: self.pipe_file(theirs[0], b"x"))
    with pytest.raises(MissingRequirement, match="2 files did not arrive whole"):
        copy.update(folder, "mine")
    assert json.loads(held(address)["copied.json"])["files"] == {}, "the list names nothing that is not there"


def test_addresses_that_nothing_reaches_are_one_line(folder: Path) -> None:
    with pytest.raises(UserError, match="is no address of a copy"):
        Copy("nonsense://x/y")
    with pytest.raises(MissingRequirement, match="needs another package"):
        Copy("dropbox://x/y")
    (folder / "file").touch()
    with pytest.raises(MissingRequirement, match="cannot be written"):
        Copy(str(folder / "file" / "below")).check("mine")
