"""A calibration as a picture: ROC, precision and recall, and reliability of graded answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from copycat.cards.calibration import Bin
from copycat.report.plot import COLOURS, arms, drawn
from copycat.stats import roc

_DASHES = ("-", "--", "-.", ":", (0, (6, 1)), (0, (3, 1, 1, 1, 1, 1)))
_LOOKS = tuple(zip((*COLOURS[:4], *COLOURS[-2:]), _DASHES, strict=True))

Kinds = tuple[Sequence[float], Sequence[float]]
"""Scores of the pictures that show the character, and of the others."""


def picture(scores: Mapping[str, Kinds], bins: Mapping[str, Sequence[Bin]], form: str) -> bytes:
    """As `svg` or `png`; one curve a judge. `scores` has both kinds of every judge."""

    def draw(canvas: Figure) -> None:
        one, two, three = (canvas.add_subplot(1, 3, i) for i in (1, 2, 3))
        for (name, (positive, negative)), (colour, dashes) in zip(
            scores.items(), cycle(_LOOKS), strict=False
        ):
            look: dict[str, Any] = {"color": colour, "linestyle": dashes, "linewidth": 1.6}
            area = roc.auroc(positive, negative)
            one.plot(*roc.curve(positive, negative).T, label=f"{name} ({area:.3f})", **look)
            # Recall falls from step to step; between steps the lower precision holds.
            two.plot(
                *roc.precision_recall(positive, negative).T,
                drawstyle="steps-post",
                label=f"{name} ({roc.average_precision(positive, negative):.3f})",
                **look,
            )
            _bars(three, name, bins[name], colour)
        one.plot([0, 1], [0, 1], color="0.7", linewidth=1, linestyle="--")
        one.axvline(0.01, color="0.7", linewidth=1)
        three.plot([0, 1], [0, 1], color="0.7", linewidth=1, linestyle="--")
        _named(one, "ROC (area)", "false-positive rate (line: 1 %)", "true-positive rate")
        _named(two, "Precision and recall (average precision)", "recall", "precision")
        _named(three, "Reliability (95 %)", "P(Yes), mean of its bin", "share that show the character")

    return drawn(draw, (13.5, 4.6), form, dpi=100)


def _bars(axes: Axes, name: str, bins: Sequence[Bin], colour: str) -> None:
    shown = [(b.score, b.yes) for b in bins if b.score is not None]
    middle = [s.value or 0.0 for _, s in shown]
    lengths = [arms(m, s.low or 0.0, s.high or 0.0) for m, (_, s) in zip(middle, shown, strict=True)]
    axes.errorbar(
        [x for x, _ in shown],
        middle,
        yerr=[[bar[k] for bar in lengths] for k in (0, 1)],
        color=colour,
        marker="o",
        markersize=4,
        linewidth=1,
        elinewidth=0.8,
        capsize=2,
        label=f"{name} ({sum(s.n for _, s in shown)})",
    )


def _named(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set(xlabel=x, ylabel=y, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(
        fontsize=7, loc="lower right" if "ROC" in title else "lower left" if "Prec" in title else "upper left"
    )
