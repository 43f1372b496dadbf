"""What erasing one character costs, what it leaves of it, and what attacks bring back.

    python -m benchmarks.alone --methods uce,esd,advunlearn --attacks random,udatk --out runs/alone

The papers erase one concept at a time. Here each of the characters that `benchmarks.erasure` erases together
is erased by itself, by each method, so that a method has as many erasures as there are characters; each is
drawn by name under each attack, and by each prompt set beside a few others that stay. Prints, over all
erasures of a method, how many pictures show their character, with 95 % intervals for characters like these,
the seconds of an erasure, and for each attack what it adds to the plain prompt, picture by picture of the
same noise. The same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import copycat
from benchmarks.erasure import MODEL, changed, detected, line, listed, seconds, with_option
from copycat.measures import CONS, DETECT, Observation
from copycat.report.attacks import attacks as attacks_of
from copycat.runs.data import RunData
from copycat.subjects.characters import Character, load_registry


class Pooled:
    """The runs of all characters, one for each, as if they were one."""

    def __init__(self, runs: Sequence[tuple[Character, RunData]]) -> None:
        self._runs = runs
        self._seen = [(c, o) for c, run in runs for o in run.observations(DETECT).values()]
        self._asked = [(c, o) for c, run in runs for o in run.observations(CONS).values()]

    def of(self, method: str, attack: str, prompts: str, erased: bool = True) -> list[Observation]:
        """The pictures under `method` and `attack`, of those that were erased or else of the others."""
        return [
            o
            for c, o in self._seen
            if o.request.mitigation == _spec(method, c, attack)
            and o.request.prompt_set == prompts
            and (o.request.character == c.slug) == erased
        ]

    def cons(self, method: str, attack: str, prompts: str) -> float:
        """The mean of prompt consistency over pictures of those that were erased."""
        values = [
            o.value
            for c, o in self._asked
            if o.request.mitigation == _spec(method, c, attack)
            and (o.request.prompt_set, o.request.character) == (prompts, c.slug)
            and o.value is not None
        ]
        return fmean(values)

    def took(self, method: str) -> list[float]:
        """Seconds of each erasure."""
        return [s for c, run in self._runs for s in seconds(_spec(method, c, "none"), run.manifest.model)]

    def searches(self, method: str, attack: str) -> str:
        """Means of queries and seconds of a search."""
        specs = {_spec(method, c, "none") for c, _ in self._runs}
        found = [
            a for _, run in self._runs for a in attacks_of(run) if a.guard in specs and a.attack == attack
        ]
        queries = [a.queries for a in found if a.queries is not None]
        spent = [a.seconds for a in found if a.seconds is not None]
        return f"{fmean(queries):.1f} queries, {fmean(spent):.1f} s" if queries and spent else "–"


def _spec(method: str, character: Character, attack: str) -> str:
    guard = method if method == "none" else with_option(method, f"characters={character.slug}")
    return guard if attack == "none" else f"{guard}@{attack}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--methods", default="uce,rece", help="erasers, separated by commas outside brackets")
    parser.add_argument("--attacks", default="", help="attacks on them, separated likewise")
    parser.add_argument("--erased", type=int, default=10)
    parser.add_argument("--others", type=int, default=5, help="how many stay, for each that is erased")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("results/alone"))
    given = parser.parse_args()
    known = sorted(load_registry(MODEL).characters, key=lambda c: -(c.training_images or 0))
    erased, others = known[: 2 * given.erased : 2], known[1 : 2 * given.erased : 2]
    methods, attacks = ["none", *listed(given.methods)], ["none", *listed(given.attacks)]
    searched, drawn = [], []
    for n, character in enumerate(erased):
        specs = tuple(_spec(m, character, "none") for m in methods)
        beside = [others[(n + k) % len(others)].slug for k in range(min(given.others, len(others)))]
        drawn.append((character, _run(given, character, "drawn", specs, ("name", "description"), beside)))
        searched.append((character, _run(given, character, "attacked", specs, ("name",), attacks=attacks)))
    plain, attacked = Pooled(drawn), Pooled(searched)
    cells = [(who, by) for who in (True, False) for by in ("name", "description")]
    heads = [f"{'erased' if who else 'others'}, {by}" for who, by in cells]
    _write("method", "seconds", *heads, "CONS, name")
    for m in methods:
        took = plain.took(m)
        told = f"{fmean(took):.1f} ({min(took):.1f} to {max(took):.1f})" if took else "–"
        shares = [detected(plain.of(m, "none", by, who)) for who, by in cells]
        sys.stdout.write(line(f"`{m}`", told, *shares, f"{plain.cons(m, 'none', 'name'):.2f}"))
    sys.stdout.write("\n")
    _write("against `none`", *heads)
    for m in methods[1:]:
        lost = [changed(plain.of("none", "none", by, who), plain.of(m, "none", by, who)) for who, by in cells]
        sys.stdout.write(line(f"`{m}`", *lost))
    if len(attacks) == 1:
        return 0
    sys.stdout.write("\n")
    _write("method", "attack", "ASR", "added to the plain prompt", "CONS", "a search")
    for m in methods:
        for a in attacks:
            under, base = attacked.of(m, a, "name"), attacked.of(m, "none", "name")
            added = "–" if a == "none" else changed(base, under)
            told = "–" if a == "none" else attacked.searches(m, a)
            cons = f"{attacked.cons(m, a, 'name'):.2f}"
            sys.stdout.write(line(f"`{m}`", f"`{a}`", detected(under), added, cons, told))
    return 0


def _run(
    given: argparse.Namespace,
    character: Character,
    folder: str,
    specs: tuple[str, ...],
    prompts: tuple[str, ...],
    beside: Sequence[str] = (),
    attacks: Sequence[str] = (),
) -> RunData:
    return copycat.run(
        MODEL,
        mitigations=specs,
        attacks=attacks,
        prompts=prompts,
        seeds=given.seeds,
        characters=(character.slug, *beside),
        cache=True,
        out=given.out / character.slug / folder,
    ).data


def _write(*heads: str) -> None:
    sys.stdout.write(line(*heads) + line(*["---"] * len(heads)))


if __name__ == "__main__":
    sys.exit(main())
