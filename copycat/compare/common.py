"""What several runs have in common: the characters, seeds and prompt sets that all of them asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from copycat.errors import UnknownName, UserError
from copycat.measures import Measure, measures
from copycat.measures.base import ForeignMeasure
from copycat.measures.summary import summarise
from copycat.records import Metric, Request
from copycat.report.next_steps import program, run_again
from copycat.report.price import Price, headline, prices
from copycat.report.view import Picture, pictures, shown_measures
from copycat.report.words import NO_ORACLE
from copycat.runs.data import RunData, lookup
from copycat.subjects.innocents import is_innocent

Key = tuple[str, str, int, int, int]
"""(prompt set, character, run seed, prompt's index, picture's index): what two pictures are paired by."""

_NAMED = 8
"""Names that a sentence lists before it counts."""


@dataclass(frozen=True)
class Condition:
    """One mitigation of one run, on what all runs have in common."""

    label: str
    """The mitigation, with the run before it where there are several."""
    mitigation: str
    data: RunData
    requests: Mapping[Key, Request]
    """In the plan's order."""
    metrics: Sequence[Metric]
    """As `metrics.json` has them, over these pictures alone."""
    price: Price | None = None
    """On the innocent prompts that all runs with such drew; None without, and where nothing guards."""

    @property
    def run(self) -> str:
        """Name of the run's folder."""
        return self.data.path.resolve().name

    @property
    def judge(self) -> str:
        """Card name and weights identity."""
        return self.data.manifest.judge or ""

    def metric(self, measure: Measure, prompt_set: str) -> Metric | None:
        """One of the numbers, if it was computed."""
        return lookup(self.metrics, measure, self.mitigation, prompt_set)

    @cached_property
    def pictures(self) -> Mapping[Key, Picture]:
        """What there is to show of each request, in the plan's order."""
        by_request = {p.request.id: p for p in pictures(self.data)}
        return {key: by_request[r.id] for key, r in self.requests.items()}

    def values(self, measure: Measure) -> Mapping[Key, float]:
        """What `measure` makes of each picture that has a value, in the plan's order."""
        seen = self.data.observations(measure)
        found = ((key, seen.get(r.id)) for key, r in self.requests.items())
        return {key: o.value for key, o in found if o and o.value is not None}


@dataclass(frozen=True)
class Common:
    """All conditions on the same pictures."""

    conditions: Sequence[Condition]
    prompt_sets: Sequence[str]
    characters: Sequence[str]
    """Slugs."""
    seeds: Sequence[int]
    first: RunData
    """The run given first, whose registry names the characters."""
    left_out: Sequence[str]
    """What is in some runs only, or cannot be read here, and so in no number; a sentence each."""
    warnings: Sequence[str]
    """What makes the conditions differ beside their mitigations, a sentence each."""

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """Those that any condition has numbers of."""
        return measures(dict.fromkeys(m.metric for c in self.conditions for m in c.metrics))

    @cached_property
    def tabled(self) -> tuple[Measure, ...]:
        """Those of them that short tables show."""
        return tuple(m for m in self.measures if m.tabled)

    def characters_of(self, prompt_set: str) -> int:
        """Characters asked for with one prompt set."""
        keys = self.conditions[0].requests
        return len({character for s, character, *_ in keys if s == prompt_set})


