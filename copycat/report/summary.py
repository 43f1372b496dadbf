"""What a terminal shows at the end of a run."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from copycat.measures import Measure
from copycat.records import Metric
from copycat.report import attacks, next_steps
from copycat.report.denominators import cautions
from copycat.report.differences import differences
from copycat.report.filters import caution, costs, sentence
from copycat.report.judge_errors import by_mitigation, corrected_words
from copycat.report.price import prices
from copycat.report.price import told as price_told
from copycat.report.spent import sentences
from copycat.report.terminal import grid, say
from copycat.report.words import (
    DASH,
    estimate,
    fixed_interval,
    interval,
    judge_sentence,
    number,
    of_all,
    of_all_where_open,
    population_interval,
)
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder

_WITH_INTERVAL = 2
"""Measures that are shown with their interval; the others stand alone, so that the table fits 80 columns."""


def print_summary(console: Console, run: RunData) -> None:
    """The measures with intervals, paired differences, the judge's errors, and what to do next."""
    console.print(_table(run))
    for x in differences(run):
        places = x.measure.places
        say(
            console,
            f"{x.measure.name}, {x.mitigation} minus {x.baseline} ({x.prompt_set}): "
            f"{number(x.value, places, signed=True)}, "
            f"these {interval(x.fixed_low, x.fixed_high, places, signed=True)}, "
            f"like these {interval(x.low, x.high, places, signed=True)}, {x.pairs} pairs"
            + (f"; {corrected_words(x.corrected, places)}" if x.corrected else ""),
        )
    attacked = attacks.attacks(run)
    if attacked:
        console.print(_attacks(attacked))
        say(console, attacks.ABOUT)
    for told in cautions(run):
        say(console, f"WARNING: {told}")
    if run.failed:
        console.print(f"{run.failed} pictures failed and count nowhere; the same command tries them again.")
    program = next_steps.program()
    unscored = sum(m.unscored for m in run.metrics)
    if unscored:
        told = f"{unscored} verdicts are unscored and count nowhere; {program} judge {run.path} asks again."
        say(console, told)
    for paid in prices(run):
        say(
            console,
            f"Price on the innocent, {paid.mitigation} ({paid.prompt_set}): {price_told(paid)}, "
            f"{paid.pairs} pairs" + (f", {paid.refused} refused" if paid.refused else ""),
        )
    reviews = costs(run)
    for told in (*run.manifest.notes, *map(sentence, reviews), caution(reviews)):
        if told:
            say(console, told)
    for told in (*sentences(run), judge_sentence(run.rates), *by_mitigation(run.rates)):
        say(console, told)
    say(console, f"Report: {RunFolder(run.path).page_path}")
    console.print("Next, for instance:")
    for command in next_steps.next_steps(run):
        say(console, f"  {program} {command}")


def _table(run: RunData) -> Table:
    sets = sorted({m.prompt_set for m in run.metrics})
    # One prompt set goes into the title, so that the table fits 80 columns.
    title = run.path.name if len(sets) > 1 else f"{run.path.name} ({', '.join(sets)})"
    heads = [c for i, m in enumerate(run.tabled) for c in _head(m, i)]
    words = ("mitigation", "prompts")[: 1 + (len(sets) > 1)]
    table = grid(words, (*heads, "scored"), title)
    for group in run.groups:
        cells = [c for i, m in enumerate(run.tabled) for c in _cells(m, run.metric(m, *group), i)]
        first = run.metric(run.tabled[0], *group) if run.tabled else None
        scored = f"{first.scored}/{first.images}" if first else DASH
        table.add_row(*map(escape, group[: len(words)]), *cells, scored)
    return table


def _attacks(found: Sequence[attacks.Attacking]) -> Table:
    # Guardrail, attack and prompts are one column, and intervals below their numbers, to fit 80 columns.
    table = grid(("attack",), ("pre-ASR", "ASR", "succeeded", "queries", "steps", "seconds"), "Attacks")
    for attacking in found:
        guard, attack, prompts, before, under, *numbers = attacks.cells(attacking)
        shares = (share.replace(" (", "\n").replace(", ", "\n").rstrip(")") for share in (before, under))
        table.add_row(*map(escape, (f"{attack} on {guard} ({prompts})", *shares, *numbers)))
    return table


def _head(measure: Measure, place: int) -> list[str]:
    return [measure.heading, "95 %: these,\nlike these"] if place < _WITH_INTERVAL else [measure.heading]


def _cells(measure: Measure, m: Metric | None, place: int) -> list[str]:
    value = estimate(m) + (f" of {m.characters}" if m and measure.counts else "")
    if of_all_where_open(m):
        value += f"\nall: {of_all(m)}"
    between = escape(f"{fixed_interval(m)}\n{population_interval(m)}") if m else DASH
    return [value, between] if place < _WITH_INTERVAL else [value]
