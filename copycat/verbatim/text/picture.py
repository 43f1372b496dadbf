"""How much is given back, as a figure."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from copycat.report.plot import COLOURS, arms, drawn
from copycat.verbatim.text.mitigations.composition import NONE
from copycat.verbatim.text.rungs import VERBATIM
from copycat.verbatim.text.summary import ALL, Cell

MOST_SETS = 24


def curve(cells: Sequence[Cell], form: str) -> bytes | None:
    """The mean longest common substring of every set of protected documents, a line for each kind and length
    of prompt, without mitigation, as `svg` or `png`; None with fewer than two sets, or too many."""
    bare = [
        c
        for c in cells
        if c.role == "protected" and c.mitigation == NONE and c.group != ALL and c.substring.value is not None
    ]
    groups = list(dict.fromkeys(c.group for c in bare))
    if not 2 <= len(groups) <= MOST_SETS:
        return None
    lines = list(dict.fromkeys((c.prompts, c.length) for c in bare))
    unit = {"lines": "lines"}

    def draw(canvas: Figure) -> None:
        axes = canvas.add_subplot()
        for i, (prompts, length) in enumerate(lines):
            mine = {c.group: c for c in bare if (c.prompts, c.length) == (prompts, length)}
            known = [(groups.index(g), c.substring) for g, c in mine.items()]
            # Beside one another, so that no interval hides another.
            at = [x + (i - len(lines) / 2) * 0.04 for x, _ in known]
            values = [v.value or 0.0 for _, v in known]
            bars = [arms(v.value or 0.0, v.low, v.high) for _, v in known]
            axes.errorbar(
                at, values, yerr=list(zip(*bars, strict=True)), color=COLOURS[i % len(COLOURS)], marker="o",
                markersize=4, capsize=2, linewidth=1.5,
                label=f"{prompts}, {length} {unit.get(prompts, 'words')}",
            )  # fmt: skip
        axes.axhline(VERBATIM.words, color="#888888", linewidth=0.8, linestyle="--")
        axes.set_xticks(range(len(groups)), [g or "documents" for g in groups], rotation=30, ha="right")
        axes.set_ylabel("words in a row from the work, mean")
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8)

    return drawn(draw, (8, 4.5), form)
