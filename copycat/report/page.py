"""`report.html`: one self-contained page."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from copycat.characters import Character
from copycat.paths import DATA
from copycat.records import Metric
from copycat.report import review, words
from copycat.report.compare import differences
from copycat.report.embed import LARGEST, LARGEST_STRIP, Embedded, embed
from copycat.report.view import MARKS, Picture, Run, agreement, groups, judge_rates, lookup, pictures

REFERENCES = 2
"""Reference pictures shown beside each character."""


@dataclass(frozen=True)
class Cell:
    """One picture on the sheet."""

    picture: Picture
    shown: Embedded | None
    alt: str
    withheld: bool = False
    """Whether the picture stayed with the publisher of a pulled run."""


@dataclass(frozen=True)
class Line:
    """One line of the sheet: a character asked for with one prompt set."""

    character: Character
    prompt_set: str
    references: Sequence[Embedded]
    groups: Sequence[tuple[str, Sequence[Cell]]]
    """(mitigation, its cells by seed)."""


def render_page(folder: Run) -> str:
    """The whole page as HTML; every text in it is escaped by the template engine."""
    environment = Environment(
        loader=PackageLoader("copycat.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(number=words.number, estimate=words.estimate, interval=words.interval)
    manifest = folder.manifest()
    facts: dict[str, Any] = manifest.model_dump(mode="json")
    shown, metrics, costs = pictures(folder), folder.metrics(), review.costs(folder)
    rates = judge_rates(manifest)
    sets = list(dict.fromkeys(p.request.prompt_set for p in shown))
    mitigations = list(dict.fromkeys(p.request.mitigation for p in shown))
    return environment.get_template("report.html.j2").render(
        css=_asset("report.css"),
        js=_asset("report.js"),
        title=folder.path.name,
        facts=facts,
        config=facts.get("config") or {},
        rows=_rows(metrics),
        wished=any(m.metric == "CONS_prompt" for m in metrics),
        differences=differences(shown),
        judge=words.judge_sentence(rates),
        rates=rates,
        agreements=[words.agreement_sentence(a) for a in agreement(folder)],
        reviews=[review.sentence(c) for c in costs],
        caution=review.caution(costs),
        lines=_lines(folder, shown, mitigations, sets),
        mitigations=mitigations,
        sets=sets,
        marks=MARKS,
        counts=Counter(p.mark for p in shown),
        characters=len({p.request.character for p in shown}),
        seeds=sorted({p.request.run_seed for p in shown}),
        total=len(shown),
        no_oracle=words.NO_ORACLE,
        origin=words.origin_sentence(facts.get("origin")),
        noun="videos" if shown and all(p.video for p in shown) else "pictures",
        manifest=json.dumps(facts, indent=2, ensure_ascii=False),
    )


def _asset(name: str) -> Markup:
    # Our own file, not a user's text: the only thing that is put in unescaped.
    return Markup((Path(__file__).parent / "templates" / name).read_text(encoding="utf-8"))  # noqa: S704


def _rows(metrics: Sequence[Metric]) -> list[tuple[str, str, *tuple[Metric | None, ...]]]:
    return [
        (m, s, *(lookup(metrics, name, m, s) for name in ("DETECT", "CONS", "CONS_prompt")))
        for m, s in groups(metrics)
    ]


def _alt(picture: Picture, character: Character, *, withheld: bool) -> str:
    r = picture.request
    told = f"{character.name}, {r.mitigation}, {r.prompt_set}, seed {r.run_seed}: {picture.words}"
    return f"{told}; picture withheld" if withheld else told


def _lines(run: Run, shown: Sequence[Picture], mitigations: Sequence[str], sets: Sequence[str]) -> list[Line]:
    registry = run.registry()
    origin = run.manifest().model_dump().get("origin") or {}
    cells: dict[tuple[str, str, str], list[Cell]] = defaultdict(list)
    hits: Counter[str] = Counter()
    for p in sorted(shown, key=lambda p: (p.request.run_seed, p.request.prompt_index, p.request.index)):
        r = p.request
        largest = LARGEST_STRIP if p.video else LARGEST
        picture = embed(run.path / p.file, largest) if p.file else None
        withheld = bool(p.file and picture is None and origin.get("withheld"))
        cell = Cell(p, picture, _alt(p, registry[r.character], withheld=withheld), withheld)
        cells[(r.character, r.prompt_set, r.mitigation)].append(cell)
        hits[r.character] += p.mark == "detected"
    order = {slug: i for i, slug in enumerate(dict.fromkeys(p.request.character for p in shown))}

    def rank(slug: str) -> tuple[int, int, int]:
        # Most often seen in training first, where that is known; then the most detected.
        return (-(registry[slug].training_images or 0), -hits[slug], order[slug])

    lines = []
    for slug in sorted(order, key=rank):
        character = registry[slug]
        references = [e for e in map(embed, (DATA / f for f in character.references[:REFERENCES])) if e]
        for s in sets:
            line = [(m, cells[(slug, s, m)]) for m in mitigations]
            if any(c for _, c in line):
                lines.append(Line(character, s, references, line))
    return lines
