"""Another judge on the same pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from copycat.errors import RunConflict, UnknownName, UserError
from copycat.runs.folder import RunFolder
from copycat.stages.plan import prepare
from copycat.stages.rejudge import rejudge
from tests.helpers import tiny


@pytest.fixture
def other(tmp_path: Path) -> str:
    return str(tiny.judge(tmp_path / "other"))


def state(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_earlier_verdicts_stay_and_both_figures_are_told(copy, other):
    folder = copy()
    before, verdicts = folder.metrics(), folder.data().verdicts
    found = rejudge(folder, other, device="cpu")
    assert found.asked == 36
    assert found.before == before
    assert folder.metrics() == list(found.after)
    assert folder.data().verdicts[: len(verdicts)] == verdicts
    assert found.earlier is not None
    assert found.earlier.startswith("judge@")
    assert found.now.startswith("other@")
    assert folder.manifest().judge == found.now
    assert len(found.pairs()) == 6
    assert all(a is not None and b is not None and a.metric == b.metric for a, b in found.pairs())
    assert {a.judges for a in found.agreement} == {(found.earlier, found.now)}
    assert {a.kind: a.images for a in found.agreement} == {"identify": 12, "verify": 12, "key": 12}
    assert "Agreement of the judges" in (folder.path / "table.md").read_text()


def test_into_a_new_folder_leaves_the_old_one_alone(copy, other, tmp_path):
    folder = copy()
    before = state(folder.path)
    found = rejudge(folder, other, out=tmp_path / "new", device="cpu")
    assert {k: v for k, v in state(folder.path).items() if k != ".lock"} == {
        k: v for k, v in before.items() if k != ".lock"
    }
    assert found.folder.path == tmp_path / "new"
    assert found.before == folder.metrics()
    new = RunFolder(tmp_path / "new")
    assert new.data().finished
    assert len(new.data().verdicts) == 2 * len(folder.data().verdicts)
    assert {k: r.sha256 for k, r in new.data().images.items()} == {
        k: r.sha256 for k, r in folder.data().images.items()
    }
    with pytest.raises(RunConflict, match="is there already"):
        rejudge(folder, other, out=tmp_path / "new", device="cpu")


def test_the_same_judge_has_nothing_to_ask(copy, tiny_models):
    folder = copy()
    found = rejudge(folder, str(tiny_models.judge), device="cpu")
    assert found.asked == 0
    assert found.earlier == found.now
    assert found.before == list(found.after)


def test_a_judge_that_cannot_answer_leaves_everything_as_it_was(copy, tmp_path):
    folder = copy()
    before = state(folder.path)
    with pytest.raises(UnknownName, match="judge"):
        rejudge(folder, "menagrie", out=tmp_path / "new")
    with pytest.raises(UserError, match="knows only the characters of menagerie"):
        rejudge(folder, "menagerie", out=tmp_path / "new")
    assert state(folder.path) == before
    assert not (tmp_path / "new").exists()


def test_a_run_without_pictures_is_told(config, other):
    folder = prepare(config())
    with pytest.raises(UserError, match="has no pictures to judge"):
        rejudge(folder, other)
