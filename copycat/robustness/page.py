"""`robustness.html`: one self-contained page, with pictures."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from copycat.report.embed import Shown, embed
from copycat.report.page import asset, environment
from copycat.report.view import Picture, pictures
from copycat.robustness import words
from copycat.robustness.cells import Table, named
from copycat.robustness.matrix import picture
from copycat.robustness.study import Study
from copycat.runs.data import RunData
from copycat.subjects.characters import Character

TEMPLATES = Path(__file__).parent / "templates"
SIDE = 160
"""Longer sides of pictures on the page, in pixels."""
MOST = 12
"""Characters whose pictures are shown."""


@dataclass(frozen=True)
class Thumb:
    """One picture of the page."""

    shown: Shown | None
    """None where it was not drawn, or is not there."""
    state: str
    words: str
    prompt: str
    """As it was sent."""


@dataclass(frozen=True)
class Sheet:
    """All pictures of one character: by guardrail, then by attack; or, of one that is not erased, unguarded
    and under each erasure."""

    name: str
    about: str
    heads: tuple[str, ...]
    rows: Mapping[str, Sequence[Thumb | None]]


def render(study: Study, found: Table, attacked: RunData, others: RunData) -> str:
    """The whole page as HTML. Every text in it is escaped by the template engine."""
    sets = list(dict.fromkeys(g.prompt_set for g in found.guards))
    engine = environment("copycat.robustness")
    engine.globals.update(words=words, called=_called(study, found))
    figures = {}
    for prompts in sets:
        svg = picture(found, prompts, "svg", "")
        figures[prompts] = f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
    return engine.get_template("robustness.html.j2").render(
        css=asset("base.css") + asset("robustness.css", TEMPLATES),
        script=asset("robustness.js", TEMPLATES),
        study=study,
        title=study.attacked.card.title,
        judge=attacked.judge,
        found=found,
        sets=sets,
        figures=figures,
        sheets=_sheets(study, found, attacked, others, sets[0]) if sets else [],
        shown_of=(min(MOST, len(study.people.erased)), len(study.people.erased)),
    )


def _sheets(study: Study, found: Table, attacked: RunData, others: RunData, prompts: str) -> list[Sheet]:
    """Pictures of the first prompt set's first prompt and the first seed."""
    drawn, beside = _by_place(study, attacked, prompts), _by_place(study, others, prompts)
    called, made = _called(study, found), []
    for character in study.people.erased[:MOST]:
        rows = {
            spec: [_thumb(attacked, drawn.get((named(spec, a), character.slug))) for a in found.attacks]
            for spec in study.specs
        }
        heads = ("plain prompt", *(called[a] for a in found.attacks[1:]))
        made.append(Sheet(character.name, _about(character), heads, rows))
    columns = {"none": "none", **study.erasers}
    for n in (*study.people.neighbours, *study.people.unrelated):
        cells = [_thumb(others, beside.get((spec, n.character.slug))) for spec in columns.values()]
        about = f"not erased; shares {', '.join(n.shared) or 'nothing'} with {n.near.name}"
        made.append(
            Sheet(n.character.name, about, tuple(called[c] for c in columns), {"plain prompt": cells})
        )
    return made


def _called(study: Study, found: Table) -> dict[str, str]:
    return words.labels(found.attacks) | words.labels(study.specs)


def _about(character: Character) -> str:
    return ", ".join(filter(None, [character.generic, *(a.text for a in character.attributes)]))


def _by_place(study: Study, run: RunData, prompts: str) -> dict[tuple[str, str], Picture]:
    """By mitigation and character."""
    found: dict[tuple[str, str], Picture] = {}
    for p in pictures(run):
        r = p.request
        if r.prompt_set == prompts and r.run_seed == study.seeds[0]:
            found.setdefault((r.mitigation, r.character), p)
    return found


def _thumb(run: RunData, found: Picture | None) -> Thumb | None:
    if found is None:
        return None
    path = run.file(found.file)
    return Thumb(embed(path, SIDE) if path else None, found.state, found.words, found.request.prompt)
