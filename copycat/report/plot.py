"""Figures that matplotlib draws: the same bytes for the same numbers, in colours that all can tell apart."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import matplotlib as mpl
from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart also by the colour-blind.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#999999", "#E69F00", "#000000")


def drawn(draw: Callable[[Figure], None], size: tuple[float, float], form: str, dpi: int = 160) -> bytes:
    """What `draw` puts on a figure of `size` inches, as `svg` or `png`."""
    # Without the first two the same numbers give other bytes each time; labels are no formulas.
    with mpl.rc_context({"svg.hashsalt": "copycat", "svg.fonttype": "none", "text.parse_math": False}):
        canvas = Figure(figsize=size, layout="constrained")
        draw(canvas)
        out = io.BytesIO()
        extra = {"metadata": {"Date": None}} if form == "svg" else {"dpi": dpi}
        canvas.savefig(out, format=form, **extra)
    return out.getvalue()


def inline(picture: bytes, name: str) -> str:
    """The `<svg>` element of `picture` to stand in a page, with the class `name`, which no other has
    there."""
    text = picture.decode()
    # A page takes the element alone. Its one style rule would hold for the whole page.
    bare = re.sub(r"<(metadata|style)\b.*?</\1>", "", text[text.index("<svg") :], flags=re.DOTALL)
    # Names are unique in a page, and what they stand for is looked up by them.
    named = re.sub("<[^>]*>", lambda tag: re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", tag[0]), bare)
    return named.replace("<svg ", f'<svg class="{name}" ', 1)


def arms(value: float, low: float | None, high: float | None) -> tuple[float, float]:
    """Lengths of an interval's bar below and above `value`; none without an interval."""
    if low is None or high is None:
        return 0.0, 0.0
    return max(0.0, value - low), max(0.0, high - value)
