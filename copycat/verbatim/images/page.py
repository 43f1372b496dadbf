"""`ladder.html`: one self-contained page, every output beside the reference that is nearest to it."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from copycat.copies.references import References
from copycat.report import ladder as table
from copycat.report.embed import PIXELATED_BELOW, Shown, embed, shrink
from copycat.report.page import asset, environment
from copycat.runs.data import RunData
from copycat.runs.ladder import Ladder, levels
from copycat.verbatim.images import panel, words
from copycat.verbatim.images.explicit import ABOUT as EXPLICIT
from copycat.verbatim.images.standing import Standing

TEMPLATES = Path(__file__).parent / "templates"
SIDE = 224
"""Longer sides of pictures on the page, in pixels."""
MOST = 600
"""Outputs that are shown, those on the highest rungs first; ladder.csv has all."""


@dataclass(frozen=True)
class Card:
    """One output beside its reference."""

    standing: Standing
    name: str
    """Of the character."""
    made: Shown | None
    reference: Shown | None
    near: str
    """How near, in words."""
    factors: tuple[panel.Factor, ...]
    again: panel.Repeats
    order: float
    """By which cards are sorted: rung, then likeness."""


def render(found: Ladder, standings: Sequence[Standing], run: RunData, references: References) -> str:
    """The whole page as HTML. Every text in it is escaped by the template engine."""
    cards = _cards(found, standings, run, references)
    engine = environment("copycat.verbatim.images")
    engine.globals.update(words=words, table=table)
    return engine.get_template("ladder.html.j2").render(
        css=asset("base.css") + asset("ladder.css", TEMPLATES),
        script=asset("ladder.js", TEMPLATES),
        found=found,
        title=run.model,
        cards=cards,
        total=len(standings),
        counts=Counter(s.rung for s in standings),
        levels=levels(),
        meanings=words.meanings(),
        explicit=EXPLICIT,
        mitigations=list(dict.fromkeys(s.request.mitigation for s in standings)),
        sets=list(dict.fromkeys(s.request.prompt_set for s in standings)),
        kinds=list(dict.fromkeys(s.explicit for s in standings)),
        not_advice=panel.NOT_ADVICE,
    )


def _cards(found: Ladder, standings: Sequence[Standing], run: RunData, references: References) -> list[Card]:
    shown = sorted(standings, key=_order, reverse=True)[:MOST]
    again = panel.repeats(standings)
    wanted = sorted({s.nearest.row for s in shown if s.nearest})
    opened = {row: _embedded(image) for row, image in references.images(wanted) if not isinstance(image, str)}
    cards = []
    for s in shown:
        repeated = again[s.request.id, s.image.frame]
        path = run.file(s.image.file)
        cards.append(
            Card(
                standing=s,
                name=run.registry[s.request.character].name,
                made=embed(path, SIDE) if path else None,
                reference=opened.get(s.nearest.row) if s.nearest else None,
                near=_near(s),
                factors=panel.factors(s, repeated, run.registry, found.thresholds),
                again=repeated,
                order=_order(s),
            )
        )
    return cards


def _order(s: Standing) -> float:
    """Rung first, then how near; likeness is at most 1."""
    return s.level + (s.nearest.likeness if s.nearest else -1.0) / 2


def _near(s: Standing) -> str:
    """The likeness by each rung that could be compared."""
    return ", ".join(f"{table.label(rung)} {m.likeness:.3f}" for rung, m in s.row.matches.items())


def _embedded(image: Image.Image) -> Shown:
    width, height = image.size
    if max(width, height) > max(SIDE, PIXELATED_BELOW):
        kind, content = "jpeg", shrink(image, SIDE)
    else:
        out = io.BytesIO()
        image.save(out, "PNG", optimize=True)
        kind, content = "png", out.getvalue()
    uri = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    return Shown(uri, uri, width, height)
