"""A comparison as Markdown, CSV and LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from copycat.compare.common import Common, Condition
from copycat.compare.paired import Comparison
from copycat.measures import CONS, DETECT
from copycat.measures.corrections import DIFFERENCES
from copycat.records import Metric
from copycat.report import pareto, price
from copycat.report.denominators import turned
from copycat.report.files import csv_content
from copycat.report.judge_errors import by_mitigation
from copycat.report.latex import floating, tabular, tex
from copycat.report.markdown import escaped, grid
from copycat.report.table import Column, columns
from copycat.report.words import (
    DASH,
    DENOMINATORS,
    FIXED,
    INTERVALS,
    POPULATION,
    correction_sentences,
    interval,
    number,
)
from copycat.stats import differences, paired, permutation

TITLE = "Comparison"
_DIFFERENCES = (
    *("metric", "prompts", "base", "other", "base's", "other's", "difference"),
    *(f"95 %, {FIXED}", f"95 %, {POPULATION}", "pairs", "characters", "p", "p (Holm)", "p (max-T)"),
    *("effect", "odds ratio", "+ / −"),
)
_CORRECTED = ("corrected difference", f"95 %, {POPULATION}")


@dataclass(frozen=True)
class Document:
    """All that a comparison says."""

    shared: Common
    made: Sequence[Comparison]

    @cached_property
    def columns(self) -> Sequence[Column]:
        """What the table of conditions says of each."""
        # How many are unscored follows from the other counts, and the table is wide enough.
        return [c for c in columns(self.shared.tabled) if c.head != "unscored"]

    @property
    def head(self) -> tuple[str, ...]:
        """Heads of the table of conditions."""
        paid = [price.HEADING] if self.priced else []
        return ("condition", "prompts", *(c.head for c in self.columns), *paid)

    @cached_property
    def priced(self) -> bool:
        """Whether any condition has a price on the innocent."""
        return any(c.price for c in self.shared.conditions)

    @property
    def conditions(self) -> list[tuple[str, ...]]:
        """A line a condition and prompt set, with the columns of the table of conditions."""
        return [
            (
                *(c.label, s, *(self._cell(column, c, s) for column in self.columns)),
                *([price.told(c.price)] if self.priced else []),
            )
            for s in self.shared.prompt_sets
            for c in self.shared.conditions
        ]

    def _cell(self, column: Column, condition: Condition, prompt_set: str) -> str:
        found = condition.metric(column.measure, prompt_set)
        return column.text(found) if found else DASH

    @property
    def differences_head(self) -> tuple[str, ...]:
        """Heads of the paired table; a corrected difference is there where any is known."""
        return (*_DIFFERENCES, *(_CORRECTED if self.mended else ()))

    @property
    def differences(self) -> list[tuple[str, ...]]:
        """A line a comparison, with the columns of the paired table."""
        return [(*_line(c), *(_mended(c) if self.mended else ())) for c in self.made]

    @cached_property
    def mended(self) -> bool:
        """Whether any difference could be corrected for the judge's errors."""
        return any(c.corrected for c in self.made)

    @property
    def about(self) -> list[str]:
        """What was compared, a sentence each."""
        s = self.shared
        runs = {c.run: f"{c.run}: {c.data.manifest.model}, judged by {c.judge}." for c in s.conditions}
        return [
            f"On {_count(len(s.characters), 'character')}, {_count(len(s.seeds), 'seed')} and "
            f"{_count(len(s.prompt_sets), 'prompt set')}{' that all runs have in common' * (len(runs) > 1)}.",
            *runs.values(),
            *(f"Left out: {text}." for text in s.left_out),
        ]

    @cached_property
    def warnings(self) -> list[str]:
        """What makes the conditions differ beside their mitigations, and which comparisons the pictures that
        are not scored could turn round; a sentence each."""
        found = list(self.shared.warnings)
        for c in self.made:
            if not c.measure.tabled:
                continue
            ends = (side.metric(c.measure, c.prompt_set) for side in (c.base, c.other))
            told = turned(c.measure, c.found.difference.value, *ends)
            if told:
                found.append(
                    f"{c.measure.name}, {c.other.label} minus {c.base.label} ({c.prompt_set}): {told}"
                )
        return found

    @property
    def remarks(self) -> list[str]:
        """What the numbers mean."""
        tests = sum(c.adjusted is not None for c in self.made)
        return [
            "Differences are other minus base, on pictures of the same character, prompt and seed that both "
            f"have scored; refused, failed and unscored ones are in no pair. {INTERVALS}",
            DENOMINATORS,
            "p: exchanging the two conditions within characters, in all ways. p (Holm) counts in that this "
            f"is one family of {_count(tests, 'test')}: below 0.05, the chance of a single false claim in "
            "the whole table is at most 5 %. p (max-T) does the same knowing which tests move together "
            f"(Westfall and Young 1993, {permutation.FLIPS:,} random ways); choose one of the two before "
            "looking.",
            "Effect: Cohen's h of yes-or-no verdicts, of scores the mean difference over its standard "
            "deviation between characters (d_z); 0.2 is called small, 0.5 medium, 0.8 large. Odds ratio: "
            "pairs gained over pairs lost (+ / −), below 1 where the other has fewer.",
            *([price.ABOUT] if self.priced else []),
            *([DIFFERENCES] if self.mended else []),
            *_errors(self.shared),
            *_corrections(self.shared),
        ]

    @property
    def points(self) -> list[pareto.Point]:
        """The conditions that have both numbers of the plot."""
        found = pareto.points(
            (c.label, s, c.metric(DETECT, s), c.metric(CONS, s))
            for s in self.shared.prompt_sets
            for c in self.shared.conditions
        )
        paid = {c.label: c.price.value for c in self.shared.conditions if c.price}
        return [replace(p, paid=paid.get(p.label)) for p in found]


