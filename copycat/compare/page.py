"""`compare.html`: one self-contained page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from copycat.compare.changes import Change, Changes, changes
from copycat.compare.common import Condition
from copycat.compare.write import Document, chance
from copycat.measures import CONS, DETECT
from copycat.report import words
from copycat.report.embed import LARGEST, LARGEST_STRIP, Shown, embed, references
from copycat.report.page import asset, environment
from copycat.report.pareto import pareto
from copycat.report.view import Picture

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Cell:
    """One picture of one side."""

    picture: Picture
    shown: Shown | None
    alt: str
    values: Sequence[tuple[str, str]]
    """Measure and number, of the measures that are more than a yes or a no."""


@dataclass(frozen=True)
class Line:
    """One character with its pairs of pictures."""

    change: Change
    references: Sequence[Shown]
    pairs: Sequence[tuple[str, Cell, Cell]]
    """(seed and picture in words, base, other)."""


@dataclass(frozen=True)
class Section:
    """One comparison of the page."""

    found: Changes
    lines: Sequence[Line]
    more: int
    """Characters that changed and are not shown."""


def render(doc: Document, worst: int) -> str:
    """The whole page as HTML, with the pictures of the `worst` characters of each comparison.

    Every text in it is escaped by the template engine.
    """
    shared = doc.shared
    pairs = list(dict.fromkeys((c.prompt_set, c.base.label, c.other.label) for c in doc.made))
    by_label = {c.label: c for c in shared.conditions}
    kept: dict[str, Shown | None] = {}
    sections = []
    for prompt_set, base, other in pairs:
        found = changes(shared, prompt_set, by_label[base], by_label[other])
        lines = [_line(doc, found, change, kept) for change in found.changed[:worst]]
        sections.append(Section(found, lines, len(found.changed) - len(lines)))
    # Written by matplotlib, which escapes the labels.
    plot = Markup(pareto(doc.points)) if doc.points else None  # noqa: S704
    engine = environment("copycat.compare")
    engine.globals.update(chance=chance)
    return engine.get_template("compare.html.j2").render(
        css=asset("base.css") + asset("report.css") + asset("compare.css", TEMPLATES),
        title=" and ".join(dict.fromkeys(c.run for c in shared.conditions)),
        shared=shared,
        columns=doc.columns,
        means=[i for i, c in enumerate(doc.columns) if c.text is words.estimate],
        conditions=doc.conditions,
        made=doc.made,
        about=doc.about,
        # The page shows commands as plain text.
        remarks=[r.replace("`", "") for r in doc.remarks],
        detect=DETECT,
        cons=CONS,
        plot=plot,
        sections=sections,
        of=shared.characters_of,
        registry=shared.first.registry,
    )


def _line(doc: Document, found: Changes, change: Change, kept: dict[str, Shown | None]) -> Line:
    one_each = len({key[2] for key, _, _ in change.pictures}) == len(change.pictures)
    pairs = [
        (
            f"seed {key[2]}" if one_each else f"seed {key[2]}, picture {key[3]}.{key[4]}",
            _cell(doc, found.base, a, kept),
            _cell(doc, found.other, b, kept),
        )
        for key, a, b in change.pictures
    ]
    return Line(change, references(doc.shared.first.registry[change.character].references), pairs)


def _cell(doc: Document, condition: Condition, picture: Picture, kept: dict[str, Shown | None]) -> Cell:
    shown = None
    if picture.file:
        path = condition.data.path / picture.file
        if str(path) not in kept:
            kept[str(path)] = embed(path, LARGEST_STRIP if picture.video else LARGEST)
        shown = kept[str(path)]
    r = picture.request
    name = doc.shared.first.registry[r.character].name
    alt = f"{name}, {condition.label}, {r.prompt_set}, seed {r.run_seed}: {picture.words}"
    graded = [m for m in doc.shared.tabled if not m.binary]
    seen = [(m.name, picture.values.get(m.name)) for m in graded]
    return Cell(picture, shown, alt, [(m, words.number(o.value if o else None, 2)) for m, o in seen])
