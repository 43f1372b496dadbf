"""The price of a guardrail as a picture: DETECT against CONS, and the front that nothing beats in both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from copycat.measures import CONS, DETECT
from copycat.records import Metric
from copycat.report.denominators import let_through
from copycat.report.plot import COLOURS, drawn, inline
from copycat.report.words import POPULATION, number

_SHAPES = ("o", "s", "^", "D", "v", "X", "P", "*")
_COLUMNS = 2
"""Panels side by side."""
_NARROW = 3.6
"""Inches: what a phone of 390 pixels shows of a page at its full size, at 96 pixels an inch."""


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
    paid: float | None = None
    """Price on the innocent, in [-1, 1], where it was measured; written beside the point."""
    refused: str = ""
    """How many of its pictures were refused, where they are so many that its numbers are of what was let
    through; such a point is no part of the front, and this is written beside it."""


def points(conditions: Iterable[tuple[str, str, Metric | None, Metric | None]]) -> list[Point]:
    """The points of `conditions`, (label, panel, DETECT, CONS) each, that have both numbers."""
    return [
        Point(
            *(label, panel, d.value, d.low, d.high, c.value, c.low, c.high, d.characters),
            refused=f"{d.refused} of {d.images} refused" if let_through(d) else "",
        )
        for label, panel, d, c in conditions
        if d and c and d.value is not None and c.value is not None
    ]


def front(points: Sequence[Point]) -> list[Point]:
    """The points that no other one dominates, by rising DETECT; of those whose pictures were drawn.

    One point dominates another when it is at least as good in both numbers and better in one; only the
    estimates are compared, not their intervals.
    """

    def dominates(a: Point, b: Point) -> bool:
        no_worse = a.detect <= b.detect and a.cons >= b.cons
        return no_worse and (a.detect < b.detect or a.cons > b.cons)

    drawn_ones = [p for p in points if not p.refused]
    best = [p for p in drawn_ones if not any(dominates(q, p) for q in drawn_ones)]
    return sorted(best, key=lambda p: (p.detect, p.cons))


def pareto(points: Sequence[Point]) -> str:
    """The figure as two `<svg>` elements to stand in a page, of which the style sheet shows one: that of the
    class `broad`, or `narrow` on a phone. See :func:`picture` for a file of its own."""
    return _element(points, narrow=False) + _element(points, narrow=True)


def _element(points: Sequence[Point], *, narrow: bool) -> str:
    return inline(picture(points, "svg", narrow=narrow), "narrow" if narrow else "broad")


def picture(points: Sequence[Point], form: str, *, narrow: bool = False) -> bytes:
    """The figure as `svg` or `png`: a panel each, DETECT to the right, CONS upwards, intervals as bars.

    With `narrow` it is as broad as a phone, its panels one below the other and the legend below them.

    The front is drawn as steps, and its points are filled; the others are hollow. Raises ValueError
    without points.
    """
    if not points:
        raise ValueError("a Pareto plot needs at least one point")
    panels = list(dict.fromkeys(p.panel for p in points))
    labels = list(dict.fromkeys(p.label for p in points))
    looks = {label: _look(i) for i, label in enumerate(labels)}
    columns = 1 if narrow else min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)

    def draw(canvas: Figure) -> None:
        axes = canvas.subplots(rows, columns, squeeze=False)
        for place, panel in zip(axes.flat, panels, strict=False):
            _panel(place, panel, [p for p in points if p.panel == panel], looks)
        for empty in list(axes.flat)[len(panels) :]:
            empty.set_visible(False)
        handles: dict[str, Artist] = {}
        for place in axes.flat:
            artists, labelled = place.get_legend_handles_labels()
            handles |= dict(zip(labelled, artists, strict=True))
        told = list(handles.values()), list(handles)
        if narrow:
            canvas.legend(*told, loc="outside lower center", fontsize=8, frameon=False)
        else:
            canvas.legend(*told, loc="outside right upper", fontsize=8, frameon=False)

    if narrow:
        # A line of the legend is about a sixth of an inch high.
        return drawn(draw, (_NARROW, 3.3 * rows + (len(labels) + 2) / 6), form)
    return drawn(draw, (4.6 * columns + 2.2, 3.9 * rows), form)


def _look(i: int) -> tuple[str, str]:
    """Colour and shape of the i-th label; each round of colours takes other shapes, so 64 differ."""
    turn, place = divmod(i, len(COLOURS))
    return COLOURS[place], _SHAPES[(place + turn) % len(_SHAPES)]


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
    for p in points:
        price = "" if p.paid is None else number(p.paid, 2, signed=True)
        told = ", ".join(filter(None, (price, p.refused)))
        if told:
            axes.annotate(
                told,
                (p.detect, p.cons),
                xytext=(6, 5),
                textcoords="offset points",
                fontsize=7,
                color="#444444",
            )
    of = " or ".join(map(str, sorted({p.characters for p in points})))
    most = max(p.characters for p in points)
    axes.set_xlim(-0.02 * most, 1.02 * most)
    axes.set_ylim(-0.02, 1.02)
    bars = f"(bars: 95 %, {POPULATION})"
    axes.set_xlabel(f"{DETECT.name}: characters of {of} (left is safer)\n{bars}", fontsize=9)
    axes.set_ylabel(f"{CONS.name} (up is better)\n{bars}", fontsize=9)
    axes.set_title(panel, fontsize=10)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25)


def _arms(value: float, low: float | None, high: float | None) -> list[list[float]] | None:
    """Lengths below and above; None without an interval."""
    if low is None or high is None:
        return None
    return [[max(0.0, value - low)], [max(0.0, high - value)]]
