"""Where a run is computed is no part of what it is."""

from __future__ import annotations

from copycat.config import RunConfig

ON_RAY = RunConfig(engine="ray", address="10.0.0.1:6379", gpus_per_worker=0.5, workers=8)


def test_where_a_run_is_computed_is_no_part_of_its_identity() -> None:
    assert ON_RAY.digest == RunConfig().digest


def test_another_engine_takes_nothing_of_the_one_before() -> None:
    assert ON_RAY.computed_by(None, None) is ON_RAY
    assert ON_RAY.computed_by("local", None) == RunConfig(workers=8)
    moved = ON_RAY.computed_by(None, "10.0.0.2:6379")
    assert moved == ON_RAY.model_copy(update={"address": "10.0.0.2:6379"})
    assert ON_RAY.computed_by("ray", None).address is None, "the named engine, where it is found by itself"
