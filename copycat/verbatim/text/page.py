"""`verbatim.html`: one self-contained page, with texts beside their works."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from copycat.report.page import asset, environment
from copycat.report.plot import inline
from copycat.verbatim.text import words
from copycat.verbatim.text.compared import Compared, compare
from copycat.verbatim.text.mitigations.composition import NONE
from copycat.verbatim.text.picture import curve
from copycat.verbatim.text.rungs import LADDER, VERBATIM
from copycat.verbatim.text.scores import Best, Scored
from copycat.verbatim.text.settings import Settings
from copycat.verbatim.text.study import Ran
from copycat.verbatim.text.summary import ALL, Cell, Guarding

TEMPLATES = Path(__file__).parent / "templates"
MOST = 30
"""Texts that are shown."""


def render(
    settings: Settings, ran: Ran, cells: Sequence[Cell], guards: Sequence[Guarding], best: Sequence[Best]
) -> str:
    """The whole page as HTML. Every text in it is escaped by the template engine."""
    engine = environment("copycat.verbatim.text")
    engine.globals.update(words=words)
    drawing = curve(cells, "svg")
    shown = examples(settings, ran, best)
    return engine.get_template("verbatim.html.j2").render(
        css=asset("base.css") + asset("verbatim.css", TEMPLATES),
        settings=settings,
        ran=ran,
        protected=_parted(cells, "protected"),
        benign=_parted(cells, "benign"),
        guards=guards,
        facts={spec: words.held(found) for spec, found in ran.facts.items()},
        ladder=LADDER,
        verbatim=VERBATIM,
        # Written by matplotlib, which escapes the labels.
        figure=None if drawing is None else Markup(inline(drawing, "curve")),  # noqa: S704
        examples=shown,
        short=words.left_out(ran.plan.left_out(settings), len(settings.documents)),
        skipped=(*settings.protected.skipped, *settings.others.skipped, *ran.plan.unaskable),
        answered=sum(w.outcome in ("ok", "withheld") for w in ran.written.values()),
        several=len(settings.mitigations) > 1,
    )


def _parted(cells: Sequence[Cell], role: str) -> tuple[list[Cell], list[Cell]]:
    """The lines that come first, and those that are folded away: of protected works every set without
    mitigations and all sets together with each, of other text all sets together."""
    mine = [c for c in cells if c.role == role]
    together = any(c.group == ALL for c in mine)
    first = [
        c for c in mine if not together or c.group == ALL or (role == "protected" and c.mitigation == NONE)
    ]
    return first, [c for c in mine if c not in first]


def examples(settings: Settings, ran: Ran, best: Sequence[Best]) -> list[Compared]:
    """The texts with the longest runs in common: of every prompt of protected works the best sample, first
    without mitigations; then what is left with each of them."""
    documents = {d.id: d for d in settings.protected.documents}
    found: list[Scored] = []
    specs = dict.fromkeys((NONE, *settings.mitigations))
    each = max(5, MOST // len(specs))
    for spec in specs:
        mine = [b for b in best if b.asked.role == "protected" and b.asked.mitigation == spec and b.close]
        texts = [max(b.samples, key=_length) for b in mine]
        found += [s for s in sorted(texts, key=_length, reverse=True) if s.written.text][:each]
    return [compare(s, documents[s.asked.document], ran.plan.promptings[s.asked.prompts].fold) for s in found]


def _length(scored: Scored) -> int:
    return -1 if scored.close is None else scored.close.substring
