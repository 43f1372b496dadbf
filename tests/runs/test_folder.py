"""The run folder: what it holds, what it refuses, and that each journal is read once a command."""

from __future__ import annotations

import io
import os
from collections import Counter
from pathlib import Path

import pytest

from copycat.cli.main import app
from copycat.errors import BadFile, RunConflict
from copycat.resolve import ResolvedRun
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder, known
from copycat.runtime.progress import Progress
from copycat.stages.plan import prepare
from copycat.stages.run import complete

JOURNALS = ("requests.jsonl", "images.jsonl", "verdicts.jsonl")


@pytest.fixture
def made(config, tmp_path: Path) -> tuple[ResolvedRun, RunFolder]:
    run = config(out=tmp_path / "results" / "run", seeds=(0,), device="cpu")
    return run, prepare(run)


def test_a_new_run_is_planned_and_nothing_more(made) -> None:
    run, folder = made
    data = folder.open().data()
    assert isinstance(data, RunData)
    assert [r.mitigation for r in data.requests] == ["none"] * 3 + ["negprompt"] * 3
    assert (data.images, list(data.verdicts), list(data.metrics)) == ({}, [], [])
    assert not data.finished
    assert data.manifest.config == run.config
    assert known(folder.path.parent) == [folder.path]


def test_paths_of_pictures_follow_from_the_request(made) -> None:
    _, folder = made
    request = folder.data().requests[0]
    assert folder.picture_file(request) == f"images/{request.id}.png"
    assert folder.frame_file(request, 7) == f"images/{request.id}-007.png"
    assert folder.video_files(request) == (f"videos/{request.id}.mp4", f"videos/{request.id}.png")
    assert {p.parent for p in folder.row_paths} == {folder.path}


def test_another_writer_is_kept_out_and_a_reader_is_not(made) -> None:
    _, folder = made
    with folder.locked():
        with pytest.raises(RunConflict, match="Another process"), RunFolder(folder.path).locked():
            pass
        assert RunFolder(folder.path).data().requests


def test_a_stage_that_breaks_off_is_recorded_as_interrupted(made) -> None:
    _, folder = made
    with pytest.raises(KeyError), folder.stage("generate"):
        raise KeyError
    assert folder.manifest().stages["generate"].status == "interrupted"
    with folder.stage("generate"):
        pass
    ended = folder.manifest().stages["generate"]
    assert ended.status == "complete"
    assert 0 <= ended.seconds < 60, "both tries together, and nothing else"
    assert folder.manifest().status == "running", "judge and score are still to come"


def test_numbers_of_an_earlier_judge_can_be_forgotten(made) -> None:
    run, folder = made
    data = complete(folder, run, Progress())
    assert data.metrics
    assert folder.page_is_current
    # Whatever a clock says that went ahead, or back.
    for moment in (0, 2**32):
        os.utime(folder.page_path, (moment, moment))
        assert folder.page_is_current
    old = folder.metrics_path.read_bytes()
    folder.metrics_path.write_bytes(old.replace(b"1", b"2"))
    assert not folder.page_is_current, "other numbers"
    folder.metrics_path.write_bytes(old)
    assert folder.page_is_current
    page = folder.page_path.read_bytes()
    for other in (b"", b"short", page[:-5]):
        folder.page_path.write_bytes(other)
        assert not folder.page_is_current
    complete(folder, run, Progress())
    assert folder.page_path.read_bytes() == page, "it is made again"
    folder.forget_metrics()
    assert not folder.page_is_current
    assert folder.metrics() == []
    assert "score" not in folder.manifest().stages
    assert data.metrics, "what was read stays as it was"


def test_a_folder_that_is_no_run_and_a_broken_manifest_are_said_so(made, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="not a run folder"):
        RunFolder(tmp_path).open()
    _, folder = made
    folder.manifest_path.write_text("{")
    with pytest.raises(BadFile, match="is not a manifest"):
        folder.open()


class Opens(Counter[str]):
    """Counts how often files are opened for reading, by name."""

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = io.open

        def counting(file, mode="r", *args, **kwargs):
            if "r" in mode and "+" not in mode:
                self[Path(str(file)).name] += 1
            return real(file, mode, *args, **kwargs)

        monkeypatch.setattr(io, "open", counting)
        monkeypatch.setattr("builtins.open", counting)


@pytest.mark.parametrize("command", ["report", "score", "judge", "compare", "leaderboard", "publish"])
def test_a_command_reads_each_journal_once(made, command: str, tmp_path: Path, monkeypatch) -> None:
    run, folder = made
    complete(folder, run, Progress())
    opens = Opens()
    opens.watch(monkeypatch)
    path = str(folder.path)
    arguments = {
        "report": ["report", path],
        "score": ["score", path],
        "judge": ["judge", path],
        "compare": ["compare", path, "--out", str(tmp_path / "compared")],
        "leaderboard": [
            *("leaderboard", "add", path, "--by", "us", "--to", str(tmp_path / "rows.jsonl")),
            *("--withheld", "not ours"),
        ],
        "publish": ["publish", path, "--to", str(tmp_path / "published")],
    }[command]
    app(arguments, standalone_mode=False)
    assert {name: opens[name] for name in JOURNALS} == dict.fromkeys(JOURNALS, 1)


def test_a_whole_run_reads_no_journal_more_than_once(config, tmp_path: Path, monkeypatch) -> None:
    run = config(out=tmp_path / "run", seeds=(0,), device="cpu")
    opens = Opens()
    opens.watch(monkeypatch)
    complete(prepare(run), run, Progress())
    assert all(opens[name] <= 1 for name in JOURNALS), opens
