"""Failing: a stage that gets nothing but failures ends and says why, whatever model it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from copycat.errors import MissingRequirement
from copycat.generators.base import ImageOutcome
from copycat.generators.diffusers_image import DiffusersImage
from copycat.judges.base import unscored
from copycat.judges.vlm import VisionLanguageJudge
from copycat.resolve import ResolvedRun
from copycat.stages.failing import IN_A_ROW, Failing
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import prepare


def add(failing: Failing, *reasons: str | None) -> None:
    for reason in reasons:
        failing.add(reason)
        failing.check()


def test_a_row_is_of_one_kind_and_ends_with_an_answer() -> None:
    failing = Failing("M", "pictures", answered=False)
    for n in range(30):
        add(failing, f"oops {(n % 2 and 'a') or 'b'}")
    add(failing, *["oops"] * (IN_A_ROW - 1), None, *["oops"] * (IN_A_ROW - 1))
    with pytest.raises(MissingRequirement, match=r"M: 10 pictures in a row failed in the same way \(oops\)"):
        add(failing, "oops")


def test_numbers_and_identities_make_no_other_kind() -> None:
    failing = Failing("M", "pictures", answered=True)
    add(failing, *[f"Error 400: bad size (request req_0a{n}f)" for n in range(IN_A_ROW - 1)])
    with pytest.raises(MissingRequirement, match="bad size"):
        add(failing, "Error 400: bad size (request req_99)")


@pytest.mark.parametrize(
    ("before", "now", "ends"), [(False, None, False), (True, "x", False), (False, "x", True)]
)
def test_all_means_earlier_ones_too(before: bool, now: str | None, ends: bool) -> None:
    failing = Failing("M", "verdicts", answered=before)
    add(failing, "x", now)
    if ends:
        with pytest.raises(MissingRequirement, match="all 2 verdicts failed"):
            failing.check_all()
    else:
        failing.check_all()


def test_a_pipeline_that_draws_nothing_ends_the_run(
    config: Callable[..., ResolvedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = prepare(config())
    draw = DiffusersImage.draw

    def fail(self: Any, asked: Any, hooks: Any) -> list[ImageOutcome]:
        return [ImageOutcome("error", error="no such call") for _ in asked]

    with monkeypatch.context() as patch:
        patch.setattr(
            DiffusersImage,
            "draw",
            fail,
        )
        with pytest.raises(
            MissingRequirement, match=r"10 pictures in a row .*no such call.*tries the failed ones"
        ):
            generate(folder)
        assert {r.outcome for r in folder.data().images.values()} == {"error"}, "rows are kept"
        few = prepare(config(characters=("Zori",), mitigations=("none",), out=folder.path.parent / "few"))
        with pytest.raises(MissingRequirement, match="all 2 pictures failed"):
            generate(few)
    assert DiffusersImage.draw is draw
    generate(few)
    assert {r.outcome for r in few.data().images.values()} == {"ok"}


def test_a_judge_here_that_breaks_ends_the_run(
    config: Callable[..., ResolvedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = prepare(config(mitigations=("none",)))
    generate(folder)

    def broken(self: Any, questions: Any, images: Any, prepared: Any) -> Any:
        return [unscored(q, self.identity, "RuntimeError: no such layer") for q in questions]

    with monkeypatch.context() as patch:
        patch.setattr(VisionLanguageJudge, "ask_prepared", broken)
        with pytest.raises(MissingRequirement, match=r"verdicts in a row failed .*no such layer"):
            judge(folder)
    assert judge(folder) > 0, "its own words, whatever they are, are answers"
