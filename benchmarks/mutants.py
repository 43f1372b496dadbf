"""Breaks the package in small ways, at random, and counts how often the tests notice.

    pip install 'copycat-eval[dev,mutation]'
    python -m benchmarks.mutants --sample 120 --seed 1

A mutant is one module with one of cosmic-ray's changes. All that its operators can make of five rooms are
listed, without those that only a type checker sees, and a random sample is tried: each in a copy of the
checkout, with the tests that ran the changed line before, quickest first, until one fails. The tests are run
once before, to see which lines they run (minutes; kept with --map). Prints for each room what was killed, and
each survivor. docs/mutation.md has figures.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from statsmodels.stats.proportion import proportion_confint

from benchmarks.mutant_sites import Mutant, change, mutants, statement_lines
from benchmarks.mutant_tests import Copy, Outcome, Test, warm

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("judges", "measures", "mitigations", "stages", "runs")
KILLED, SURVIVED, TIMED_OUT = "killed", "survived", "timed out"
STATES = {"failed": KILLED, "passed": SURVIVED, "unreached": SURVIVED, "timed out": TIMED_OUT}


@dataclass(frozen=True)
class Result:
    """What became of a mutant."""

    mutant: Mutant
    state: str
    change: str
    by: str
    """The test that failed."""
    tests: int
    """How many tests were to be run."""
    seconds: float


def modules(rooms: Iterable[str]) -> list[Path]:
    """The modules of rooms, by name."""
    return [path for room in rooms for path in sorted((ROOT / "copycat" / room).rglob("*.py"))]


def chosen(mutant: Mutant, source: str, tests: Sequence[Test], budget: float) -> list[str]:
    """The tests that ran the changed line, the room's own and quickest first, for up to `budget` seconds.

    What is run on import has no test of its own: then it is those that ran anything of the module, and where
    there are none, the room's.
    """
    lines = statement_lines(source, mutant.line)
    ran = [t for t in tests if mutant.path in t.lines]
    if lines is not None:
        ran = [t for t in ran if not set(lines).isdisjoint(t.lines[mutant.path])]
    own = f"tests/{mutant.room}/"
    if lines is None and not ran:
        ran = [t for t in tests if t.name.startswith(own)]
    left, names = budget, []
    for test in sorted(ran, key=lambda t: (not t.name.startswith(own), t.seconds)):
        # A long test may still come first: one is better than none.
        if test.seconds <= left or not names:
            names.append(test.name)
            left -= test.seconds
    return names


def tried(mutant: Mutant, copy: Copy, tests: Sequence[Test], budget: float) -> Result:
    """Puts the mutant into the copy and runs its tests."""
    began = time.monotonic()
    source = (copy.root / mutant.path).read_text(encoding="utf-8")
    text = mutant.text(source)
    names = chosen(mutant, source, tests, budget)
    with copy.changed(mutant.path, text):
        outcome: Outcome = copy.run(names, limit=60 + 5 * budget)
    return Result(
        mutant, STATES[outcome.state], change(source, text), outcome.by, len(names), time.monotonic() - began
    )


def measured(copy: Copy, paths: Sequence[str], known: Sequence[Test], kept: Path | None) -> list[Test]:
    """The tests of these paths, run just now, and the known ones of others; all are written to `kept`."""
    tests = list(known)
    mutated = [p.relative_to(ROOT).as_posix() for p in modules(ROOMS)]
    for path in paths:
        began = time.monotonic()
        new = copy.measure([path], mutated, limit=3600)
        say(f"{path}: {len(new)} tests pass, {time.monotonic() - began:.0f} s")
        tests = [t for t in tests if not t.name.startswith(path)] + new
        if kept:
            kept.write_text(json.dumps([asdict(t) for t in tests]))
    return tests


def table(results: Sequence[Result]) -> list[str]:
    """Lines of the table by rooms, with Wilson's interval of 95 %; what timed out counts as noticed."""
    rows = [
        "| room | mutants | killed | timed out | survived | noticed | 95 % interval |",
        "|---|---|---|---|---|---|---|",
    ]
    by_room: dict[str, list[str]] = defaultdict(list)
    for result in results:
        by_room[result.mutant.room].append(result.state)
    everything = [("all", [r.state for r in results])] if len(by_room) > 1 else []
    for room, states in [*((r, by_room[r]) for r in ROOMS if r in by_room), *everything]:
        counts, n = Counter(states), len(states)
        noticed = n - counts[SURVIVED]
        low, high = proportion_confint(noticed, n, method="wilson")
        shown = [str(counts[s]) for s in (KILLED, TIMED_OUT, SURVIVED)]
        rows.append(f"| {room} | {n} | {' | '.join(shown)} | {noticed / n:.0%} | {low:.0%} to {high:.0%} |")
    return rows


