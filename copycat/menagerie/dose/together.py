"""The page that sets what was observed on the shipped model beside what chosen counts caused."""

from __future__ import annotations

import json
from pathlib import Path

from copycat.io.atomic import write_text
from copycat.menagerie.dose.agreement import agreement
from copycat.menagerie.dose.recipe import RECIPES
from copycat.report import imitation as words
from copycat.report.markdown import grid
from copycat.report.words import DASH, number
from copycat.runs.imitation import Imitation, read_imitation


def side_by_side(out: Path) -> list[Path]:
    """README.md: what there is of both studies, side by side."""
    observed_one = read_imitation(out / "observed")
    folders = sorted(p for p in out.glob("causal-*") if p.is_dir())
    caused = {p.name.removeprefix("causal-"): found for p in folders if (found := read_imitation(p))}
    studies = {f"caused, recipe {name}": found for name, found in caused.items()}
    if observed_one is not None:
        studies = {"observed, on the shipped model": observed_one, **studies}
    heads = ("study", "threshold", "95 %", "draws with none", "published rule", "logistic 50 %", "concepts")
    lines = [
        "# The imitation threshold of the menagerie",
        "",
        *grid((*heads, "command"), (_study(*s) for s in studies.items())),
        "Observed thresholds are effective counts: captions that name a character, times the share of those "
        "pictures that show it. Caused ones count all pictures of a newcomer. Concepts: characters, those of "
        "each training counted for themselves.",
        "",
    ]
    true = _true_counts(out / "observed")
    for name, found in caused.items():
        if observed_one and not (name in RECIPES and RECIPES[name].varied):
            lines += [_agreement(observed_one, true, name, found), ""]
    lines += [line for name in caused for line in _beside(out, name)]
    path = out / "README.md"
    write_text(path, "\n".join(lines))
    return [path]


def _study(name: str, found: Imitation) -> tuple[str, ...]:
    bounds, curve = found.interval, found.curve
    return (
        name,
        "none" if found.threshold is None else words.count(found.threshold),
        f"{words.count(bounds.low)} to {words.count(bounds.high)}" if bounds else DASH,
        f"{bounds.none:.0%}" if bounds else DASH,
        "none" if found.reference is None else words.count(found.reference),
        words.count(curve.middle) if curve else DASH,
        str(len(found.points)),
        f"`{found.command}`",
    )


def _true_counts(home: Path) -> dict[str, float]:
    """Of each of the shipped model's characters the number of its training pictures, by slug; empty where
    `home` does not say."""
    file = home / "counts.json"
    if not file.is_file():
        return {}
    told = json.loads(file.read_text(encoding="utf-8"))
    return {row["concept"]: float(row["true"]) for row in told["counts"]}


def _agreement(seen: Imitation, true: dict[str, float], recipe: str, caused: Imitation) -> str:
    """Whether the observed change can be the caused one, in pictures of a character, in two sentences."""
    if seen.threshold is None or caused.interval is None:
        return f"Observed and caused (recipe {recipe}) cannot be compared: one of them has no threshold."
    pictures = {p.count: true.get(p.concept, p.count) for p in seen.points}
    first, last = pictures.get(seen.below or 0.0, 0.0), pictures[seen.threshold]
    # A change between two counts that were tried is told by the greater of them.
    lower = max((p.count for p in caused.points if p.count < caused.interval.low), default=0.0)
    apart = last < lower or first > caused.interval.high
    return (
        f"The observed change lies between characters with {words.count(first)} and {words.count(last)} "
        f"pictures, the caused one (recipe {recipe}, 95 %) between {words.count(lower)} and "
        f"{words.count(caused.interval.high)}. They {'do not overlap' if apart else 'overlap'}."
    )


def _beside(out: Path, name: str) -> list[str]:
    """How the same newcomers score in the recipe that another is compared with; empty where there is no such
    comparison."""
    base = "close" if name.startswith("close-") else "scratch"
    mine, other = (out / f"causal-{n}" / "pictures.csv" for n in (name, base))
    if name == base or not other.is_file():
        return []
    both = agreement(other, mine)
    if both is None:
        return []
    d = both.difference
    mean, low, high = (number(v, 3, signed=True) for v in (d.value, d.low, d.high))
    return [
        f"{d.characters} newcomers had the same counts in the recipes {base} and {name}, {both.pairs} in all."
        f" Scores of {name} less those of {base}: {mean} on average (95 % {low} to {high}, newcomers drawn "
        f"anew), {both.distance:.3f} apart; Spearman's correlation {both.correlation:.2f}.",
        "",
    ]
