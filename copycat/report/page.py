"""`report.html`: the numbers as tables, every picture as data that the page's script lays out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from copycat.progress import Progress
from copycat.records import Metric
from copycat.report import pareto, provenance, review, words
from copycat.report.breakdown import breakdowns
from copycat.report.compare import Difference, differences
from copycat.report.figures import points
from copycat.report.gallery import Where, gallery
from copycat.report.sheet import inline, sheet
from copycat.report.view import MARKS, Run, agreement, groups, judge_rates, lookup, pictures

TEMPLATES = Path(__file__).parent / "templates"


def environment() -> Environment:
    """The template engine of the pages; every text that it puts in is escaped."""
    made = Environment(
        loader=PackageLoader("copycat.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(number=words.number, estimate=words.estimate, interval=words.interval)
    return made


def asset(name: str) -> Markup:
    """One of our own style sheets or scripts: with data, the only thing that is put in unescaped."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704


def render_page(folder: Run, where: Where = "auto", progress: Progress | None = None) -> str:
    """The whole page as HTML; `where` its pictures are, see :func:`copycat.report.gallery.gallery`."""
    manifest = folder.manifest()
    facts: dict[str, Any] = manifest.model_dump(mode="json")
    config, registry = facts.get("config") or {}, folder.registry()
    shown, metrics, costs = pictures(folder), folder.metrics(), review.costs(folder)
    found = gallery(folder.path, shown, where, progress)
    withheld = bool((facts.get("origin") or {}).get("withheld"))
    rates = judge_rates(manifest)
    return environment().get_template("report.html.j2").render(
        css=asset("base.css") + asset("report.css"),
        js=asset("report.js"),
        title=Path(str(config.get("model", folder.path.name))).name,
        facts=facts,
        config=config,
        rows=_rows(metrics),
        wished=any(m.metric == "CONS_prompt" for m in metrics),
        corrected=any(m.corrected is not None for m in metrics),
        corrections=[said(c) for c in words.correction_sentences(metrics)],
        plot=_plot(metrics),
        breakdowns=breakdowns(shown, registry),
        differences=_differences(differences(shown)),
        judge=said(words.judge_sentence(rates)),
        rates=rates,
        agreements=[words.agreement_sentence(a) for a in agreement(folder)],
        reviews=[review.sentence(c) for c in costs],
        caution=review.caution(costs),
        data=inline(sheet(shown, registry, found, withheld=withheld)),
        beside=found.beside,
        mitigations=list(dict.fromkeys(p.request.mitigation for p in shown)),
        sets=list(dict.fromkeys(p.request.prompt_set for p in shown)),
        owners=sorted({registry[p.request.character].owner for p in shown}),
        marks=MARKS,
        counts=Counter(p.mark for p in shown),
        characters=len({p.request.character for p in shown}),
        seeds=sorted({p.request.run_seed for p in shown}),
        total=len(shown),
        no_oracle=words.NO_ORACLE,
        origin=words.origin_sentence(facts.get("origin")),
        made=said(provenance.sentence(facts)),
        noun="videos" if shown and all(p.video for p in shown) else "pictures",
        manifest=json.dumps(facts, indent=2, ensure_ascii=False),
    )  # fmt: skip


def said(sentence: str) -> str:
    """Without Markdown's marks of code."""
    return sentence.replace("`", "")


def _rows(metrics: Sequence[Metric]) -> list[tuple[str, str, *tuple[Metric | None, ...]]]:
    return [
        (m, s, *(lookup(metrics, name, m, s) for name in ("DETECT", "CONS", "CONS_prompt")))
        for m, s in groups(metrics)
    ]


def _plot(metrics: Sequence[Metric]) -> Markup | None:
    """The Pareto plot to stand in the page; None when there is nothing to compare."""
    drawn = points(metrics)
    if not drawn:
        return None
    # Written by matplotlib, which escapes the labels.
    return Markup(pareto.pareto(drawn))  # noqa: S704


def _differences(found: Sequence[Difference]) -> list[tuple[str, str, dict[str, Difference]]]:
    """A line for each mitigation and prompt set; its differences by metric."""
    lines: dict[tuple[str, str], dict[str, Difference]] = {}
    for d in found:
        lines.setdefault((d.mitigation, d.prompt_set), {})[d.metric] = d
    return [(m, s, by) for (m, s), by in lines.items()]
