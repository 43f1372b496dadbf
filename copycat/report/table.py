"""The numbers of a run as a table: Markdown, CSV and LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from copycat.io.tables import csv_content
from copycat.measures import Measure
from copycat.records import Metric
from copycat.report import reproduction
from copycat.report.filters import costs, markdown
from copycat.report.latex import floating, tabular, tex
from copycat.report.markdown import escaped, grid
from copycat.report.words import (
    DASH,
    NO_ORACLE,
    agreement_sentence,
    correction_sentences,
    estimate,
    explanations,
    interval,
    judge_sentence,
    number,
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
        ("95 %", lambda m: interval(m.low, m.high, places)),
    ]
    if measure.counts:
        texts.append(("of", lambda m: str(m.characters)))
    if measure.corrected:
        texts.append(("corrected", lambda m: number(m.corrected, places)))
        texts.append(("95 %", lambda m: interval(m.corrected_low, m.corrected_high, places)))
    if apart:
        texts.append(("scored / asked for", lambda m: f"{m.scored} / {m.images}"))
    return [Column(head, measure, text) for head, text in texts]


@dataclass(frozen=True)
class Content:
    """All that a table of a run says."""

    run: RunData

    @property
    def title(self) -> str:
        return self.run.model

    @cached_property
    def columns(self) -> Sequence[Column]:
        """Those of the measures that short tables show."""
        return columns(self.run.tabled)

    @property
    def head(self) -> tuple[str, ...]:
        return ("mitigation", "prompts", *(c.head for c in self.columns))

    @property
    def lines(self) -> list[tuple[str, ...]]:
        """One line a mitigation and prompt set, as text without markup."""
        return [(*group, *(self._cell(c, *group) for c in self.columns)) for group in self.run.groups]

    def _cell(self, column: Column, mitigation: str, prompt_set: str) -> str:
        found = self.run.metric(column.measure, mitigation, prompt_set)
        return column.text(found) if found else DASH

    @property
    def remarks(self) -> list[str]:
        """What the numbers mean and what is known of the judge; one paragraph each."""
        run, manifest = self.run, self.run.manifest
        told = (
            f"{explanations(run.tabled)} Intervals are clustered by character. "
            "Refused, failed and unscored pictures are in no denominator."
        )
        blind = [] if manifest.config.oracle else [f"{NO_ORACLE}."]
        judge = [judge_sentence(run.rates), *correction_sentences(run.metrics)]
        return [*blind, told, *judge, *manifest.notes, reproduction.sentence(manifest)]


def table_markdown(run: RunData) -> str:
    """The measures of each mitigation and prompt set, with intervals and denominators.

    Below stand what they mean, the judge's errors, how far judges agree and what output filters cost.
    """
    return as_markdown(Content(run))


def as_markdown(c: Content) -> str:
    """`table.md`."""
    lines = [f"# {escaped(c.title)}", "", *grid(c.head, c.lines)]
    for remark in c.remarks:
        lines += [remark, ""]
    if c.run.agreement:
        lines += ["Agreement of the judges that looked at these pictures:", ""]
        lines += [*(f"- {escaped(agreement_sentence(a))}" for a in c.run.agreement), ""]
    lines += markdown(costs(c.run))
    return "\n".join(lines)


def as_latex(c: Content) -> str:
    """`table.tex`; needs the packages booktabs and graphicx."""
    aligned = "ll" + "r" * len(c.columns)
    head = [" & ".join(map(tex, c.head)) + r" \\"]
    remarks = [r.replace("`", "") for r in c.remarks]
    remarks += [agreement_sentence(a) + "." for a in c.run.agreement]
    return floating([tabular(aligned, head, c.lines)], remarks, c.title, "tab:copycat-run")


NUMBERS = (
    *("value", "sd", "low", "high", "corrected", "corrected_low", "corrected_high", "characters", "images"),
    *("scored", "unscored", "refused", "errors"),
)
"""The numbers of a metric, as columns."""
CSV_COLUMNS = (
    *("model", "mitigation", "prompt_set", "metric", *NUMBERS, "seeds", "oracle", "judge", "judge_kappa"),
    *("judge_fpr", "judge_tpr", "commit", "method"),
)


def as_csv(c: Content) -> str:
    """`table.csv`: one line a number; what was not measured is empty."""
    manifest, rates = c.run.manifest, c.run.rates or {}
    run = {
        "model": manifest.model,
        "seeds": " ".join(map(str, manifest.config.seeds)),
        "oracle": manifest.config.oracle,
        "judge": manifest.judge or manifest.config.judge,
        **{f"judge_{k}": rates.get(k) for k in ("kappa", "fpr", "tpr")},
        "commit": manifest.git_commit,
    }
    told = {"mitigation", "prompt_set", "metric", "method", *NUMBERS}
    return csv_content(CSV_COLUMNS, ({**run, **m.model_dump(include=told)} for m in c.run.metrics))


WRITERS: dict[str, Callable[[Content], str]] = {"md": as_markdown, "csv": as_csv, "tex": as_latex}
"""By the ending of the file."""


def tables(run: RunData) -> dict[str, str]:
    """The files that hold the numbers of `run`, by name."""
    told = Content(run)
    return {f"table.{ending}": write(told) for ending, write in WRITERS.items()}
