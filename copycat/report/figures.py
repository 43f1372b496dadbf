"""What a run measured, as figures."""

from __future__ import annotations

from collections.abc import Sequence

from copycat.records import Metric
from copycat.report import pareto
from copycat.report.view import Run, groups, lookup


def figures(run: Run) -> dict[str, bytes]:
    """The files that show the numbers of `run`, by name; none where there is nothing to compare."""
    drawn = points(run.metrics())
    return {f"pareto.{form}": pareto.picture(drawn, form) for form in ("svg", "png")} if drawn else {}


def points(metrics: Sequence[Metric]) -> list[pareto.Point]:
    """DETECT and CONS of each mitigation, a panel for each prompt set; those that have both.

    Empty with fewer than two mitigations, since there is nothing to compare.
    """
    found = []
    for mitigation, prompt_set in groups(metrics):
        d, c = (lookup(metrics, name, mitigation, prompt_set) for name in ("DETECT", "CONS"))
        if d and c and d.value is not None and c.value is not None:
            found.append(
                pareto.Point(
                    mitigation, prompt_set, d.value, d.low, d.high, c.value, c.low, c.high, d.characters
                )
            )
    return found if len({p.label for p in found}) > 1 else []
