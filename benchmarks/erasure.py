"""What erasing some of the menagerie's characters costs the others.

    python -m benchmarks.erasure --methods uce,rece,esd --erased 10 --seeds 3 --out runs/erasure

Of the characters with the most training pictures every second one is erased, and those between stay; all are
drawn from names and descriptions, by the model as it is and after each method, through `copycat.run`. Prints
how many of each kind the judge detects, with 95 % intervals, and the seconds and weights of each erasure. The
same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import copycat
from copycat.measures import Observation, measure
from copycat.measures.summary import interval_of
from copycat.mitigations import parse
from copycat.mitigations.base import RunContext
from copycat.mitigations.erasure.delta import read_card
from copycat.subjects.characters import Character, Registry, load_registry


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--methods", default="uce,rece", help="erasers, separated by commas outside brackets")
    parser.add_argument("--erased", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("results/erasure"))
    given = parser.parse_args()
    registry = load_registry("menagerie")
    known = sorted(registry.characters, key=lambda c: -(c.training_images or 0))[: 2 * given.erased]
    erased, others = known[::2], known[1::2]
    said = ";".join(c.slug for c in erased)
    specs = {m: _with_option(m, f"characters={said}") for m in _methods(given.methods)}
    run = copycat.run(
        "menagerie",
        mitigations=("none", *specs.values()),
        prompts=("name", "description"),
        seeds=given.seeds,
        characters=tuple(c.slug for c in known),
        out=given.out,
    )
    seen = list(run.data.observations(measure("DETECT")).values())
    sys.stdout.write(
        "| method | seconds | "
        + " | ".join(
            f"{who}, {prompts}" for who in ("erased", "others") for prompts in ("name", "description")
        )
        + " |\n|---|---|---|---|---|---|\n"
    )
    for name, spec in {"none": "none", **specs}.items():
        cells = [
            _detected(seen, spec, prompts, people)
            for people in (erased, others)
            for prompts in ("name", "description")
        ]
        sys.stdout.write(
            f"| `{name}` | {_seconds(spec, run.data.manifest.model, registry)} | {' | '.join(cells)} |\n"
        )
    return 0


def _methods(text: str) -> list[str]:
    found, depth, current = [], 0, ""
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == "," and not depth:
            found.append(current)
            current = ""
        else:
            current += letter
    return [m for m in (*found, current) if m]


def _with_option(method: str, option: str) -> str:
    name, _, rest = method.partition("[")
    return f"{name}[{option},{rest}" if rest else f"{name}[{option}]"


def _detected(seen: Iterable[Observation], spec: str, prompts: str, people: Iterable[Character]) -> str:
    slugs = {c.slug for c in people}
    mine = [
        o
        for o in seen
        if (o.request.mitigation, o.request.prompt_set) == (spec, prompts) and o.request.character in slugs
    ]
    scored = [o.value for o in mine if o.value is not None]
    interval = interval_of(mine)
    return f"{sum(scored) / len(scored):.0%} ({interval.low:.0%} to {interval.high:.0%}, n = {len(scored)})"


def _seconds(spec: str, model: str, registry: Registry) -> str:
    edits = parse(spec).bind(RunContext(registry)).weight_edits(model)
    return ", ".join(f"{read_card(e.folder).seconds:.1f}" for e in edits) or "–"


if __name__ == "__main__":
    sys.exit(main())
