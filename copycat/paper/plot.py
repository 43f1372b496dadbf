"""The curves of a figure as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import cycle

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from copycat.measures import DETECT
from copycat.paper.curves import Curves, Point
from copycat.report.words import interval

# Okabe and Ito's colours, told apart also by the colour-blind, each with a shape of its own.
_LOOKS = (
    *(("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D"), ("#56B4E9", "v")),
    *(("#999999", "x"), ("#E69F00", "P"), ("#000000", "*")),
)
_DASHES = ("--", ":", "-.")


def picture(drawn: Sequence[Curves], form: str) -> bytes:
    """The figure as `svg` or `png`, a panel a model: means with their 95 % intervals."""
    # Without these two the same numbers give other bytes each time.
    with mpl.rc_context({"svg.hashsalt": "copycat", "svg.fonttype": "none"}):
        canvas = Canvas(figsize=(7.6 * len(drawn), 4.2), layout="constrained")
        for i, c in enumerate(drawn):
            _panel(canvas.add_subplot(1, len(drawn), i + 1), c)
        out = io.BytesIO()
        extra = {"metadata": {"Date": None}} if form == "svg" else {"dpi": 160}
        canvas.savefig(out, format=form, **extra)
    return out.getvalue()


def _panel(axes: Axes, c: Curves) -> None:
    # A little aside, so that the bars of one n do not hide each other.
    shift = 1.0
    drawn = ((label, points) for label, points in c.curves.items() if points)
    for (label, points), (colour, shape) in zip(drawn, cycle(_LOOKS), strict=False):
        shown = [(n, p) for n, p in sorted(points.items()) if p.detect.value is not None]
        if not shown:
            continue
        axes.errorbar(
            [n * shift for n, _ in shown],
            [p.detect.value or 0.0 for _, p in shown],
            yerr=[[_arm(p)[k] for _, p in shown] for k in (0, 1)],
            color=colour,
            marker=shape,
            markersize=5,
            linewidth=1.5,
            elinewidth=0.8,
            capsize=2,
            clip_on=False,
            label=label,
        )
        shift *= 1.03
    for (label, level), dash in zip(c.levels.items(), _DASHES * len(c.levels), strict=False):
        if level is not None and level.detect.value is not None:
            explained = f"{label} {interval(level.detect.low, level.detect.high, DETECT.places)}"
            axes.axhline(level.detect.value, color="#444444", linestyle=dash, linewidth=1, label=explained)
    people = sorted({p.detect.characters for p in c.points()})
    axes.set_xscale("log")
    axes.set_xticks(c.sizes, [str(n) for n in c.sizes])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("words in the prompt (n)")
    axes.set_ylabel(f"{DETECT.name}: characters of " + " or ".join(map(str, people)))
    axes.set_title(c.model or "", fontsize=10)
    axes.grid(axis="y", alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))


def _arm(p: Point) -> tuple[float, float]:
    """Lengths of the interval's arms; none without an interval."""
    m = p.detect
    if m.value is None or m.low is None or m.high is None:
        return 0.0, 0.0
    return max(0.0, m.value - m.low), max(0.0, m.high - m.value)