def _errors(shared: Common) -> list[str]:
    told: dict[str, list[str]] = {}
    for c in shared.conditions:
        for sentence in by_mitigation(c.data.rates):
            told.setdefault(sentence, []).append(c.run)
    return [s if len(told) == 1 else f"{', '.join(dict.fromkeys(runs))}: {s}" for s, runs in told.items()]


def _corrections(shared: Common) -> list[str]:
    metrics = [m.model_copy(update={"mitigation": c.label}) for c in shared.conditions for m in c.metrics]
    return correction_sentences(metrics)


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _line(c: Comparison) -> tuple[str, ...]:
    places, f = c.measure.places, c.found
    d = f.discordant
    ratio = d.odds_ratio if d else None
    effect = DASH if f.effect is None else f"{f.effect_kind} {number(f.effect, 2, signed=True)}"
    return (
        c.measure.name,
        c.prompt_set,
        c.base.label,
        c.other.label,
        number(f.base, places),
        number(f.other, places),
        number(f.difference.value, places, signed=True),
        interval(f.fixed.low, f.fixed.high, places, signed=True),
        interval(f.difference.low, f.difference.high, places, signed=True),
        str(f.pairs),
        str(f.difference.characters),
        chance(f.p),
        chance(c.adjusted.holm if c.adjusted else None),
        chance(c.adjusted.max_t if c.adjusted else None),
        effect,
        number(ratio, 2),
        f"{d.gained} / {d.lost}" if d else DASH,
    )


def _mended(c: Comparison) -> tuple[str, str]:
    if c.corrected is None:
        return DASH, DASH
    places, m = c.measure.places, c.corrected
    return number(m.value, places, signed=True), interval(m.low, m.high, places, signed=True)


def chance(p: float | None) -> str:
    """A p value: three decimals, and never a plain zero."""
    if p is None:
        return DASH
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def markdown(doc: Document) -> str:
    """`compare.md`."""
    out = [f"# {TITLE}", ""]
    for warning in doc.warnings:
        out += [f"**Warning:** {escaped(warning)}", ""]
    out += [*(f"- {escaped(a)}" for a in doc.about), ""]
    for title, head, lines in (
        ("Conditions", doc.head, doc.conditions),
        ("Paired differences", doc.differences_head, doc.differences),
    ):
        out += [f"## {title}", "", *grid(head, lines)]
    for remark in doc.remarks:
        out += [escaped(remark), ""]
    if doc.points:
        out += [f"![{DETECT.name} against {CONS.name}, with the front](pareto.svg)", ""]
    return "\n".join(out)


