"""What an experiment with newcomers found, as a page and a plot."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from copycat.menagerie.dose.measure import FEWEST_NEWCOMERS, Causal, Level
from copycat.report import imitation as words
from copycat.report.markdown import grid
from copycat.report.plot import COLOURS, arms, drawn
from copycat.report.words import DASH, number

_RISES = {
    True: "No level's interval lies below that of a smaller count.",
    False: "The scores do **not** rise throughout: an interval lies below that of a smaller count.",
    None: f"Whether scores rise throughout is not said with fewer than {FEWEST_NEWCOMERS} newcomers a count.",
}
"""By :attr:`copycat.menagerie.dose.measure.Causal.monotone`."""


def page(found: Causal, command: str) -> str:
    """`levels.md`."""
    recipe = found.recipe
    how = (
        "an untrained denoiser learns the whole corpus with them"
        if recipe["scratch"]
        else "the shipped denoiser goes on with them and as many pictures of its own corpus"
    )
    lines = [
        "# Newcomers in numbers that were chosen",
        "",
        f"{len(recipe['levels'])} characters that the shipped generator has never seen. In each of "
        f"{recipe['trainings']} trainings {how}, until it has seen each picture {recipe['epochs']:g} times. "
        f"{recipe['named']:.0%} of their captions say the name; prompts ask by {recipe['asked']}.",
        "",
        *(() if found.found is None else (f"**{words.verdict(found.found)}**", "")),
        _RISES[found.monotone],
        "",
        *grid(
            ("pictures", "newcomers", "imitation score", "95 %", "distance of two", "recognised"),
            (
                (
                    str(v.count),
                    str(v.concepts),
                    number(v.score, 3),
                    DASH if v.low is None else f"{number(v.low, 3)} to {number(v.high, 3)}",
                    number(v.apart, 3),
                    f"{v.recognised:.0%}",
                )
                for v in found.levels
            ),
        ),
        "Newcomers are those with so many pictures, a character in each training counted for itself; the "
        f"95 % are Student's, for {FEWEST_NEWCOMERS} or more. Distance of two: how far apart the scores of "
        "two newcomers with the same count are on average. Recognised: the share of pictures whose nearest "
        "reference is the newcomer's own.",
        "",
        "![Score and share recognised against the number of training pictures](levels.png)",
        "",
        f"From `{command}`: {sum(found.seconds):.0f} s of training in {sum(found.steps)} steps.",
        "",
    ]
    return "\n".join(lines)


def plot(levels: Sequence[Level]) -> bytes:
    def draw(canvas: Figure) -> None:
        left: Axes = canvas.subplots()
        counts = [v.count for v in levels]
        means = [v.score for v in levels]
        below, above = zip(*(arms(v.score, v.low, v.high) for v in levels), strict=True)
        left.set_xscale("symlog", linthresh=5, subs=None)
        left.xaxis.set_major_formatter(FuncFormatter(lambda value, _: words.count(value)))
        left.errorbar(
            counts, means, (below, above), fmt="o-", color=COLOURS[0], capsize=2, label="imitation score"
        )
        right = left.twinx()
        right.plot(counts, [v.recognised for v in levels], "s--", color=COLOURS[1], label="share recognised")
        right.set_ylim(-0.02, 1.02)
        left.set_xlabel("training pictures of the newcomer", fontsize=9)
        interval = " (95 %, newcomers)" if any(v.low is not None for v in levels) else ""
        left.set_ylabel(f"imitation score{interval}", fontsize=9)
        right.set_ylabel("share of pictures recognised", fontsize=9)
        canvas.legend(fontsize=8, frameon=False, loc="outside upper center", ncols=2)

    return drawn(draw, (6.4, 4.0), "png")
