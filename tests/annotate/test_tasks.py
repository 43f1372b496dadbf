"""Which questions a run gives, to whom, and in which order."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from copycat.annotate.tasks import Task, ordered, sampled, tasks, with_foils
from copycat.errors import UserError
from copycat.records import ImageRow
from tests.helpers.innocents import WithInnocents
from tests.helpers.synthetic import SyntheticRun


@pytest.fixture
def run(tmp_path: Path) -> SyntheticRun:
    """36 requests of six characters, two of them without a picture."""
    return SyntheticRun(tmp_path / "run")


def many(conditions: int = 2, characters: int = 5, each: int = 8) -> tuple[Task, ...]:
    return tuple(
        Task(f"{m}-{c}-{n}", f"c{c}", (f"m{m}", "name"), (f"{m}-{c}-{n}.png",), (), "")
        for m in range(conditions)
        for c in range(characters)
        for n in range(each)
    )


def test_every_picture_that_was_made_is_asked_about_once(run: SyntheticRun) -> None:
    found = tasks(run.data())
    ok = [row for row in run.image_rows if row.outcome == "ok"]
    assert found.missing == 0
    # The pictures of a seed are the same under both mitigations: one question about both files.
    assert sorted(i for task in found.tasks for i in task.images) == sorted(str(r.file) for r in ok)
    assert len(found.tasks) == len({r.sha256 for r in ok}) == 18
    assert {task.sha256 for task in found.tasks} == {r.sha256 for r in ok}


def test_files_that_are_gone_or_lie_outside_are_left_out(run: SyntheticRun, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    Image.new("RGB", (8, 8)).save(secret)
    rows = [r for r in run.image_rows if r.outcome == "ok"]
    for file, row in zip(("../secret.png", str(secret), "images/../../secret.png"), rows, strict=False):
        run.image_rows.append(row.model_copy(update={"file": file, "sha256": "0" * 64}))
    (run.path / str(rows[-1].file)).unlink()
    found = tasks(run.data())
    assert found.missing == 4
    inside = run.path.resolve()
    assert all(f.is_relative_to(inside) for task in found.tasks for f in task.files)


def test_a_run_without_pictures_is_told(run: SyntheticRun) -> None:
    for row in run.image_rows:
        if row.file:
            (run.path / row.file).unlink(missing_ok=True)
    with pytest.raises(UserError, match=r"All 34 pictures .* are missing"):
        tasks(run.data())
    run.image_rows.clear()
    with pytest.raises(UserError, match="has no pictures to label"):
        tasks(run.data())


def test_a_video_is_one_question_about_its_judged_frames(run: SyntheticRun) -> None:
    request, made = run.requests[0], run.image_rows[0]
    run.image_rows = [
        ImageRow(
            **made.model_dump(exclude={"frame", "strip", "video", "review"}),
            frame=n,
            strip="videos/x.png",
            video="videos/x.mp4",
        )
        for n in (0, 3, 7)
    ]
    video = request.model_copy(update={"sampling": request.sampling.model_copy(update={"frames": 8})})
    run.requests = [video]
    (task,) = tasks(run.data()).tasks
    assert (len(task.files), task.images, task.sha256) == (3, ("videos/x.png",), "")
    assert task.pixels == hashlib.sha256("|".join([str(made.sha256)] * 3).encode()).hexdigest()


def test_a_sample_is_balanced_and_grows() -> None:
    few, more = sampled(many(), 20, 1), sampled(many(), 40, 1)
    assert Counter(i.condition for i in few) == {("m0", "name"): 10, ("m1", "name"): 10}
    assert Counter(i.character for i in few) == {f"c{n}": 4 for n in range(5)}
    assert more[:20] == few
    assert set(sampled(many(), 20, 2)) != set(few)
    assert sampled(many(), None, 1) == sampled(many(), 500, 1) == many()


def test_orders_differ_between_raters_and_have_all_conditions_throughout() -> None:
    asked = many(each=20)
    ann, bo = ordered(asked, "Ann", 0), ordered(asked, "Bo", 0)
    assert set(ann) == set(bo) == set(asked)
    assert ann != bo
    assert ann == ordered(tuple(reversed(asked)), "Ann", 0)
    for start in range(0, 200, 8):
        assert Counter(i.condition for i in ann[start : start + 8]) == {("m0", "name"): 4, ("m1", "name"): 4}
    firsts = [ann[n].condition for n in range(0, 200, 2)]
    seconds = [ann[n].condition for n in range(1, 200, 2)]
    assert 10 < sum(a == b for a, b in zip(firsts, seconds, strict=True)) < 90, "the next one can be guessed"


def test_foils_ask_about_somebody_else(run: SyntheticRun) -> None:
    asked = tasks(run.data()).tasks
    assert len(with_foils(asked, 0.5, run.data(), 3)) == 18 + 9
    foiled = with_foils(asked, 1, run.data(), 3)
    foils = foiled[len(asked) :]
    assert foiled[: len(asked)] == asked
    assert len(foils) == 18
    made_for = {i.pixels: i.character for i in asked}
    assert all(f.character != made_for[f.pixels] for f in foils)
    assert {f.character for f in foils} <= {c.slug for c in run.registry.characters}
    assert with_foils(asked, 0, run.data(), 3) == asked
    alone = SyntheticRun(run.path.parent / "alone", characters=1)
    with pytest.raises(UserError, match="one only"):
        with_foils(tasks(alone.data()).tasks, 0.5, alone.data(), 3)


def test_nobody_is_to_be_found_in_innocent_pictures(tmp_path: Path) -> None:
    made = WithInnocents(tmp_path)
    before = tasks(made.data())
    assert tasks(made.add_innocents()) == before