CSV_COLUMNS = (
    *("metric", "prompt_set", "base", "other", "base_run", "base_mitigation", "base_judge", "other_run"),
    *("other_mitigation", "other_judge", "characters_planned", "characters", "pairs", "base_value"),
    *(
        "other_value",
        "difference",
        "low",
        "high",
        "fixed_low",
        "fixed_high",
        "bootstrap_low",
        "bootstrap_high",
    ),
    *("p", "p_holm", "p_max_t", "q_bh"),
    *("effect", "effect_kind", "odds_ratio", "odds_ratio_low", "odds_ratio_high", "cohen_g", "gained"),
    *("lost", "p_mcnemar", "corrected", "corrected_low", "corrected_high", "method", "warnings"),
)


def csv_text(doc: Document) -> str:
    """`compare.csv`: one line a comparison, with everything that was computed."""
    warnings = " ".join(doc.warnings)
    return csv_content(CSV_COLUMNS, ({**_record(c), "warnings": warnings} for c in doc.made))


def _record(c: Comparison) -> dict[str, object]:
    f, d = c.found, c.found.discordant
    ratio = (paired.odds_ratio_interval(d) if d else None) or (None, None)
    sides = {
        f"{side}_{told}": getattr(condition, told)
        for side, condition in (("base", c.base), ("other", c.other))
        for told in ("run", "mitigation", "judge")
    }
    return {
        "metric": c.measure.name,
        "prompt_set": c.prompt_set,
        "base": c.base.label,
        "other": c.other.label,
        **sides,
        "characters_planned": c.characters,
        "characters": f.difference.characters,
        "pairs": f.pairs,
        "base_value": f.base,
        "other_value": f.other,
        "difference": f.difference.value,
        "low": f.difference.low,
        "high": f.difference.high,
        "fixed_low": f.fixed.low,
        "fixed_high": f.fixed.high,
        "bootstrap_low": f.bootstrap.low,
        "bootstrap_high": f.bootstrap.high,
        "p": f.p,
        "p_holm": c.adjusted.holm if c.adjusted else None,
        "p_max_t": c.adjusted.max_t if c.adjusted else None,
        "q_bh": c.adjusted.fdr if c.adjusted else None,
        "effect": f.effect,
        "effect_kind": f.effect_kind,
        "odds_ratio": d.odds_ratio if d else None,
        "odds_ratio_low": ratio[0],
        "odds_ratio_high": ratio[1],
        "cohen_g": d.g if d else None,
        "gained": d.gained if d else None,
        "lost": d.lost if d else None,
        "p_mcnemar": d.p if d else None,
        "corrected": c.corrected.value if c.corrected else None,
        "corrected_low": c.corrected.low if c.corrected else None,
        "corrected_high": c.corrected.high if c.corrected else None,
        "method": f"{differences.METHOD}; {differences.FIXED_METHOD}",
    }


def conditions_csv(doc: Document) -> str:
    """`conditions.csv`: one line a condition, prompt set and metric, on the pictures in common."""
    rows = (
        {
            "condition": c.label,
            "run": c.run,
            "model": c.data.manifest.model,
            "judge": c.judge,
            **m.model_dump(),
            **({f"price_{name}": getattr(c.price, name) for name in _PRICE} if c.price else {}),
        }
        for c in doc.shared.conditions
        for m in c.metrics
    )
    head = ("condition", "run", "model", "judge", *Metric.model_fields)
    return csv_content((*head, *(f"price_{name}" for name in _PRICE)), rows)


_PRICE = ("value", "low", "high", "fixed_low", "fixed_high", "pairs", "refused")
"""What of a condition's price on the innocent stands beside each of its numbers."""


def latex(doc: Document) -> str:
    """`compare.tex`; needs the packages booktabs and graphicx."""
    tables = []
    for head, lines in ((doc.head, doc.conditions), (doc.differences_head, doc.differences)):
        columns = "".join("l" if x in _TEXTS else "r" for x in head)
        tables.append(tabular(columns, [" & ".join(map(tex, head)) + r" \\"], lines))
    warnings = [f"Warning: {w}" for w in doc.warnings]
    remarks = [r.replace("`", "") for r in (*warnings, *doc.about, *doc.remarks)]
    return floating(tables, remarks, TITLE, "tab:copycat-compare")


_TEXTS = frozenset({"condition", "prompts", "metric", "base", "other"})

WRITERS: dict[str, Callable[[Document], str]] = {
    "compare.md": markdown,
    "compare.csv": csv_text,
    "conditions.csv": conditions_csv,
    "compare.tex": latex,
}
"""By file name."""
