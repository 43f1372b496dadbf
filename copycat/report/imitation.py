"""The imitation threshold for readers: sentences, a table, and the plot of scores against counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from copycat.errors import BadFile
from copycat.io import pictures
from copycat.report.plot import COLOURS, drawn
from copycat.report.words import DASH
from copycat.runs.imitation import Bounds, Imitation

_ABOUT = (
    "The imitation threshold is the number of training pictures of a concept at which the model's "
    "pictures begin to be like them (Verma et al. 2024, arXiv 2410.15002)."
)
_OBSERVED = "It is observational: concepts differ in more than their counts."
_CHOSEN = (
    "It is experimental: who has how many pictures was chosen before the model was trained on them, so the "
    "counts are why scores differ, and not what else frequent concepts have in common."
)
_NAMED = 3
"""Names that stand in a sentence; of more of them the number."""
_BESIDE = 4
"""Concepts shown on either side of the threshold."""
Examples = Mapping[str, tuple[Path, Path]]
"""By concept, a reference picture and a generated one."""


def verdict(found: Imitation) -> str:
    """The answer in a sentence."""
    n = len(found.points)
    if found.threshold is None or found.below is None:
        said = f"No imitation threshold was found among {n} concepts: {_why_none(found)}."
        if found.rule == "reference" or found.step_p is not None:
            said += f" A step of {found.smallest_step:.2g} half-way through them could have been found."
        return said
    told = (
        f" (95 % interval {count(found.interval.low)} to {count(found.interval.high)})"
        if found.interval
        else ""
    )
    return (
        f"Imitation sets in at {count(found.threshold)} {unit(found)}{told}: that is the first of {n} "
        f"concepts after scores rise; the one before it has {count(found.below)}."
    )


def unit(found: Imitation) -> str:
    """What the counts are of; training pictures where the counts do not say."""
    return found.unit or "training pictures"


def about(found: Imitation) -> str:
    """What an imitation threshold is, and whether this one is observed or caused."""
    return f"{_ABOUT} {_CHOSEN if found.chosen else _OBSERVED}"


def _why_none(found: Imitation) -> str:
    if found.rule == "reference":
        return f"no change of level is worth the penalty of {found.penalty:g}"
    if found.step_p is None:
        return "too few of their counts differ for a step with several concepts on either side"
    if found.step_p >= 0.05:
        return f"their scores do not rise with the count (permutation test, p = {found.step_p:.2f})"
    return "their scores rise, and nowhere by a step that stands out of their noise"


def remarks(found: Imitation) -> list[str]:
    """What else is to be known, a sentence each."""
    told = [_reference(found), _tests(found), _smooth(found)]
    if found.interval is not None and found.interval.none > 0.02:
        told.append(f"In {found.interval.none:.0%} of the bootstrap's draws there is no threshold.")
    if found.encoder_tells_apart is False:
        told.append(
            f"The encoder {found.encoder} finds some two concepts more alike than some concept is to "
            f"itself, so the "
            "filter of training pictures confuses them."
        )
    if found.unfiltered:
        told.append(
            f"Without training pictures in the folder: {_some(found.unfiltered)}; their references stand in "
            "for them, and their counts are as given."
        )
    told.append(_left_out(found))
    return [t for t in told if t]


def _left_out(found: Imitation) -> str:
    """Who was left out, by reason: a counts file may have hundreds that the run does not have."""
    by_reason: dict[str, list[str]] = {}
    for concept, why in sorted(found.left_out.items()):
        by_reason.setdefault(why, []).append(concept)
    parts = [f"{_some(concepts)} ({why})" for why, concepts in by_reason.items()]
    return f"Left out: {'; '.join(parts)}." if parts else ""


def _some(names: Sequence[str]) -> str:
    """All of a few names, or their number and the first ones."""
    if len(names) <= _NAMED:
        return ", ".join(names)
    return f"{len(names)}, such as {', '.join(names[: _NAMED - 1])} and {names[_NAMED - 1]}"


def _reference(found: Imitation) -> str:
    said = "no threshold" if found.reference is None else count(found.reference)
    if found.rule == "reference":
        return (
            f"This is the published rule: the first change point of PELT with the penalty {found.penalty:g}."
        )
    return f"The published rule, PELT with the penalty {found.reference_penalty:g}, says: {said}."


def _tests(found: Imitation) -> str:
    told = (("a step upwards", found.step_p), ("any rise", found.trend_p))
    known = [f"{what} p = {p:.3f}" for what, p in told if p is not None]
    return f"Permutation tests: {', '.join(known)}." if known else ""


def _smooth(found: Imitation) -> str:
    parts = []
    if found.halfway is not None:
        parts.append(f"half-way up the isotonic fit: {count(found.halfway)}")
    if found.curve is not None:
        parts.append(
            f"50 % point of a logistic curve: {count(found.curve.middle)}{_of(found.curve.interval)}"
        )
    return f"Without steps: {'; '.join(parts)}." if parts else ""


def _of(bounds: Bounds | None) -> str:
    return f" ({count(bounds.low)} to {count(bounds.high)})" if bounds else ""


def count(value: float | None) -> str:
    """A count for readers: `1,200`; a dash for None."""
    return DASH if value is None else f"{round(value):,}"


def source(found: Imitation) -> str:
    """What it was measured on, in a sentence."""
    corpus = ", ".join(filter(None, (found.corpus, found.counted, found.date)))
    parts = (
        f"likeness by {found.encoder}" if found.encoder else "",
        f"prompts {', '.join(found.prompts)}" if found.prompts else "",
        f"mitigation {found.mitigation}" if found.mitigation else "",
        f"counts of {corpus}" if corpus else "",
        f"commit {found.commit[:7]}" if found.commit else "",
    )
    told = "; ".join(filter(None, parts))
    return f"From `{found.command}`{f': {told}' if told else ''}."


def picture(found: Imitation, form: str, examples: Examples | None = None) -> bytes:
    """The plot as `svg` or `png`: score against count, levels, the threshold with its interval, and
    `examples` of the concepts nearest to it on either side."""
    shown = _beside(found, examples or {})

    def draw(canvas: Figure) -> None:
        if not shown:
            _scores(canvas.subplots(), found)
            return
        grid = canvas.add_gridspec(3, len(shown), height_ratios=(4.2, 1, 1))
        _scores(canvas.add_subplot(grid[0, :]), found)
        for i, (concept, n, before, pair) in enumerate(shown):
            for row, path in enumerate(pair):
                axes = canvas.add_subplot(grid[row + 1, i])
                _picture(axes, path)
                if row == 0:
                    axes.set_title(f"{concept}\n{count(n)}", fontsize=7, color=COLOURS[0 if before else 1])
                if i == 0:
                    axes.set_ylabel(("reference", "generated")[row], fontsize=7)

    return drawn(draw, (7.6, 6.6 if shown else 4.2), form)


def _beside(found: Imitation, examples: Examples) -> list[tuple[str, float, bool, tuple[Path, Path]]]:
    """Concept, count, whether it is before the threshold, and its two pictures."""
    at = found.first_after
    if at is None:
        return []
    order = [p for p in found.points if p.concept in examples]
    before = [p for p in order if found.points.index(p) < at][-_BESIDE:]
    after = [p for p in order if found.points.index(p) >= at][:_BESIDE]
    return [
        (p.concept, p.count, side, examples[p.concept])
        for part, side in ((before, True), (after, False))
        for p in part
    ]


def _picture(axes: Axes, path: Path) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    try:
        axes.imshow(np.asarray(pictures.read(path)), interpolation="nearest")
    except BadFile:
        axes.text(0.5, 0.5, DASH, ha="center", va="center")


def _scores(axes: Axes, found: Imitation) -> None:
    counts, scores = [p.count for p in found.points], [p.score for p in found.points]
    spreads = [p.spread or 0.0 for p in found.points]
    axes.set_xscale("symlog", linthresh=max(1.0, _least_positive(counts)), subs=None)
    axes.errorbar(
        *(counts, scores, spreads),
        fmt="o",
        markersize=3.5,
        color=COLOURS[0],
        ecolor="#9cc4dd",
        elinewidth=0.8,
        label="concept (bar: SD over prompts)" if any(spreads) else "concept",
        zorder=2,
    )
    for i, level in enumerate(found.levels):
        axes.hlines(
            *(level.mean, level.least, level.most), color="#000000", linewidth=1.6, zorder=3,
            label="mean of a segment" if i == 0 else "",
        )  # fmt: skip
    if found.threshold is not None:
        told = f"threshold {count(found.threshold)}"
        axes.axvline(found.threshold, color=COLOURS[1], linewidth=1.2, label=told)
        if found.interval is not None:
            told = f"95 % {count(found.interval.low)} to {count(found.interval.high)}"
            axes.axvspan(
                found.interval.low, found.interval.high, color=COLOURS[1], alpha=0.15, label=told, lw=0
            )
    if found.curve is not None:
        c, at = (
            found.curve,
            np.unique(np.concatenate([counts, np.geomspace(max(counts[0], 1), max(counts[-1], 2), 200)])),
        )
        line = c.low + (c.high - c.low) / (1 + np.exp(-c.slope * (np.log1p(at) - np.log1p(c.middle))))
        axes.plot(at, line, color=COLOURS[2], linewidth=1, linestyle="--", label="logistic curve")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: count(value)))
    _recognised(axes, found)
    axes.set_xlabel(_axis(found), fontsize=9)
    axes.set_ylabel("imitation score", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=7, frameon=False, loc="lower right")


def _axis(found: Imitation) -> str:
    return unit(found) if found.chosen else f"{unit(found)} (effective count of the concept)"


def _recognised(axes: Axes, found: Imitation) -> None:
    """The share recognised by the run's judge, on an axis of its own at the right."""
    known = [(p.count, p.detected) for p in found.points if p.detected is not None]
    if not known:
        return
    right = axes.twinx()
    right.plot(*zip(*known, strict=True), "x", markersize=4, color="#999999", zorder=1)
    axes.plot([], [], "x", markersize=4, color="#999999", label="share recognised by the judge (right)")
    right.set_ylim(-0.03, 1.03)
    right.set_ylabel("share of pictures recognised", fontsize=9)
    right.tick_params(labelsize=8)
    # The scores lie on top.
    axes.set_zorder(right.get_zorder() + 1)
    axes.patch.set_visible(False)


def _least_positive(counts: Sequence[float]) -> float:
    return min((c for c in counts if c > 0), default=1.0)
