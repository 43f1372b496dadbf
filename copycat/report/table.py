"""The numbers of a run as a table: Markdown, CSV and LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from copycat.measures import Measure
from copycat.records import Metric
from copycat.report import attacks, price, reproduction
from copycat.report.denominators import cautions, earlier
from copycat.report.files import csv_content
from copycat.report.filters import costs, markdown
from copycat.report.judge_errors import by_mitigation
from copycat.report.latex import floating, tabular, tex
from copycat.report.markdown import escaped, grid
from copycat.report.words import (
    DASH,
    DENOMINATORS,
    FIXED,
    INTERVALS,
    NO_ORACLE,
    POPULATION,
    agreement_sentence,
    correction_sentences,
    estimate,
    explanations,
    fixed_interval,
    interval,
    judge_sentence,
    number,
    of_all,
    population_interval,
)
from copycat.runs.data import RunData


@dataclass(frozen=True)
class Column:
    """One column of a measure's numbers."""

    head: str
    measure: Measure
    text: Callable[[Metric], str]


def columns(shown: Sequence[Measure]) -> list[Column]:
    """The columns of all measures, and at last how many pictures the first one's numbers follow from."""
    found = [c for m in shown for c in _columns(m, apart=m.apart and m is not shown[0])]
    counts: dict[str, Callable[[Metric], str]] = {
        "scored / planned": lambda m: f"{m.scored} / {m.images}",
        "unscored": lambda m: str(m.unscored),
        "refused": lambda m: str(m.refused),
        "errors": lambda m: str(m.errors),
    }
    return found + [Column(head, shown[0], text) for head, text in counts.items() if shown]


def _columns(measure: Measure, *, apart: bool) -> list[Column]:
    places = measure.places
    texts: list[tuple[str, Callable[[Metric], str]]] = [
        (f"{measure.heading} (mean ± SD)", estimate),
        (f"95 %, {FIXED}", fixed_interval),
        (f"95 %, {POPULATION}", population_interval),
    ]
    if measure.counts:
        texts.append(("of", lambda m: str(m.characters)))
        texts.append(("of all asked for", of_all))
    if measure.corrected:
        texts.append(("corrected", lambda m: number(m.corrected, places)))
        texts.append((f"95 %, {POPULATION}", lambda m: interval(m.corrected_low, m.corrected_high, places)))
    if apart:
        texts.append(("scored / asked for", lambda m: f"{m.scored} / {m.images}"))
    return [Column(head, measure, text) for head, text in texts]


def _lines(run: RunData) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The head, and one line a mitigation and prompt set, as text without markup."""
    shown, prices = columns(run.tabled), price.prices(run)
    lines = []
    for group in run.groups:
        found = ((c, run.metric(c.measure, *group)) for c in shown)
        paid = [price.told(price.headline(prices, group[0]))] if prices else []
        lines.append((*group, *(c.text(m) if m else DASH for c, m in found), *paid))
    heads = [price.HEADING] if prices else []
    return ("mitigation", "prompts", *(c.head for c in shown), *heads), lines


def _remarks(run: RunData) -> list[str]:
    """What the numbers mean and what is known of the judge; one paragraph each."""
    told = f"{explanations(run.tabled)} {INTERVALS} {DENOMINATORS}"
    blind = [] if run.manifest.config.oracle else [f"{NO_ORACLE}."]
    judge = [judge_sentence(run.rates), *by_mitigation(run.rates), *correction_sentences(run.metrics)]
    warnings = [*(f"Warning: {c}" for c in cautions(run)), *filter(None, [earlier(run.metrics)])]
    return [
        *blind,
        told,
        *warnings,
        *judge,
        *run.manifest.taken,
        *run.manifest.served,
        *run.manifest.notes,
        reproduction.sentence(run.manifest),
    ]


def table_markdown(run: RunData) -> str:
    """`table.md`: the measures of each mitigation and prompt set, with intervals and denominators.

    Below stand what they mean, the judge's errors, how far judges agree, what output filters cost and how
    often attacks succeed.
    """
    lines = [f"# {escaped(run.model)}", "", *grid(*_lines(run))]
    for remark in _remarks(run):
        lines += [remark, ""]
    if run.agreement:
        lines += ["Agreement of the judges that looked at these pictures:", ""]
        lines += [*(f"- {escaped(agreement_sentence(a))}" for a in run.agreement), ""]
    return "\n".join(
        [*lines, *price.markdown(run), *markdown(costs(run)), *attacks.markdown(attacks.attacks(run))]
    )


def table_latex(run: RunData) -> str:
    """`table.tex`; needs the packages booktabs and graphicx."""
    heads, lines = _lines(run)
    head = [" & ".join(map(tex, heads)) + r" \\"]
    remarks = [r.replace("`", "") for r in _remarks(run)]
    remarks += [agreement_sentence(a) + "." for a in run.agreement]
    aligned = "ll" + "r" * (len(heads) - 2)
    return floating([tabular(aligned, head, lines)], remarks, run.model, "tab:copycat-run")


VALUES = ("value", "sd", "low", "high", "fixed_low", "fixed_high", "all_low", "all_high")
"""What a metric says of its measure, as columns: the number, its intervals, and it over all asked for."""
NUMBERS = (
    *(*VALUES, "corrected", "corrected_low", "corrected_high"),
    *("characters", "images", "scored", "unscored", "refused", "errors"),
)
"""All numbers of a metric, as columns."""
CSV_COLUMNS = (
    *("model", "mitigation", "prompt_set", "metric", *NUMBERS, "seeds", "oracle", "judge", "judge_kappa"),
    *("judge_fpr", "judge_tpr", "commit", "method"),
)


def table_csv(run: RunData) -> str:
    """`table.csv`: one line a number; what was not measured is empty."""
    manifest, rates = run.manifest, run.rates or {}
    about = {
        "model": manifest.model,
        "seeds": " ".join(map(str, manifest.config.seeds)),
        "oracle": manifest.config.oracle,
        "judge": run.judge,
        **{f"judge_{k}": rates.get(k) for k in ("kappa", "fpr", "tpr")},
        "commit": manifest.git_commit,
    }
    told = {"mitigation", "prompt_set", "metric", "method", *NUMBERS}
    return csv_content(CSV_COLUMNS, ({**about, **m.model_dump(include=told)} for m in run.metrics))


def tables(run: RunData) -> dict[str, str]:
    """The files that hold the numbers of `run`, by name."""
    return {"table.md": table_markdown(run), "table.csv": table_csv(run), "table.tex": table_latex(run)}
