"""The numbers of a study, from the rows of its two runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from copycat.attacks.parse import NO_ATTACK
from copycat.measures import CONS, DETECT, Measure, Observation
from copycat.measures.summary import fixed_interval_of, interval_of, paired_values
from copycat.report.attacks import Attacking, attacks
from copycat.report.price import Price, headline, prices
from copycat.robustness.people import Neighbour
from copycat.robustness.study import UNGUARDED, Kind, Study, kind
from copycat.runs.data import RunData
from copycat.stats.intervals import Interval
from copycat.stats.paired import Adjusted, Paired, adjust, compare


@dataclass(frozen=True)
class Share:
    """A mean over characters, in [0, 1], with its 95 % intervals."""

    these: Interval
    """With the interval for these very characters."""
    alike: Interval
    """The same number, with the interval for characters like these."""
    pictures: int
    """With an answer: the denominator."""
    asked: int
    """All that were planned."""

    @property
    def value(self) -> float | None:
        return self.alike.value


@dataclass(frozen=True)
class Test:
    """A paired difference of yes-or-no verdicts, in shares."""

    found: Paired
    adjusted: Adjusted | None = None
    """Of the family of all tests of the study; None with one character."""


@dataclass(frozen=True)
class Cell:
    """One guardrail under one attack, with one prompt set."""

    guard: str
    attack: str
    """"none" for the plain prompt."""
    prompt_set: str
    detect: Share | None
    """ASR, or pre-ASR under no attack; None where no picture has an answer."""
    cons: Share | None
    took: Attacking | None
    """What the attack's searches took; None without an attack."""
    attacked: Test | None = None
    """The attack, against the plain prompt on the same guardrail."""
    guarded: Test | None = None
    """The guardrail, against the unguarded model under the same attack."""


@dataclass(frozen=True)
class SideEffect:
    """One erasure on characters that it is to leave alone."""

    guard: str
    who: str
    """"neighbours" or "unrelated"."""
    prompt_set: str
    detect: Share | None
    cons: Share | None
    lost: Test | None = None
    """DETECT against the unguarded model; None for that itself."""


@dataclass(frozen=True)
class Guard:
    """A row of the table: one guardrail, with one prompt set."""

    spec: str
    kind: Kind
    prompt_set: str
    seconds: float | None
    """To erase all characters at once; None for what erases nothing, or did so elsewhere."""
    cells: Mapping[str, Cell]
    """By attack, with "none" first."""
    sides: Mapping[str, SideEffect]
    """By whom; empty for a guardrail that is told who is meant."""
    price: Price | None
    """On neutral prompts."""

    @property
    def plain(self) -> Cell:
        """Under no attack."""
        return self.cells[NO_ATTACK]

    @property
    def worst(self) -> float | None:
        """The largest ASR; None where there is none."""
        known = [c.detect.value for c in self.cells.values() if c.detect and c.detect.value is not None]
        return max(known, default=None)


@dataclass(frozen=True)
class Table:
    """All of it."""

    attacks: tuple[str, ...]
    """With "none" first."""
    guards: tuple[Guard, ...]
    """In the order of the plan, for each prompt set."""

    @property
    def tests(self) -> int:
        """How many paired tests are corrected together."""
        return sum(t is not None and t.adjusted is not None for g in self.guards for t in _tests(g))

    @property
    def unguarded(self) -> tuple[Share, ...]:
        """How many of the guarded characters' pictures show them without any guardrail or attack, for each
        prompt set with an answer. Where that is low, there is little to guard."""
        return tuple(g.plain.detect for g in self.guards if g.spec == UNGUARDED and g.plain.detect)


