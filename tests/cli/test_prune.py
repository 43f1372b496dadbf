"""What `copycat prune` takes from the cache, and what it leaves."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from copycat.attacks import kept
from copycat.attacks.attacked import Outcome
from copycat.attacks.base import Found
from copycat.cards.hooks import Conditioning, WeightEdit
from copycat.cli.doctor import _cached
from copycat.cli.main import app
from copycat.copies.build import build
from copycat.copies.references import references_at
from copycat.generators.pipelines import _make_edits
from copycat.io.atomic import locked, temporary_name
from copycat.io.cached import ATTACKS, CONDITIONINGS, EDITS, KINDS, REPLIES, entries, lock_of, replies_path
from copycat.io.paths import cache_folder
from copycat.io.store import ANSWERS, FILE_HASHES, PICTURES, cache
from copycat.llms.base import Reply
from copycat.llms.replies import Kept, Replies
from copycat.subjects.characters import load_registry
from tests.copies.pictures import Blurred, scene

IDENTITY = "a" * 16


class Noted(WeightEdit):
    """Changes nothing, and leaves a file."""

    def make(self, pipeline: Any, folder: Path, card: Any) -> None:
        (folder / "weights").write_bytes(b"w" * 10)

    def apply(self, pipeline: Any, folder: Path) -> None:
        raise NotImplementedError


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with one entry of each kind, each written by what writes it."""
    references, folder = tmp_path_factory.mktemp("references"), tmp_path_factory.mktemp("written")
    with pytest.MonkeyPatch.context() as there:
        there.setenv("COPYCAT_CACHE", str(folder))
        for part in (PICTURES, ANSWERS, FILE_HASHES):
            cache(part).put("a" * 32, b"x")
        for i in range(44):
            scene(i).save(references / f"{i}.png")
        build(references_at(references, load_registry("menagerie")), "blurred@1", Blurred)
        _make_edits(None, [Noted("noted-1", {}, "model@1")], lambda _: None)  # type: ignore[arg-type]
        given = Conditioning(embeds={"prompt_embeds": torch.zeros(1, 2)})
        found = Found(conditioning=given.sha, success=True, queries=1)
        told = {"attack": "a", "model": "m", "guard": "g", "character": "c", "asked": "p"}
        kept.write(IDENTITY, Outcome(found, given, 0.5), **told)
        given.write(cache_folder() / CONDITIONINGS)
        Replies(replies_path()).keep(Kept(key="k", model="m", asked=(), reply=Reply(text="t")))
    return folder


@pytest.fixture
def filled(written: Path) -> None:
    """The test's own cache has all that."""
    shutil.copytree(written, cache_folder(), dirs_exist_ok=True)
    age(2, cache_folder() / CONDITIONINGS)


