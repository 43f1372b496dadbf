"""GPU hours and dollars of a whole comparison, from published seconds.

`python -m benchmarks.matrix_cost` counts the pictures of 50 characters × 10 prompt sets × 12 mitigations × 5
seeds for each of six models, and multiplies by the seconds in `data/seconds.yaml`, which says where they come
from. A model that has none there counts with the mean of those that have. `--seconds NAME=2.5` puts in a time
of your own.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from statistics import fmean

from copycat.cards.models import load_card
from copycat.cards.seconds import seconds

MODELS = "playground@paper,sdxl@paper,pixart-alpha@paper,deepfloyd-if@paper,videofusion"


@dataclass(frozen=True)
class Cost:
    """What one model takes."""

    model: str
    drawing: float
    """GPU hours."""
    judging: float
    """GPU hours."""


def costs(
    models: list[str], pictures: int, questions: int, own: dict[str, float], more: int, judge: float
) -> list[Cost]:
    """A line for each of `models`, and one for `more` others as the mean of those."""
    known = {**seconds().seconds, **own}
    found = []
    for name in models:
        frames = len(load_card(name).sampling.judged)
        drawing, judging = pictures * known[name], pictures * frames * questions * judge
        found.append(Cost(name, drawing / 3600, judging / 3600))
    if more:
        mean = fmean(c.drawing for c in found), fmean(c.judging for c in found)
        found.append(Cost(f"{more} more, as the mean", more * mean[0], more * mean[1]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name, many in (("characters", 50), ("prompt-sets", 10), ("mitigations", 12), ("seeds", 5)):
        parser.add_argument(f"--{name}", type=int, default=many)
    parser.add_argument("--models", default=MODELS, help="with a time in data/seconds.yaml, or of your own")
    parser.add_argument("--all-models", type=int, default=6, help="how many in all")
    parser.add_argument("--questions", type=int, default=3, help="to a local judge of each picture or frame")
    parser.add_argument(
        "--seconds", action="append", default=[], help="NAME=seconds of a picture; repeatable"
    )
    parser.add_argument("--judge-seconds", type=float, default=seconds().judge_seconds, help="of a question")
    parser.add_argument("--dollars", type=float, default=2.0, help="of a GPU for an hour; an assumption")
    told = parser.parse_args()
    own = {name: float(value) for name, _, value in (text.partition("=") for text in told.seconds)}
    models = [name for name in told.models.split(",") if name]
    pictures = told.characters * told.prompt_sets * told.mitigations * told.seeds
    more = told.all_models - len(models)
    found = costs(models, pictures, told.questions, own, more, told.judge_seconds)
    lines = [f"Seconds of a picture: {seconds().source}.", f"Of a question: {seconds().judge_source}.", ""]
    lines += ["| model | pictures | GPU hours, drawing | GPU hours, judging | dollars |"]
    lines += ["|---|---|---|---|---|"]
    for cost in found:
        many = pictures * (more if cost is found[-1] and more else 1)
        hours = cost.drawing + cost.judging
        row = f"{many:,} | {cost.drawing:,.0f} | {cost.judging:,.0f} | {hours * told.dollars:,.0f}"
        lines.append(f"| {cost.model} | {row} |")
    drawing, judging = sum(c.drawing for c in found), sum(c.judging for c in found)
    together = f"{pictures * told.all_models:,} | {drawing:,.0f} | {judging:,.0f}"
    lines.append(f"| together | {together} | {(drawing + judging) * told.dollars:,.0f} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
