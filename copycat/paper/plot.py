"""The curves of a figure as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from copycat.measures import DETECT
from copycat.paper.curves import Curves
from copycat.report.plot import COLOURS, arms, drawn
from copycat.report.words import POPULATION, population_interval

_LOOKS = tuple(zip(COLOURS, "os^DvxP*", strict=True))
_DASHES = ("--", ":", "-.")


def picture(shown: Sequence[Curves], form: str) -> bytes:
    """The figure as `svg` or `png`, a panel a model: means with 95 % intervals for characters like these."""

    def draw(canvas: Figure) -> None:
        for i, c in enumerate(shown, 1):
            _panel(canvas.add_subplot(1, len(shown), i), c)

    return drawn(draw, (7.6 * len(shown), 4.2), form)


def _panel(axes: Axes, c: Curves) -> None:
    # A little aside, so that the bars of one n do not hide each other.
    shift = 1.0
    curves = ((label, points) for label, points in c.curves.items() if points)
    for (label, points), (colour, shape) in zip(curves, cycle(_LOOKS), strict=False):
        numbers = ((n, p.detect) for n, p in sorted(points.items()))
        shown = [(n, m.value, arms(m.value, m.low, m.high)) for n, m in numbers if m.value is not None]
        if not shown:
            continue
        axes.errorbar(
            [n * shift for n, _, _ in shown],
            [value for _, value, _ in shown],
            yerr=[[bar[k] for _, _, bar in shown] for k in (0, 1)],
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
            explained = f"{label} {population_interval(level.detect)}"
            axes.axhline(level.detect.value, color="#444444", linestyle=dash, linewidth=1, label=explained)
    people = sorted({p.detect.characters for p in c.points()})
    axes.set_xscale("log")
    axes.set_xticks(c.sizes, [str(n) for n in c.sizes])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("words in the prompt (n)")
    of = " or ".join(map(str, people))
    axes.set_ylabel(f"{DETECT.name}: characters of {of}\n(bars: 95 %, {POPULATION})")
    axes.set_title(c.model or "", fontsize=10)
    axes.grid(axis="y", alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
