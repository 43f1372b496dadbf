"""`report.html`: the numbers as tables, every picture as data that the page's script lays out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from copycat.measures import CONS, DETECT
from copycat.measures.corrections import DIFFERENCES
from copycat.report import attacks, filters, imitation, ladder, pareto, price, reproduction, words
from copycat.report.breakdown import breakdowns
from copycat.report.denominators import cautions, earlier
from copycat.report.differences import Difference, differences
from copycat.report.figures import points
from copycat.report.gallery import Where, gallery
from copycat.report.judge_errors import by_mitigation, corrected_words
from copycat.report.plot import inline as svg_element
from copycat.report.sheet import inline, sheet
from copycat.report.spent import sentences
from copycat.report.view import STATES, pictures
from copycat.runs.data import RunData
from copycat.runs.imitation import Imitation, read_imitation
from copycat.runs.ladder import PAGE, read_ladder
from copycat.runtime.progress import Progress
from copycat.subjects.counts import Counts

TEMPLATES = Path(__file__).parent / "templates"


def environment(package: str = "copycat.report", *, escape: bool = True) -> Environment:
    """The engine for the templates of a package's pages; to `escape` makes HTML safe of all it puts in."""
    made = Environment(
        loader=PackageLoader(package),
        autoescape=escape,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        number=words.number,
        estimate=words.estimate,
        interval=words.interval,
        fixed_interval=words.fixed_interval,
        population_interval=words.population_interval,
        both_intervals=words.both_intervals,
        of_all_where_open=words.of_all_where_open,
    )
    return made


def asset(name: str, folder: Path = TEMPLATES) -> Markup:
    """One of our own style sheets or scripts: with data, the only thing that is put in unescaped."""
    return Markup((folder / name).read_text(encoding="utf-8"))  # noqa: S704


def render_page(
    run: RunData, where: Where = "auto", progress: Progress | None = None, counts: Sequence[Counts] = ()
) -> str:
    """The whole page as HTML; `where` its pictures are, see :func:`copycat.report.gallery.gallery`. `counts`
    say how often corpora name the characters."""
    manifest, shown, costs = run.manifest, pictures(run), filters.costs(run)
    found = gallery(run, shown, where, progress)
    numbered, steps = run.tabled, differences(run)
    attacked = attacks.attacks(run)
    return environment().get_template("report.html.j2").render(
        css=asset("base.css") + asset("report.css"),
        js=asset("report.js"),
        title=run.model,
        run=run,
        manifest=manifest,
        detect=DETECT,
        cons=CONS,
        measures=numbered,
        apart=[m for m in numbered[1:] if m.apart],
        meaning=words.explanations(numbered),
        corrected={m.metric for m in run.metrics if m.corrected is not None},
        corrections=[said(c) for c in words.correction_sentences(run.metrics)],
        plot=_plot(run),
        breakdowns=breakdowns(run, counts),
        counted=[_counted(c) for c in counts],
        threshold=_threshold(read_imitation(run.path)),
        ladder=ladder.section(read_ladder(run.path)),
        ladder_page=PAGE,
        differences=_differences(steps),
        corrected_words=corrected_words,
        mended=DIFFERENCES if any(d.corrected for d in steps) else "",
        prices=price.prices(run),
        price_head=price.HEAD,
        price_cells=price.cells,
        price_about=[price.ABOUT, *filter(None, [price.encoders(run)])],
        judge=said(words.judge_sentence(run.rates)),
        errors=by_mitigation(run.rates),
        calibrated=words.is_calibrated(run.rates),
        agreements=[words.agreement_sentence(a) for a in run.agreement],
        reviews=[filters.sentence(c) for c in costs],
        caution=filters.caution(costs),
        attacks=[attacks.sentence(a) for a in attacked],
        attacks_about=attacks.about(attacked),
        cautions=[*cautions(run), *filter(None, [said(earlier(run.metrics))])],
        intervals=words.INTERVALS,
        denominators=words.DENOMINATORS,
        data=inline(sheet(run, shown, found)),
        beside=found.beside,
        mitigations=list(dict.fromkeys(p.request.mitigation for p in shown)),
        sets=list(dict.fromkeys(p.request.prompt_set for p in shown)),
        owners=sorted({run.registry[p.request.character].owner for p in shown}),
        states=STATES,
        counts=Counter(p.state for p in shown),
        characters=len({p.request.character for p in shown}),
        seeds=sorted({p.request.run_seed for p in shown}),
        total=len(shown),
        no_oracle=words.NO_ORACLE,
        origin=words.origin_sentence(manifest.origin),
        made=said(reproduction.sentence(manifest)),
        spent=sentences(run),
        noun="videos" if shown and all(p.video for p in shown) else "pictures",
    )  # fmt: skip


def _counted(counts: Counts) -> str:
    """Where a breakdown's counts are from."""
    total = f" of {counts.total:,}" if counts.total is not None else ""
    skipped = f"; {len(counts.skipped)} files could not be read" if counts.skipped else ""
    return f"{counts.title}{total}, {counts.date}: {counts.source}{skipped}. {counts.rule}"


def said(sentence: str) -> str:
    """Without Markdown's marks of code."""
    return sentence.replace("`", "")


def _plot(run: RunData) -> Markup | None:
    """The Pareto plot to stand in the page; None when there is nothing to compare."""
    drawn = points(run)
    if not drawn:
        return None
    # Written by matplotlib, which escapes the labels.
    return Markup(pareto.pareto(drawn))  # noqa: S704


def _threshold(found: Imitation | None) -> dict[str, object] | None:
    """What the page says of the imitation threshold; None where `copycat threshold` has not been asked."""
    if found is None:
        return None
    return {
        "verdict": imitation.verdict(found),
        "remarks": [*imitation.remarks(found), imitation.about(found), said(imitation.source(found))],
        # Written by matplotlib, which escapes the labels.
        "plot": Markup(svg_element(imitation.picture(found, "svg"), "threshold")),  # noqa: S704
        "outliers": found.outliers,
    }


def _differences(found: Sequence[Difference]) -> list[tuple[str, str, dict[str, Difference]]]:
    """A line for each mitigation and prompt set; its differences by measure's name."""
    lines: dict[tuple[str, str], dict[str, Difference]] = {}
    for d in found:
        lines.setdefault((d.mitigation, d.prompt_set), {})[d.measure.name] = d
    return [(m, s, by) for (m, s), by in lines.items()]
