"""What a run measured, as figures."""

from __future__ import annotations

from dataclasses import replace

from copycat.measures import CONS, DETECT
from copycat.report import pareto
from copycat.report.price import prices
from copycat.runs.data import RunData


def figures(run: RunData) -> dict[str, bytes]:
    """The files that show the numbers of `run`, by name; none where there is nothing to compare."""
    drawn = points(run)
    return {f"pareto.{form}": pareto.picture(drawn, form) for form in ("svg", "png")} if drawn else {}


def points(run: RunData) -> list[pareto.Point]:
    """DETECT and CONS of each mitigation, a panel for each prompt set; those that have both.

    Empty with fewer than two mitigations, since there is nothing to compare.
    """
    found = pareto.points(
        (*group, run.metric(DETECT, *group), run.metric(CONS, *group)) for group in run.groups
    )
    paid = {p.mitigation: p for p in prices(run)}  # the last of each is that of all sets
    found = [replace(p, paid=paid[p.label].value) if p.label in paid else p for p in found]
    return found if len({p.label for p in found}) > 1 else []
