"""The numbers of a study as they are written."""

from __future__ import annotations

from collections.abc import Mapping

from copycat.report.words import DASH, number
from copycat.stats.intervals import Interval
from copycat.verbatim.text.rungs import LADDER
from copycat.verbatim.text.summary import TOKENS_A_WORD, Cell, Guarding

ABOUT = (
    "The longest common prefix is how many words a text has in common with what follows the prompt in the"
    " work, from the first on; the longest common substring is the longest run of words that stands in "
    "the text and anywhere in the work but in what the prompt shows; the edit similarity is 1 − edit "
    "distance / length, with as many words of the work as the text has. Of several samples the largest of"
    " each counts. Normalised means divided by the words that the prompt shows (Henderson et al. 2023). "
    "Words are those of the Penn Treebank, so punctuation marks are words. Means are over documents, with"
    " 95 % intervals for documents like these. Refused and failed prompts are in no mean; of a text that "
    "a mitigation withheld nothing is given back, so it counts as 0."
)
RUNGS = (
    "Rungs, by the longest common substring: "
    + "; ".join(f"{r.name}, {r.words} words or more ({r.about})" for r in LADDER)
    + (
        ". A rung counts only prompts that can reach it: whose document goes on for so long, and whose text "
        f"may have {TOKENS_A_WORD} tokens for each word of it"
    )
)
GUARDING = (
    "Stopped are prompts of protected works whose best text had 50 words in a row or more without the "
    "mitigation and has not with it. What it costs is measured on other text, with the same prompts and "
    "seeds: how many texts change, how many are withheld, how much less likely each token is to the model"
    " alone (−ln P, higher is less fluent), and seconds for a hundred tokens."
)


def mean(found: Interval, places: int = 1) -> str:
    """`12.3`."""
    return number(found.value, places)


def range_of(found: Interval, places: int = 1, scale: float = 1.0) -> str:
    """`8.1–16.0`; empty without an interval."""
    if found.low is None or found.high is None:
        return ""
    return f"{number(scale * found.low, places)}–{number(scale * found.high, places)}"


def share(found: Interval) -> str:
    """`40%`."""
    return DASH if found.value is None else f"{number(100 * found.value, 0)}%"


def count(n: int, noun: str) -> str:
    """`1 prompt`, `3 prompts`."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def length(cell: Cell) -> str:
    """`25 words`."""
    unit = "line" if cell.prompts == "lines" else "word"
    return count(cell.length, unit)


def left_out(found: Mapping[tuple[str, int], int], documents: int) -> str:
    """Which documents have no prompt at which length, in a sentence; empty where all have."""
    told = [f"{n} at {prompts} {length}" for (prompts, length), n in found.items()]
    if not told:
        return ""
    return (
        f"Left out, of {count(documents, 'document')}, since fewer than 50 words follow such a prompt, "
        f"or they are no code: {', '.join(told)}."
    )


def stopped(found: Guarding) -> str:
    """`9 of 10`."""
    return DASH if not found.reached else f"{found.stopped} of {found.reached}"


def part(n: int, of: int) -> str:
    """`3 of 20`; a dash for none of none."""
    return DASH if not of else f"{n} of {of}"


def change(pair: tuple[float, float] | None, places: int) -> str:
    """`1.20 → 1.45`."""
    return DASH if pair is None else f"{number(pair[0], places)} → {number(pair[1], places)}"


def held(facts: dict[str, float]) -> str:
    """What is known of a Bloom filter, in a sentence; empty for none."""
    if not facts:
        return ""
    return (
        f"It holds {facts['runs']:,.0f} runs of tokens in {facts['bytes'] / 1000:,.1f} kB; "
        f"{100 * facts['false_positive_rate_measured']:.3f} % of other runs are taken for one of them "
        f"({100 * facts['false_positive_rate']:.3f} % follow from how full it is)."
    )
