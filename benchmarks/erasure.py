"""What erasing some of the menagerie's characters costs the others.

    python -m benchmarks.erasure --methods uce,rece,esd --erased 10 --seeds 3 --out runs/erasure

Of the characters with the most training pictures every second one is erased, all together, and those between
stay; all are drawn from each prompt set, by the model as it is and after each method, through `copycat.run`.
Prints how many of each kind the judge detects, with 95 % intervals, and the seconds and weights of each
erasure; then what each method changes against `--against`, picture by picture of the same noise. The same
command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import copycat
from copycat.cards.models import load_card
from copycat.measures import Observation, measure
from copycat.measures.summary import interval_of
from copycat.mitigations import parse
from copycat.mitigations.base import RunContext
from copycat.mitigations.erasure.delta import read_card
from copycat.stats.paired import compare
from copycat.subjects.characters import Character, load_registry

MODEL = "menagerie"


@dataclass(frozen=True)
class Seen:
    """The pictures of a run, as one measure sees them."""

    pictures: Sequence[Observation]
    prompts: Sequence[str]
    people: dict[str, Sequence[Character]]
    """The erased and the others."""

    def cells(self) -> Iterator[tuple[str, str]]:
        """Who, and by which prompt set."""
        yield from ((who, prompts) for who in self.people for prompts in self.prompts)

    def of(self, spec: str, who: str, prompts: str) -> list[Observation]:
        """The pictures of one cell."""
        slugs = {c.slug for c in self.people[who]}
        cell = [o for o in self.pictures if (o.request.mitigation, o.request.prompt_set) == (spec, prompts)]
        return [o for o in cell if o.request.character in slugs]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--methods", default="uce,rece", help="erasers, separated by commas outside brackets")
    parser.add_argument("--prompts", default="name,description", help="prompt sets, separated by commas")
    parser.add_argument("--against", default="none", help="one of the methods, which the others differ from")
    parser.add_argument("--erased", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("results/erasure"))
    given = parser.parse_args()
    registry = load_registry(MODEL)
    known = sorted(registry.characters, key=lambda c: -(c.training_images or 0))[: 2 * given.erased]
    people = {"erased": known[::2], "others": known[1::2]}
    said = ";".join(c.slug for c in people["erased"])
    specs = {m: with_option(m, f"characters={said}") for m in listed(given.methods)}
    specs = {"none": "none", **specs}
    if given.against not in specs:
        parser.error(f"--against {given.against} is none of the methods: {', '.join(specs)}")
    prompts = given.prompts.split(",")
    run = copycat.run(
        MODEL,
        mitigations=tuple(specs.values()),
        prompts=prompts,
        seeds=given.seeds,
        characters=tuple(c.slug for c in known),
        out=given.out,
    )
    seen = Seen(list(run.data.observations(measure("DETECT")).values()), prompts, people)
    heads = [f"{who}, {by}" for who, by in seen.cells()]
    sys.stdout.write(line("method", "seconds", *heads) + line(*["---"] * (2 + len(heads))))

    def took(spec: str) -> str:
        return ", ".join(f"{s:.1f}" for s in seconds(spec, run.data.manifest.model)) or "–"

    for name, spec in specs.items():
        cells = [detected(seen.of(spec, *cell)) for cell in seen.cells()]
        sys.stdout.write(line(f"`{name}`", took(spec), *cells))
    sys.stdout.write("\n" + line(f"against `{given.against}`", *heads) + line(*["---"] * (1 + len(heads))))
    for name, spec in specs.items():
        if name != given.against:
            base = specs[given.against]
            changes = [changed(seen.of(base, *cell), seen.of(spec, *cell)) for cell in seen.cells()]
            sys.stdout.write(line(f"`{name}`", *changes))
    return 0


def line(*cells: str) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(cells) + " |\n"


def listed(text: str) -> list[str]:
    """What stands between the commas of `text` that are in no brackets."""
    found, depth, current = [], 0, ""
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == "," and not depth:
            found.append(current)
            current = ""
        else:
            current += letter
    return [m for m in (*found, current) if m]


def with_option(method: str, option: str) -> str:
    """The specification `method` with one more option."""
    name, _, rest = method.partition("[")
    return f"{name}[{option},{rest}" if rest else f"{name}[{option}]"


def detected(seen: Sequence[Observation]) -> str:
    """The share of the pictures with an answer that show their character, with its interval."""
    scored = [o.value for o in seen if o.value is not None]
    interval = interval_of(seen)
    bounds = "" if interval.low is None else f"{interval.low:.0%} to {interval.high:.0%}, "
    return f"{sum(scored) / len(scored):.0%} ({bounds}n = {len(scored)})"


def changed(base: Iterable[Observation], other: Iterable[Observation]) -> str:
    """The difference in points over pictures that start from the same noise, its interval and p."""
    before = {o.request.seed: o for o in base}
    pairs: dict[str, list[tuple[float, float]]] = {}
    for after in other:
        first = before[after.request.seed]
        if first.value is not None and after.value is not None:
            pairs.setdefault(after.request.character, []).append((first.value, after.value))
    found = compare(pairs, binary=True, scale=100)
    difference, p = found.difference, "–" if found.p is None else f"{found.p:.2g}"
    bounds = "" if difference.low is None else f" ({difference.low:+.0f} to {difference.high:+.0f})"
    return f"{difference.value:+.0f}{bounds}, p = {p}"


def seconds(spec: str, model: str) -> list[float]:
    """How long each erasure of the guardrail `spec` took, on the model with the identity `model`."""
    context = RunContext(load_registry(MODEL), erasers=load_card(MODEL).erasers)
    return [read_card(e.folder).seconds for e in parse(spec).bind(context).weight_edits(model)]


if __name__ == "__main__":
    sys.exit(main())
