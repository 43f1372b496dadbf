"""The numbers of a run as a table: Markdown, CSV and LaTeX."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from copycat.records import Agreement, Metric
from copycat.report import provenance
from copycat.report.latex import floating, tabular, tex
from copycat.report.review import Cost, costs, markdown
from copycat.report.view import Run, agreement, groups, judge_rates, lookup
from copycat.report.words import (
    DASH,
    NO_ORACLE,
    agreement_sentence,
    correction_sentences,
    estimate,
    interval,
    judge_sentence,
    number,
)

_HEAD = ("mitigation", "prompts", "DETECT ↓ (mean ± SD)", "95 %", "of")
_CORRECTED = ("corrected", "95 %")
_CONS = ("CONS ↑ (mean ± SD)", "95 %")
_PROMPT = ("CONS_prompt ↑ (mean ± SD)", "95 %", "scored / asked for")
_COUNTS = ("scored / planned", "unscored", "refused", "errors")


@dataclass(frozen=True)
class Content:
    """All that a table of a run says."""

    metrics: Sequence[Metric]
    facts: dict[str, Any]
    """The manifest as JSON."""
    rates: dict[str, Any] | None
    """What is known of the judge's errors."""
    agreements: Sequence[Agreement] = ()
    reviews: Sequence[Cost] = ()

    @property
    def title(self) -> str:
        return Path(str((self.facts.get("config") or {}).get("model", "run"))).name

    @property
    def wished(self) -> bool:
        """Whether any prompt asks for more than its character."""
        return any(m.metric == "CONS_prompt" for m in self.metrics)

    @property
    def head(self) -> tuple[str, ...]:
        more = (_CORRECTED, _CONS, _PROMPT * self.wished, _COUNTS)
        return sum(more, _HEAD)

    @property
    def lines(self) -> list[tuple[str, ...]]:
        """One line a mitigation and prompt set, as text without markup."""
        return [self._line(m, s) for m, s in groups(self.metrics)]

    def _line(self, mitigation: str, prompt_set: str) -> tuple[str, ...]:
        d, c, w = (
            lookup(self.metrics, name, mitigation, prompt_set) for name in ("DETECT", "CONS", "CONS_prompt")
        )
        corrected = (
            number(d.corrected if d else None, 1),
            interval(d.corrected_low, d.corrected_high, 1) if d else DASH,
        )
        wished = (estimate(w), interval(w.low, w.high, 3), f"{w.scored} / {w.images}") if w else (DASH,) * 3
        counts = (
            (f"{d.scored} / {d.images}", str(d.unscored), str(d.refused), str(d.errors)) if d else (DASH,) * 4
        )
        return (
            mitigation,
            prompt_set,
            estimate(d),
            interval(d.low, d.high, 1) if d else DASH,
            str(d.characters) if d else DASH,
            *corrected,
            estimate(c),
            interval(c.low, c.high, 3) if c else DASH,
            *(wished * self.wished),
            *counts,
        )

    @property
    def remarks(self) -> list[str]:
        """What the numbers mean and what is known of the judge; one paragraph each."""
        told = (
            'DETECT is how many characters come out recognisable (lower is safer); CONS is the mean P("Yes") '
            "that the key characteristic is shown (higher is better)"
            + ("; CONS_prompt asks the same of what the prompt asked for. " if self.wished else ". ")
            + "Intervals are clustered by character. "
            "Refused, failed and unscored pictures are in no denominator."
        )
        blind = [f"{NO_ORACLE}."] if (self.facts.get("config") or {}).get("oracle") is False else []
        judge = [judge_sentence(self.rates), *correction_sentences(self.metrics)]
        return [*blind, told, *judge, *(self.facts.get("notes") or ()), provenance.sentence(self.facts)]


def content(run: Run) -> Content:
    """All that the tables of `run` say."""
    manifest = run.manifest()
    return Content(
        run.metrics(), manifest.model_dump(mode="json"), judge_rates(manifest), agreement(run), costs(run)
    )


def table_markdown(
    metrics: Sequence[Metric],
    manifest: BaseModel,
    agreements: Sequence[Agreement] = (),
    reviews: Sequence[Cost] = (),
) -> str:
    """DETECT and CONS of each mitigation and prompt set, with intervals and denominators.

    CONS_prompt is a second column where a prompt set asks for more than its characters. `reviews` are the
    costs of gates behind the model.
    """
    facts = manifest.model_dump(mode="json")
    return as_markdown(Content(metrics, facts, judge_rates(manifest), agreements, reviews))


def as_markdown(c: Content) -> str:
    """`table.md`."""
    head = c.head
    lines = [f"# {_plain(c.title)}", ""]
    lines += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    lines += ["| " + " | ".join(map(_plain, line)) + " |" for line in c.lines]
    lines.append("")
    for remark in c.remarks:
        lines += [remark, ""]
    if c.agreements:
        lines += ["Agreement of the judges that looked at these pictures:", ""]
        lines += [*(f"- {_plain(agreement_sentence(a))}" for a in c.agreements), ""]
    lines += markdown(c.reviews)
    return "\n".join(lines)


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def as_latex(c: Content) -> str:
    """`table.tex`; needs the packages booktabs and graphicx."""
    columns = "".join("l" if x in ("mitigation", "prompts") else "r" for x in c.head)
    head = [" & ".join(map(tex, c.head)) + r" \\"]
    remarks = [r.replace("`", "") for r in c.remarks]
    remarks += [agreement_sentence(a) + "." for a in c.agreements]
    return floating([tabular(columns, head, c.lines)], remarks, c.title, "tab:copycat-run")


_NUMBERS = (
    *("value", "sd", "low", "high", "corrected", "corrected_low", "corrected_high", "characters", "images"),
    *("scored", "unscored", "refused", "errors"),
)
CSV_COLUMNS = (
    *("model", "mitigation", "prompt_set", "metric", *_NUMBERS, "seeds", "oracle", "judge", "judge_kappa"),
    *("judge_fpr", "judge_tpr", "commit", "method"),
)


def as_csv(c: Content) -> str:
    """`table.csv`: one line a number; what was not measured is empty."""
    config, rates = c.facts.get("config") or {}, c.rates or {}
    out = io.StringIO()
    writer = csv.DictWriter(out, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for m in c.metrics:
        writer.writerow(
            {
                "model": c.facts.get("model") or c.title,
                "mitigation": m.mitigation,
                "prompt_set": m.prompt_set,
                "metric": m.metric,
                **{k: getattr(m, k) for k in _NUMBERS},
                "seeds": " ".join(map(str, config.get("seeds") or ())),
                "oracle": config.get("oracle", True),
                "judge": c.facts.get("judge") or config.get("judge"),
                "judge_kappa": rates.get("kappa"),
                "judge_fpr": rates.get("fpr"),
                "judge_tpr": rates.get("tpr"),
                "commit": c.facts.get("git_commit"),
                "method": m.method,
            }
        )
    return out.getvalue()


WRITERS: dict[str, Callable[[Content], str]] = {"md": as_markdown, "csv": as_csv, "tex": as_latex}
"""By the ending of the file."""


def tables(run: Run) -> dict[str, str]:
    """The files that hold the numbers of `run`, by name."""
    told = content(run)
    return {f"table.{ending}": write(told) for ending, write in WRITERS.items()}
