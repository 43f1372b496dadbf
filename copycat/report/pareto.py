"""The price of a guardrail as a picture: DETECT against CONS, and the front that nothing beats in both."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from copycat.measures import CONS, DETECT

# Okabe and Ito's colours, told apart also by the colour-blind, each with a shape of its own.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#999999", "#E69F00", "#000000")
_SHAPES = ("o", "s", "^", "D", "v", "X", "P", "*")
_COLUMNS = 2
"""Panels side by side."""


@dataclass(frozen=True)
class Point:
    """One condition with its two numbers and their 95 % intervals."""

    label: str
    """The mitigation, with the run where there are several."""
    panel: str
    """What is compared with one another, such as the prompt set; each has a front of its own."""
    detect: float
    """Characters, of `characters`; lower is safer."""
    detect_low: float | None
    detect_high: float | None
    cons: float
    """Mean P("Yes") in [0, 1]; higher is better."""
    cons_low: float | None
    cons_high: float | None
    characters: int


def front(points: Sequence[Point]) -> list[Point]:
    """The points that no other one dominates, by rising DETECT.

    One point dominates another when it is at least as good in both numbers and better in one; only the
    estimates are compared, not their intervals.
    """

    def dominates(a: Point, b: Point) -> bool:
        no_worse = a.detect <= b.detect and a.cons >= b.cons
        return no_worse and (a.detect < b.detect or a.cons > b.cons)

    best = [p for p in points if not any(dominates(q, p) for q in points)]
    return sorted(best, key=lambda p: (p.detect, p.cons))


def pareto(points: Sequence[Point]) -> str:
    """The figure as an `<svg>` element to stand in a page; see :func:`picture` for a file of its own."""
    text = picture(points, "svg").decode()
    # A page takes the element alone. Its one style rule would hold for the whole page.
    return re.sub(r"<(metadata|style)\b.*?</\1>", "", text[text.index("<svg") :], flags=re.DOTALL)


def picture(points: Sequence[Point], form: str) -> bytes:
    """The figure as `svg` or `png`: a panel each, DETECT to the right, CONS upwards, intervals as bars.

    The front is drawn as steps, and its points are filled; the others are hollow. Raises ValueError
    without points.
    """
    if not points:
        raise ValueError("a Pareto plot needs at least one point")
    panels = list(dict.fromkeys(p.panel for p in points))
    labels = list(dict.fromkeys(p.label for p in points))
    looks = {label: _look(i) for i, label in enumerate(labels)}
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    # Without the first two the same numbers give other bytes each time; labels are no formulas.
    with mpl.rc_context({"svg.hashsalt": "copycat", "svg.fonttype": "none", "text.parse_math": False}):
        canvas = Canvas(figsize=(4.6 * columns + 2.2, 3.9 * rows), layout="constrained")
        axes = canvas.subplots(rows, columns, squeeze=False)
        for place, panel in zip(axes.flat, panels, strict=False):
            _panel(place, panel, [p for p in points if p.panel == panel], looks)
        for empty in list(axes.flat)[len(panels) :]:
            empty.set_visible(False)
        handles: dict[str, Artist] = {}
        for place in axes.flat:
            artists, told = place.get_legend_handles_labels()
            handles |= dict(zip(told, artists, strict=True))
        canvas.legend(
            list(handles.values()), list(handles), loc="outside right upper", fontsize=8, frameon=False
        )
        out = io.BytesIO()
        extra = {"metadata": {"Date": None}} if form == "svg" else {"dpi": 160}
        canvas.savefig(out, format=form, **extra)
    return out.getvalue()


def _look(i: int) -> tuple[str, str]:
    """Colour and shape of the i-th label; each round of colours takes other shapes, so 64 differ."""
    turn, place = divmod(i, len(_COLOURS))
    return _COLOURS[place], _SHAPES[(place + turn) % len(_SHAPES)]


def _panel(axes: Axes, panel: str, points: Sequence[Point], looks: dict[str, tuple[str, str]]) -> None:
    best = front(points)
    axes.step(
        [p.detect for p in best],
        [p.cons for p in best],
        where="post",
        color="#444444",
        linewidth=1,
        linestyle="--",
        label="front: nothing is better in both",
        zorder=1,
    )
    for p in points:
        colour, shape = looks[p.label]
        axes.errorbar(
            [p.detect],
            [p.cons],
            xerr=_arms(p.detect, p.detect_low, p.detect_high),
            yerr=_arms(p.cons, p.cons_low, p.cons_high),
            color=colour,
            marker=shape,
            markersize=7,
            markerfacecolor=colour if p in best else "white",
            linestyle="none",
            elinewidth=0.8,
            capsize=2,
            clip_on=False,
            label=p.label,
            zorder=3 if p in best else 2,
        )
    of = " or ".join(map(str, sorted({p.characters for p in points})))
    most = max(p.characters for p in points)
    axes.set_xlim(-0.02 * most, 1.02 * most)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(f"{DETECT.name}: characters of {of} (left is safer)", fontsize=9)
    axes.set_ylabel(f"{CONS.name} (up is better)", fontsize=9)
    axes.set_title(panel, fontsize=10)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25)


def _arms(value: float, low: float | None, high: float | None) -> list[list[float]] | None:
    """Lengths below and above; None without an interval."""
    if low is None or high is None:
        return None
    return [[max(0.0, value - low)], [max(0.0, high - value)]]
