"""What is said of workers that a model which runs elsewhere has no use for."""

from __future__ import annotations

import pytest

from copycat.cards.judges import load_judge_card
from copycat.config import RunConfig
from copycat.stages.engine import unused_workers

HOSTED, LOCAL = load_judge_card("gpt-4o"), load_judge_card("menagerie")


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"engine": "workers"}, "--engine workers"),
        ({"workers": 2}, "--workers"),
        ({"devices": ("cpu", "cuda:0")}, "--devices"),
        ({"engine": "workers", "workers": 4}, "--engine workers"),
    ],
)
def test_the_first_option_that_does_nothing_is_named(given: dict[str, object], option: str) -> None:
    config = RunConfig.model_validate(given)
    assert f", and {option} does nothing for it." in unused_workers(config, HOSTED, "The judge")
    assert unused_workers(config, LOCAL, "The judge") == ""


@pytest.mark.parametrize("given", [{}, {"workers": 1}, {"devices": ("cpu",)}])
def test_one_process_is_no_waste(given: dict[str, object]) -> None:
    assert unused_workers(RunConfig.model_validate(given), HOSTED, "The judge") == ""
