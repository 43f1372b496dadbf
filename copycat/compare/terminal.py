"""What a terminal shows of a comparison."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from copycat.compare.write import Document, chance
from copycat.report.judge_errors import corrected_words
from copycat.report.terminal import grid, say
from copycat.report.words import interval, number


def print_comparison(console: Console, doc: Document) -> None:
    """Warnings, what is compared with what, and the table of differences."""
    for text in (*(f"WARNING: {w}" for w in doc.warnings), *doc.about):
        say(console, text)
    bases = list(dict.fromkeys(c.base.label for c in doc.made))
    sets = doc.shared.prompt_sets
    # What is the same in every line goes into the title, so that the table fits 80 columns.
    same = f", minus {bases[0]}" if len(bases) == 1 else ""
    same += f", on {sets[0]}" if len(sets) == 1 else ""
    words = ("metric", "condition", "prompts")[: 2 + (len(sets) > 1)]
    table = grid(words, ("difference", "95 %: these,\nlike these", "p: Holm,\nmax-T"), f"Differences{same}")
    for c in doc.made:
        places, d = c.measure.places, c.found.difference
        condition = c.other.label if len(bases) == 1 else f"{c.other.label} − {c.base.label}"
        table.add_row(
            *map(escape, (c.measure.name, condition, c.prompt_set)[: len(words)]),
            number(d.value, places, signed=True),
            "\n".join(interval(x.low, x.high, places, signed=True) for x in (c.found.fixed, d)),
            "\n".join(chance(p) for p in ((c.adjusted.holm, c.adjusted.max_t) if c.adjusted else (None,))),
        )
    console.print(table)
    for c in doc.made:
        if c.corrected:
            what = f"{c.measure.name}, {c.other.label} minus {c.base.label} ({c.prompt_set})"
            say(console, f"{what}, {corrected_words(c.corrected, c.measure.places)} for the judge's errors")