def table(study: Study, attacked: RunData, others: RunData) -> Table:
    """The whole table, as far as both runs came."""
    took = {(a.guard, a.attack, a.prompt_set): a for a in attacks(attacked)}
    specs, seconds, priced = study.specs, study.seconds(), prices(attacked)
    kinds = {s: kind(study.attacked.mitigations[s]) for s in specs}
    order = tuple(dict.fromkeys((NO_ATTACK, *study.attacks)))
    guards = []
    for prompts in dict.fromkeys(p for _, p in attacked.groups):
        for spec in specs:
            cells = {a: _cell(attacked, spec, a, prompts, took) for a in order}
            guards.append(
                Guard(
                    spec=spec,
                    kind=kinds[spec],
                    prompt_set=prompts,
                    seconds=seconds.get(spec),
                    cells=cells,
                    sides=_sides(study, others, spec, prompts),
                    price=headline(priced, spec),
                )
            )
    return Table(order, _corrected(guards))


def named(cell: str, attack: str) -> str:
    """The specification of a guardrail under an attack."""
    return cell if attack == NO_ATTACK else f"{cell}@{attack}"


def _cell(
    run: RunData, guard: str, attack: str, prompts: str, took: Mapping[tuple[str, str, str], Attacking]
) -> Cell:
    spec = named(guard, attack)
    # The attack against the plain prompt, and the guardrail against none under the same attack.
    against = None if attack == NO_ATTACK else _test(run, prompts, spec, guard)
    unguarded = None if guard == UNGUARDED else _test(run, prompts, spec, named(UNGUARDED, attack))
    return Cell(
        guard=guard,
        attack=attack,
        prompt_set=prompts,
        detect=_share(run, DETECT, spec, prompts),
        cons=_share(run, CONS, spec, prompts),
        took=took.get((guard, attack, prompts)),
        attacked=against,
        guarded=unguarded,
    )


def _sides(study: Study, run: RunData, spec: str, prompts: str) -> dict[str, SideEffect]:
    mine = study.erasers.get(spec, UNGUARDED if spec == UNGUARDED else None)
    if mine is None:
        return {}
    groups = {"neighbours": study.people.neighbours, "unrelated": study.people.unrelated}
    return {
        who: SideEffect(
            guard=spec,
            who=who,
            prompt_set=prompts,
            detect=_share(run, DETECT, mine, prompts, people),
            cons=_share(run, CONS, mine, prompts, people),
            lost=None if spec == UNGUARDED else _test(run, prompts, mine, UNGUARDED, people),
        )
        for who, people in groups.items()
    }


def _seen(run: RunData, measure: Measure, people: Sequence[Neighbour] | None) -> Iterable[Observation]:
    slugs = None if people is None else {n.character.slug for n in people}
    found = run.observations(measure).values()
    return found if slugs is None else (o for o in found if o.request.character in slugs)


def _share(
    run: RunData, measure: Measure, spec: str, prompts: str, people: Sequence[Neighbour] | None = None
) -> Share | None:
    mine = [
        o
        for o in _seen(run, measure, people)
        if (o.request.mitigation, o.request.prompt_set) == (spec, prompts)
    ]
    scored = sum(o.value is not None for o in mine)
    return Share(fixed_interval_of(mine), interval_of(mine), scored, len(mine)) if scored else None


def _test(
    run: RunData, prompts: str, spec: str, base: str, people: Sequence[Neighbour] | None = None
) -> Test | None:
    pairs = paired_values(_seen(run, DETECT, people), prompts, spec, base)
    return Test(compare(pairs, binary=True)) if pairs else None


def _tests(guard: Guard) -> list[Test | None]:
    return [
        *(t for c in guard.cells.values() for t in (c.attacked, c.guarded)),
        *(s.lost for s in guard.sides.values()),
    ]


def _corrected(guards: Sequence[Guard]) -> tuple[Guard, ...]:
    """The same, with the p values of all tests as one family."""
    every = [t for g in guards for t in _tests(g) if t is not None]
    found = iter(adjust([t.found.p for t in every], [t.found.steps for t in every]))

    def mended(test: Test | None) -> Test | None:
        return None if test is None else replace(test, adjusted=next(found))

    return tuple(
        replace(
            g,
            cells={
                a: replace(c, attacked=mended(c.attacked), guarded=mended(c.guarded))
                for a, c in g.cells.items()
            },
            sides={w: replace(s, lost=mended(s.lost)) for w, s in g.sides.items()},
        )
        for g in guards
    )