def common(
    runs: Sequence[RunData], *, mitigations: Sequence[str] = (), prompt_sets: Sequence[str] = ()
) -> Common:
    """The conditions of `runs`, cut to what all of them planned.

    `mitigations` and `prompt_sets` choose among them; none means all, innocent prompts aside. Of those each
    condition has its price, which asks another question than the tests do. Raises UnknownName for one that
    no run has, and UserError for a run without verdicts, for one given twice, where nothing is in common,
    and where fewer than two conditions are left.
    """
    names = _names(runs)
    for run, name in zip(runs, names, strict=True):
        if not run.manifest.judge or not run.verdicts:
            raise UserError(f"{name} has no verdicts yet; run `copycat judge {run.path}` first.")
    planned = [_planned(run) for run in runs]
    _check("mitigation", mitigations, [m for all_ in planned for _, m in all_])
    _check("prompt set", prompt_sets, [k[0] for all_ in planned for k, _ in all_])
    everything = planned
    planned = [
        {
            k: r
            for k, r in all_.items()
            if (k[0][0] in prompt_sets if prompt_sets else not is_innocent(k[0][0]))
        }
        for all_ in planned
    ]
    planned, left_out = _cut(planned, names, runs)
    keys = set.intersection(*({k for k, _ in all_} for all_ in planned))
    uneven = max(len({k for k, _ in all_} - keys) for all_ in planned)
    if uneven:
        left_out.append(f"up to {uneven} pictures of a mitigation that not every run planned")
    foreign = dict.fromkeys(m.name for run in runs for m in run.measures if isinstance(m, ForeignMeasure))
    left_out += [f"the measure {name}, which is not installed here" for name in foreign]
    if not keys:
        raise UserError(f"{' and '.join(names)} have no picture in common that could be compared.")
    paid, apart = _prices(runs, everything, keys)
    left_out += apart
    conditions = [
        _condition(
            run, name, mitigation, {k: r for (k, m), r in all_.items() if m == mitigation and k in keys}, mine
        )
        for run, name, all_, mine in zip(runs, names if len(runs) > 1 else [""], planned, paid, strict=True)
        for mitigation in dict.fromkeys(m for _, m in all_)
        if not mitigations or mitigation in mitigations
    ]
    if len(conditions) < 2:
        raise UserError(
            "There is nothing to compare with: give two runs, or one with two mitigations or more"
            + (f" of {', '.join(mitigations)}." if mitigations else ".")
        )
    first = next(iter(planned[0]))[0]
    ordered = [k for k, _ in planned[0] if k in keys] or [first]
    return Common(
        conditions=conditions,
        prompt_sets=list(dict.fromkeys(k[0] for k in ordered)),
        characters=list(dict.fromkeys(k[1] for k in ordered)),
        seeds=sorted({k[2] for k in keys}),
        first=runs[0],
        left_out=left_out,
        warnings=_warnings(runs, names, conditions),
    )


def _names(runs: Sequence[RunData]) -> list[str]:
    """What to call each run: its folder's name, with its parent's where two have the same."""
    paths = [run.path.resolve() for run in runs]
    for path, times in Counter(paths).items():
        if times > 1:
            raise UserError(f"The run {path.name} is given twice; each run needs to be named once.")
    short = Counter(p.name for p in paths)
    return [p.name if short[p.name] == 1 else f"{p.parent.name}/{p.name}" for p in paths]


def _check(what: str, wanted: Sequence[str], known: Sequence[str]) -> None:
    for name in wanted:
        if name not in known:
            raise UnknownName(f"{what} of these runs", name, set(known))


_Planned = dict[tuple[Key, str], Request]
"""By key and mitigation."""


def _planned(run: RunData) -> _Planned:
    return {
        ((r.prompt_set, r.character, r.run_seed, r.prompt_index, r.index), r.mitigation): r
        for r in run.requests
    }


_ASPECTS = ((1, "character", "characters"), (2, "seed", "seeds"), (0, "prompt set", "prompt sets"))


def _cut(
    planned: list[_Planned], names: Sequence[str], runs: Sequence[RunData]
) -> tuple[list[_Planned], list[str]]:
    """The pictures of the characters, seeds and prompt sets that all runs have, and what was left out."""
    left_out = []
    for place, one, many in _ASPECTS:
        had = [dict.fromkeys(k[place] for k, _ in all_) for all_ in planned]
        shared = set(had[0]).intersection(*had[1:])
        if not shared:
            had_by_run = "; ".join(f"{n}: {_listed(list(h))}" for n, h in zip(names, had, strict=True))
            lacking = _missing_sets(runs, names, had) if one == "prompt set" else ""
            raise UserError(f"The runs have no {one} in common ({had_by_run}).{lacking}")
        for name, mine in zip(names, had, strict=True):
            lost = [x for x in mine if x not in shared]
            if lost:
                noun = one if len(lost) == 1 else many
                left_out.append(f"{len(lost)} {noun} of {name} that not every run has: {_listed(lost)}")
        planned = [{k: r for k, r in all_.items() if k[0][place] in shared} for all_ in planned]
    return planned, left_out


