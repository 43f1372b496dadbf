"""Folders that appear whole or not at all."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest

from copycat.errors import RunConflict
from copycat.io.atomic import beside, new_folder


def left(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    with new_folder(tmp_path / "a") as new:
        (new / "x").write_text("x")
        assert not (tmp_path / "a").exists()
    assert left(tmp_path) == ["a"]
    (tmp_path / "empty").mkdir()
    with new_folder(tmp_path / "empty") as new:
        (new / "x").write_text("x")
    assert left(tmp_path / "empty") == ["x"]


def test_nothing_stays_of_one_that_does_not_become_whole(tmp_path: Path) -> None:
    def cut_off() -> None:
        with new_folder(tmp_path / "a") as new:
            (new / "x").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_off()
    assert left(tmp_path) == []


def test_what_came_there_in_the_meantime_stays(tmp_path: Path) -> None:
    def too_late() -> None:
        with new_folder(tmp_path / "a"):
            (tmp_path / "a").mkdir()
            (tmp_path / "a" / "mine").write_text("my own")

    with pytest.raises(RunConflict, match="a is not empty"):
        too_late()
    assert left(tmp_path) == ["a"]
    assert left(tmp_path / "a") == ["mine"]


def test_what_a_killed_process_left_goes_and_what_it_links_to_stays(tmp_path: Path) -> None:
    stale = tmp_path / ".a.new"
    (stale / "deep").mkdir(parents=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x").write_text("my own")
    (stale / "link").symlink_to(tmp_path / "mine")
    with new_folder(tmp_path / "a") as new:
        assert left(new) == []
    assert left(tmp_path / "mine") == ["x"]
    assert left(tmp_path) == ["a", "mine"]


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x").write_text("my own")
    (tmp_path / ".a.new").symlink_to(tmp_path / "mine")
    with pytest.raises(Exception, match="Cannot write"), new_folder(tmp_path / "a"):
        pass
    assert left(tmp_path / "mine") == ["x"]


def _hold(folder: Path, inside: str, go: str) -> None:
    with beside(folder):
        Path(inside).touch()
        while not Path(go).exists():
            time.sleep(0.01)


def test_two_processes_do_not_fill_the_same_folder(tmp_path: Path) -> None:
    inside, go = tmp_path / "inside", tmp_path / "go"
    other = multiprocessing.get_context("fork").Process(
        target=_hold, args=(tmp_path / "a", str(inside), str(go))
    )
    other.start()
    try:
        while not inside.exists():
            time.sleep(0.01)
        with pytest.raises(RunConflict, match="Another process is writing"), new_folder(tmp_path / "a"):
            pass
        assert (tmp_path / ".a.new").is_dir(), "the other one's"
    finally:
        go.touch()
        other.join()
    assert other.exitcode == 0
    with new_folder(tmp_path / "a"):
        pass
