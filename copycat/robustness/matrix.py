"""The table as a picture that fits a slide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from copycat.report.plot import drawn
from copycat.robustness import words
from copycat.robustness.cells import Guard, Share, Table

SIZE = (13.333, 7.5)
"""Inches: 16 to 9."""
_KINDS = {
    "none": "",
    "prompt": "(prompt)",
    "sampler": "(sampler)",
    "weights": "(weights)",
    "picture": "(picture)",
}
_ERASED, _LEFT = "Reds", "Blues"


@dataclass(frozen=True)
class Column:
    """What stands in one column, and how it is coloured."""

    title: str
    values: Sequence[tuple[float | None, str, str]]
    """For each guardrail: how dark, in [0, 1] (None for nothing), what is written, and its interval."""
    colours: str
    gap: bool = False
    """Whether it stands apart from the one before."""


def picture(table: Table, prompts: str, form: str, title: str) -> bytes:
    """The guardrails of one prompt set under every attack, as `svg` or `png`, with what they cost others."""
    guards = [g for g in table.guards if g.prompt_set == prompts]
    found = columns(guards, table.attacks)
    return drawn(lambda canvas: _draw(canvas.add_subplot(), guards, found, title), SIZE, form, dpi=144)


def columns(guards: Sequence[Guard], attacks: Sequence[str]) -> list[Column]:
    """Attacks, the plain prompt first; then what guardrails cost."""
    called = words.labels(attacks)
    found = [
        Column(
            "plain prompt" if i == 0 else called[attack].replace(" ", "\n"),
            [_share(g.cells[attack].detect) for g in guards],
            _ERASED,
        )
        for i, attack in enumerate(attacks)
    ]
    for i, who in enumerate(("neighbours", "unrelated")):
        kept = [_share(g.sides[who].detect) if who in g.sides else (None, "–", "") for g in guards]
        found.append(Column(who, kept, _LEFT, gap=i == 0))
    paid = [
        (None if g.price is None else 1 - max(0.0, g.price.value), words.price(g.price), "") for g in guards
    ]
    found.append(Column("price,\nneutral", paid, _LEFT))
    found.append(Column("CONS,\nplain", [_share(g.plain.cons) for g in guards], _LEFT))
    took = [(None, words.seconds(g.seconds), "") for g in guards]
    found.append(Column("seconds\nto erase", took, _LEFT))
    return found


def _share(found: Share | None) -> tuple[float | None, str, str]:
    return (None if found is None else found.value), words.percent(found), words.range_of(found)


def _draw(axes: Axes, guards: Sequence[Guard], found: Sequence[Column], title: str) -> None:
    import matplotlib as mpl

    at = 0.0
    places = []
    for column in found:
        at += 0.35 if column.gap else 0.0
        places.append(at)
        scale = mpl.colormaps[column.colours]
        for row, (dark, text, spread) in enumerate(column.values):
            shade = "#f4f2ee" if dark is None else scale(0.08 + 0.72 * min(1.0, max(0.0, dark)))
            axes.add_patch(Rectangle((at, row), 0.96, 0.94, facecolor=shade, edgecolor="none"))
            colour = "white" if dark is not None and dark > 0.7 else "#222222"
            up = 0.38 if spread else 0.47
            axes.text(at + 0.48, row + up, text, ha="center", va="center", fontsize=12, color=colour)
            if spread:
                axes.text(at + 0.48, row + 0.72, spread, ha="center", va="center", fontsize=7, color=colour)
        axes.text(at + 0.48, -0.12, column.title, ha="center", va="bottom", fontsize=10)
        at += 1.0
    axes.set_xlim(-0.02, at)
    axes.set_ylim(len(guards), -0.02)
    called = words.labels(g.spec for g in guards)
    told = [f"{called[g.spec]}  {_KINDS[g.kind]}" for g in guards]
    axes.set_yticks([i + 0.47 for i in range(len(guards))], told, fontsize=11)
    axes.set_xticks([])
    axes.tick_params(length=0)
    for edge in axes.spines.values():
        edge.set_visible(False)
    last = ""
    for row, guard in enumerate(guards):
        if last and guard.kind != last:
            axes.axhline(row - 0.03, color="#888888", linewidth=0.8)
        last = guard.kind
    attacked = max(i for i, c in enumerate(found) if c.colours == _ERASED) + 1
    axes.set_title(title, fontsize=13, loc="left", pad=44)
    axes.annotate(
        "red: erased characters that come back, % (of pictures; small: 95 % for characters like these), "
        f"{words.count(attacked - 1, 'attack')}    blue: what stays of the rest",
        (0, 0), xycoords="axes fraction", xytext=(0, -14), textcoords="offset points", fontsize=9,
        color="#555555",
    )  # fmt: skip