def test_paths() -> list[str]:
    """The folders of tests, and the files beside them."""
    found = [*(ROOT / "tests").glob("test_*.py"), *{p.parent for p in (ROOT / "tests").glob("*/test_*.py")}]
    return sorted(p.relative_to(ROOT).as_posix() for p in found)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def sample(rooms: Sequence[str], size: int, seed: int) -> list[Mutant]:
    """A simple random sample in random order, so that as many as were tried are one too."""
    everything = [m for path in modules(rooms) for m in mutants(ROOT, path)]
    say(f"{len(everything)} mutants: {dict(Counter(m.room for m in everything))}")
    random.Random(seed).shuffle(everything)
    programs = (m for m in everything if m.is_python((ROOT / m.path).read_text(encoding="utf-8")))
    return list(islice(programs, size))


def again(path: Path) -> list[Mutant]:
    """What an earlier run did not kill. The modules must be as they were."""
    kept = [json.loads(line) for line in path.read_text().splitlines()]
    return [Mutant(**r["mutant"]) for r in kept if r["state"] != KILLED]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument(
        "--sample", type=int, default=100, help="how many mutants; 0 only runs the tests for --map"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--only", choices=ROOMS, action="append", help="rooms; default all five")
    parser.add_argument(
        "--tests", nargs="+", help="folders or files of tests to be run once; default all, if no --map"
    )
    parser.add_argument("--map", type=Path, help="file that keeps which lines each test runs")
    parser.add_argument("--budget", type=float, default=60, help="seconds of tests a mutant")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no mutant after this time")
    parser.add_argument("--out", type=Path, help="file that gets each result as a line of JSON")
    parser.add_argument(
        "--again", type=Path, help="try what this --out file has not killed, not a new sample"
    )
    return parser.parse_args()


def main() -> None:
    told = arguments()
    rooms, ends = told.only or ROOMS, time.monotonic() + 60 * told.minutes
    known: list[Test] = []
    if told.map and told.map.is_file():
        known = [Test(**t) for t in json.loads(told.map.read_text())]
    paths = told.tests or ([] if known else test_paths())
    warm()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(ROOT, Path(folder))
        tests = measured(copy, paths, known, told.map)
        for mutant in again(told.again) if told.again else sample(rooms, told.sample, told.seed):
            if time.monotonic() > ends:
                break
            result = tried(mutant, copy, tests, told.budget)
            results.append(result)
            where = f"{mutant.path}:{mutant.line}"
            say(f"{result.state:9} {result.seconds:5.1f} s {result.tests:4} tests {where}: {result.change}")
            if told.out:
                with told.out.open("a") as out:
                    out.write(json.dumps(asdict(result)) + "\n")
    if results:
        say("\n" + "\n".join(table(results)) + "\n\nSurvivors:")
        for r in (r for r in results if r.state == SURVIVED):
            say(f"- {r.mutant.path}:{r.mutant.line} ({r.mutant.operator}, {r.tests} tests): {r.change}")


if __name__ == "__main__":
    main()