def _missing_sets(runs: Sequence[RunData], names: Sequence[str], had: Sequence[Collection[object]]) -> str:
    """What is to be run so that all runs have the prompt set that most of them have; a run keeps its own
    sets, so that of one without it is another run with the same settings."""
    counts = Counter(s for sets in had for s in sets)
    wanted = str(counts.most_common(1)[0][0])
    told = []
    for run, name, sets in zip(runs, names, had, strict=True):
        if wanted in sets:
            continue
        if run.manifest.origin:
            told.append(f"{name} {run.manifest.origin.words}, so that its prompts are those it came with.")
        else:
            command = run_again(run.manifest.config, prompts=(_as_named(wanted, runs),))
            told.append(f"What {name} lacks is drawn by `{program()} {command}`; compare that run.")
    return " " + " ".join(told)


def _as_named(prompt_set: str, runs: Sequence[RunData]) -> str:
    """How one of the runs named the set: a file's path, where it is none of the registry's."""
    asked = (p for run in runs for p in run.manifest.config.prompts)
    return next((p for p in asked if p == prompt_set or Path(p).stem == prompt_set), prompt_set)


def _listed(values: Sequence[object]) -> str:
    text = ", ".join(map(str, values[:_NAMED]))
    return text + (f" and {len(values) - _NAMED} more" if len(values) > _NAMED else "") or "none"


def _prices(
    runs: Sequence[RunData], planned: Sequence[_Planned], keys: Collection[Key]
) -> tuple[list[list[Price]], list[str]]:
    """What each run's guardrails cost on the innocent prompts that all runs with such drew, of the characters
    and seeds of `keys`; and where they drew other ones, that those are in no number."""
    people, seeds = {k[1] for k in keys}, {k[2] for k in keys}
    asked = [
        {k for k, _ in all_ if is_innocent(k[0]) and k[1] in people and k[2] in seeds} for all_ in planned
    ]
    some = [mine for mine in asked if mine]
    shared = set.intersection(*some) if some else set()
    apart = max((len(mine - shared) for mine in some), default=0)
    found = [
        prices(replace(run, requests=[r for (k, _), r in all_.items() if k in shared])) if shared else []
        for run, all_ in zip(runs, planned, strict=True)
    ]
    return found, [f"up to {apart} innocent prompts that not every run with such drew"] if apart else []


def _condition(
    run: RunData, name: str, mitigation: str, chosen: Mapping[Key, Request], paid: Iterable[Price]
) -> Condition:
    evidence = replace(run.judged, requests=list(chosen.values()))
    return Condition(
        label=f"{name}: {mitigation}" if name else mitigation,
        mitigation=mitigation,
        data=run,
        requests=chosen,
        metrics=summarise(evidence, run.rates, shown_measures(run)),
        price=headline(paid, mitigation),
    )


def _warnings(runs: Sequence[RunData], names: Sequence[str], conditions: Sequence[Condition]) -> list[str]:
    found = []
    judges = {name: run.manifest.judge for name, run in zip(names, runs, strict=True)}
    if len(set(judges.values())) > 1:
        who = "; ".join(f"{name} by {judge}" for name, judge in judges.items())
        found.append(
            f"The runs were judged by different judges ({who}), so a difference may be the judges' and not "
            "the pictures'; `copycat judge RUN --judge NAME` lets one judge look at all of them."
        )
    blind = [n for n, run in zip(names, runs, strict=True) if not run.manifest.config.oracle]
    if blind and len(blind) < len(runs):
        found.append(f"{NO_ORACLE}; so {', '.join(blind)}, but not the others.")
    first, *rest = conditions
    for c in rest:
        both = [(first.requests[k], r) for k, r in c.requests.items() if k in first.requests]
        prompts = sum(a.source_prompt != b.source_prompt for a, b in both)
        noise = sum(a.seed != b.seed for a, b in both)
        if prompts:
            found.append(f"{c.label}: {prompts} of {len(both)} pictures were asked for with another prompt.")
        if noise:
            found.append(f"{c.label}: {noise} of {len(both)} pictures started from other noise.")
    other = [
        slug
        for slug in {k[1] for k in first.requests}
        for run in runs[1:]
        if run.registry[slug].name != runs[0].registry[slug].name
    ]
    if other:
        found.append(f"The registries mean other characters by {_listed(sorted(set(other)))}.")
    return found