def prune(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["prune", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def left() -> dict[str, int]:
    return {kind: len(list(entries(kind))) for kind in KINDS}


def files() -> set[str]:
    return {p.relative_to(cache_folder()).as_posix() for p in cache_folder().rglob("*") if p.is_file()}


def age(hours: float, *paths: Path) -> None:
    """Make all below `paths` look as if it had been written so many hours ago."""
    then = time.time() - hours * 3600
    for path in paths:
        for each in (path, *path.rglob("*")):
            os.utime(each, (then, then))


@pytest.mark.usefixtures("filled")
def test_each_kind_is_told_and_goes_and_nothing_else_lies_in_the_cache() -> None:
    assert left() == dict.fromkeys(KINDS, 1)
    everything = [(kind.title, f"1 {kind.title}") for kind in KINDS.values()]
    told, before = prune("--dry-run", "--only", ",".join(KINDS)), files()
    assert all(entry in told for _, entry in everything)
    assert f"{len(before - {'replies.lock'})} files, " in told
    assert "would go" in told
    assert files() == before, "a dry run removes nothing"
    assert all(entry in _cached() for _, entry in everything)
    assert prune("--only", ",".join(KINDS)) == told.replace("would go", "are gone")
    assert files() == {"replies.lock"}
    assert _cached().startswith("nothing for other runs")


@pytest.mark.usefixtures("filled")
def test_what_runs_that_were_begun_need_goes_only_where_it_is_named() -> None:
    told = prune()
    assert "All outcomes of attacks and files of replies stay (0.0 MB)" in told
    assert "; --only attacks,replies forgets them." in told
    assert left() == {**dict.fromkeys(KINDS, 0), ATTACKS: 1, REPLIES: 1}
    assert prune("--only", REPLIES) == "1 file, 0.00 GB, is gone: 1 files of replies.\n"
    assert "All outcomes of attacks stay" in prune()
    prune("--only", ATTACKS)
    assert "stay" not in prune()


@pytest.mark.usefixtures("filled")
def test_a_kind_that_is_named_twice_is_counted_once() -> None:
    assert prune("--dry-run", "--only", f"{PICTURES},{PICTURES}").startswith("1 file, ")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("only", ["", " , "])
def test_a_list_of_nothing_is_not_everything(only: str) -> None:
    done = CliRunner().invoke(app, ["prune", "--only", only])
    assert "--only names nothing" in str(done.exception)
    assert left() == dict.fromkeys(KINDS, 1)


@pytest.mark.usefixtures("filled")
def test_embeddings_are_left_to_a_run_that_is_being_planned() -> None:
    (entry,) = entries(CONDITIONINGS)
    given = Conditioning(embeds={"prompt_embeds": torch.zeros(1, 2)})
    given.write(entry.path.parent)
    assert prune("--only", CONDITIONINGS).startswith("0 files")
    age(2, entry.path)
    assert prune("--only", CONDITIONINGS).startswith("1 file, ")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("kind", KINDS)
def test_the_age_of_any_kind_is_that_of_what_was_written_last(kind: str) -> None:
    (entry,) = entries(kind)
    age(72, entry.path)
    assert prune("--days", "4", "--only", kind).startswith("0 files")
    inside = [p for p in entry.path.rglob("*") if p.is_file()]
    if inside:
        age(1, inside[0])
        assert prune("--days", "2", "--only", kind).startswith("0 files"), "one of its files is young"
        age(72, inside[0])
    prune("--days", "2", "--only", kind)
    assert left() == {**dict.fromkeys(KINDS, 1), kind: 0}


def test_a_training_that_goes_on_keeps_its_folder_by_its_checkpoints() -> None:
    folder, other = cache_folder() / EDITS / f".{IDENTITY}.x1", cache_folder() / EDITS / f".{'b' * 16}.x2"
    folder.mkdir(parents=True)
    other.mkdir()
    checkpoint = folder.with_name(f"{IDENTITY}.part")
    checkpoint.write_bytes(b"state")
    age(5, folder, other)
    prune()
    assert [p.exists() for p in (folder, checkpoint, other)] == [True, True, False]
    age(5, checkpoint)
    assert "2 changes to weights" in prune()
    assert not list((cache_folder() / EDITS).iterdir())


def test_what_a_process_is_making_stays_however_long_it_takes() -> None:
    class Slow(Noted):
        def make(self, pipeline: Any, folder: Path, card: Any) -> None:
            checkpoint = self.folder.with_suffix(".part")
            checkpoint.write_bytes(b"state")
            age(48, folder, checkpoint)
            assert prune().startswith("0 files")
            assert checkpoint.exists()
            super().make(pipeline, folder, card)

    edit = Slow("slow-1", {}, "model@1")
    _make_edits(None, [edit], lambda _: None)  # type: ignore[arg-type]
    assert (edit.folder / "weights").is_file()
    assert prune().startswith("1 file"), "and nobody holds it any more"


def test_a_folder_that_is_half_removed_is_never_taken_for_a_whole_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    edit = Noted("noted-1", {}, "model@1")
    _make_edits(None, [edit], lambda _: None)  # type: ignore[arg-type]

    def killed(path: Path, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            raise KeyboardInterrupt

    with monkeypatch.context() as m:
        m.setattr("copycat.io.cached.shutil.rmtree", killed)
        CliRunner().invoke(app, ["prune"])
    assert not edit.folder.exists()
    (half,) = (cache_folder() / EDITS).iterdir()
    age(2, half)
    prune()
    assert not half.exists()


@pytest.mark.usefixtures("filled")
def test_replies_do_not_go_while_one_is_being_written() -> None:
    going = threading.Thread(target=prune, args=("--only", REPLIES))
    with locked(lock_of(replies_path())):
        going.start()
        going.join(0.5)
        assert replies_path().exists()
    going.join(30)
    assert not replies_path().exists()


def test_what_is_not_copycats_and_what_a_link_leads_to_stay(tmp_path: Path) -> None:
    mine, edits = tmp_path / "mine", cache_folder() / EDITS
    edits.mkdir(parents=True)
    mine.mkdir()
    (mine / "notes").write_text("mine")
    (edits / IDENTITY).symlink_to(mine)
    (edits / "my notes").mkdir()
    (cache_folder() / "notes.txt").write_text("mine")
    photo = cache_folder() / PICTURES / "it" / "Italy in the spring of 2019.jpeg"
    photo.parent.mkdir(parents=True)
    for name in (photo.name, temporary_name("draft")):
        photo.with_name(name).write_text("mine")
        age(2, photo.with_name(name))
    assert len(photo.name) == len(IDENTITY * 2)
    assert prune().startswith("1 file, ")
    assert files() == {"notes.txt", f"pictures/it/{photo.name}", "pictures/it/.draft.tmp"}
    assert [p.name for p in edits.iterdir()] == ["my notes"]
    assert (mine / "notes").read_text() == "mine"


def test_a_kind_that_is_none_is_asked_back() -> None:
    done = CliRunner().invoke(app, ["prune", "--only", "edit"])
    assert re.search("Did you mean edits", str(done.exception))
