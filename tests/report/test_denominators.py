"""Where pictures that are not scored could turn a comparison round."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from copycat.measures import DETECT
from copycat.records import Metric
from copycat.report.denominators import turned
from copycat.runs.folder import RunFolder
from copycat.stages.rejudge import Rejudged, print_rejudged


def detect(value: float | None, shown: int, scored: int, images: int = 50) -> Metric:
    """DETECT of 50 characters with a picture each, of which `shown` of the `scored` show theirs."""
    return Metric(
        metric=DETECT.name,
        mitigation="none",
        prompt_set="name",
        value=value,
        sd=None,
        low=None,
        high=None,
        all_low=shown,
        all_high=shown + images - scored,
        characters=50,
        images=images,
        scored=scored,
        unscored=0,
        refused=images - scored,
        errors=0,
        method="",
    )


def test_two_judges_figures_say_what_is_over_all_asked_for(tmp_path: Path) -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    before, after = ([detect(20, 20, scored)] for scored in (50, 45))
    print_rejudged(console, Rejudged(RunFolder(tmp_path), "a@1", "b@1", 0, before, after, ()))
    said = console.export_text()
    assert said.count("of all asked for") == 1, "not where all is scored"
    assert "of all asked for 20.0 … 25.0" in said


def test_a_guardrail_that_refuses_just_what_shows_the_character_is_warned_of() -> None:
    told = turned(DETECT, 0.0, detect(25, 25, 50), detect(0, 0, 25))
    assert "The difference is 0.0 on the pictures that both have scored, −25.0 of all" in told
    assert "0 of 50 pictures of the base and 25 of 50 pictures of the other are not scored" in told
    assert "between −25.0 and 0.0" in told


@pytest.mark.parametrize(
    ("paired", "base", "other", "open_"),
    [
        (0.0, detect(25, 25, 50), detect(25, 25, 50), False),  # nothing is missing
        (0.04, detect(25, 25, 50), detect(25, 25, 49), True),  # shown as 0, and one picture is missing
        (-3.0, detect(30, 20, 30), detect(10, 10, 50), False),  # at most 10, where the base has 20 or more
        (-3.0, detect(30, 20, 30), detect(29, 28, 48), True),  # the bounds reach beyond 0
        (2.0, detect(30, 20, 30), detect(10, 10, 50), True),  # pairs say more, the two numbers say less
        (None, detect(30, 20, 30), detect(10, 10, 50), False),
        (None, detect(None, 0, 0), detect(10, 10, 50), False),  # nothing to be warned of
    ],
)
def test_it_is_warned_of_where_a_sign_is_open_or_two_differences_disagree(paired, base, other, open_) -> None:
    assert bool(turned(DETECT, paired, base, other)) == open_
