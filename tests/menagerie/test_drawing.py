"""Drawing on all cores: the number of processes decides nothing but the time."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from copycat.menagerie import corpus, motion
from copycat.menagerie.drawing import core_count, draw_on_all_cores
from copycat.menagerie.world import make_inhabitants


def _process_of(items: Sequence[int]) -> list[tuple[int, int]]:
    return [(item, os.getpid()) for item in items]


def test_items_keep_their_order_and_all_processes_get_some() -> None:
    found = draw_on_all_cores(_process_of, range(450), workers=2)
    assert [item for item, _ in found] == list(range(450))
    assert os.getpid() not in {process for _, process in found}
    assert {process for _, process in draw_on_all_cores(_process_of, range(450), workers=1)} == {os.getpid()}
    assert core_count() >= 1


@pytest.mark.parametrize(
    "draw",
    [
        lambda workers: corpus.draw_all(corpus.training_samples(make_inhabitants(), 30)[-130:], workers),
        lambda workers: corpus.probes(130, corpus.REFEREE, workers=workers),
        lambda workers: motion.draw_all(101, workers=workers),
    ],
    ids=["corpus", "probes", "clips"],
)
def test_two_processes_draw_what_one_does(draw: Callable[[int], tuple[Any, list[Any]]]) -> None:
    one, two = draw(1), draw(2)
    assert np.array_equal(one[0], two[0])
    assert one[1] == two[1]
