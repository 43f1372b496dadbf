"""The verbs themselves: what they print, and what they refuse before anything is written."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.errors import UserError
from copycat.publish.card import command
from copycat.publish.collect import collect
from tests.helpers import tiny


@pytest.fixture
def copycat(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def call(*words: object) -> str:
        done = CliRunner().invoke(app, [str(w) for w in words], catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout

    return call


def test_publish_pull_and_their_places(copycat, copy, tmp_path):
    run = copy("one")
    said = copycat("publish", run.path, "--to", "out")
    assert "1 run: 6 metrics, 36 verdicts, 12 images, 12 prompts, 3 characters" in said
    assert "The pictures are withheld" in said
    assert "report.html" in copycat("pull", "out")
    assert (tmp_path / "results" / "one" / "table.md").read_text() == (run.path / "table.md").read_text()
    assert "nothing is left to do" in copycat("pull", "out")
    copycat("pull", "out", "--to", "here")
    assert (tmp_path / "here" / "manifest.json").is_file()
    copycat("publish", run.path, copy("two").path, "--to", "both")
    copycat("pull", "both", "--to", "there")
    assert sorted(p.name for p in (tmp_path / "there").iterdir()) == ["one", "two"]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ((), "Say where to publish"),
        (("--repo", "mine"), "is not a dataset on the hub"),
        (("--repo", "me/mine@v1"), "makes a new revision"),
        (("--to", "out", "--license", "all rights!"), "not a licence's short name"),
        (("--to", "out", "--images"), "are protected"),
        (("--to", "runs"), "no dataset of copycat's"),
    ],
)
def test_publish_refuses_before_it_writes(copycat, copy, tmp_path, words, hint):
    run = copy("one")
    with pytest.raises(UserError, match=hint):
        copycat("publish", run.path, *words)
    assert not (tmp_path / "out").exists()


def test_rejudge_prints_both_figures_side_by_side(copycat, copy, tmp_path):
    run = copy("one")
    judge = tiny.judge(tmp_path / "other")
    said = copycat("rejudge", run.path, "--judge", judge, "--device", "cpu")
    assert re.search(r"Before: judge@[\w:-]+\nNow: other@[\w:-]+ \(36 questions asked\)", said)
    for metric in ("DETECT", "DETECT_targeted", "CONS"):
        assert len(re.findall(rf"none +│ name +│ {metric} ", said)) == 1
    assert said.count("6/6") == 12
    assert "the same on 100.0% of 12 pictures" in said


def test_the_command_of_a_run_says_who_judged_it_afterwards(copycat, copy, tmp_path):
    run = copy("one")
    (before,) = collect([run]).runs
    assert "rejudge" not in command(before)
    copycat("rejudge", run.path, "--judge", tiny.judge(tmp_path / "other"))
    (after,) = collect([run]).runs
    assert command(after).startswith("copycat run --model sd ")
    assert command(after).endswith("&& copycat rejudge one --judge other")
