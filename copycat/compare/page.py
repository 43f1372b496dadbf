"""`compare.html`: one self-contained page."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from markupsafe import Markup

from copycat.compare.changes import changes
from copycat.compare.common import Condition
from copycat.compare.write import Document, chance
from copycat.measures import CONS, DETECT
from copycat.report import price, words
from copycat.report.embed import LARGEST, LARGEST_STRIP, Shown, embed, references
from copycat.report.page import asset, environment
from copycat.report.pareto import pareto
from copycat.report.view import Picture

TEMPLATES = Path(__file__).parent / "templates"


def render(doc: Document, worst: int) -> str:
    """The whole page as HTML, with the pictures of the `worst` characters of each comparison.

    Every text in it is escaped by the template engine.
    """
    shared = doc.shared
    pairs = dict.fromkeys((c.prompt_set, c.base.label, c.other.label) for c in doc.made)
    by_label = {c.label: c for c in shared.conditions}
    # A picture of the base stands in every comparison with it.
    kept = cache(embed)

    def shown(condition: Condition, picture: Picture) -> Shown | None:
        largest = LARGEST_STRIP if picture.video else LARGEST
        return kept(condition.data.path / picture.file, largest) if picture.file else None

    # Written by matplotlib, which escapes the labels.
    plot = Markup(pareto(doc.points)) if doc.points else None  # noqa: S704
    engine = environment("copycat.compare")
    engine.globals.update(chance=chance, shown=shown, references=references)
    return engine.get_template("compare.html.j2").render(
        css=asset("base.css") + asset("report.css") + asset("compare.css", TEMPLATES),
        title=" and ".join(dict.fromkeys(c.run for c in shared.conditions)),
        shared=shared,
        columns=doc.columns,
        price_heading=price.HEADING if doc.priced else "",
        means=[i for i, c in enumerate(doc.columns) if c.text is words.estimate],
        conditions=doc.conditions,
        made=doc.made,
        mended=doc.mended,
        about=doc.about,
        warnings=doc.warnings,
        # The page shows commands as plain text.
        remarks=[r.replace("`", "") for r in doc.remarks],
        detect=DETECT,
        cons=CONS,
        plot=plot,
        sections=[changes(shared, p, by_label[base], by_label[other]) for p, base, other in pairs],
        worst=worst,
        of=shared.characters_of,
        registry=shared.first.registry,
    )
