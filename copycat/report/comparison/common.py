"""What several runs have in common: the characters, seeds and prompt sets that all of them asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from copycat.characters import Registry
from copycat.errors import UnknownName, UserError
from copycat.metrics.summary import summarise
from copycat.records import Metric
from copycat.report.view import Picture, Run, judge_rates, pictures
from copycat.report.words import NO_ORACLE

Key = tuple[str, str, int, int, int]
"""(prompt set, character, run seed, prompt's index, picture's index): what two pictures are paired by."""

_NAMED = 8
"""Names that a sentence lists before it counts."""


@dataclass(frozen=True)
class Condition:
    """One mitigation of one run, on what all runs have in common."""

    label: str
    """The mitigation, with the run before it where there are several."""
    run: str
    mitigation: str
    model: str
    judge: str
    pictures: Mapping[Key, Picture]
    """In the plan's order."""
    metrics: Sequence[Metric]
    """As `metrics.json` has them, over these pictures alone."""
    folder: Run


@dataclass(frozen=True)
class Common:
    """All conditions on the same pictures."""

    conditions: Sequence[Condition]
    prompt_sets: Sequence[str]
    characters: Sequence[str]
    """Slugs."""
    seeds: Sequence[int]
    registry: Registry
    left_out: Sequence[str]
    """What is in some runs only and so in no number, a sentence each."""
    warnings: Sequence[str]
    """What makes the conditions differ beside their mitigations, a sentence each."""

    def characters_of(self, prompt_set: str) -> int:
        """Characters asked for with one prompt set."""
        keys = self.conditions[0].pictures
        return len({character for s, character, *_ in keys if s == prompt_set})


def common(
    runs: Sequence[Run], *, mitigations: Sequence[str] = (), prompt_sets: Sequence[str] = ()
) -> Common:
    """The conditions of `runs`, cut to what all of them planned.

    `mitigations` and `prompt_sets` choose among them; none means all. Raises UnknownName for one that no run
    has, and UserError for a run without verdicts, for one given twice, where nothing is in common, and
    where fewer than two conditions are left.
    """
    names = _names(runs)
    for run, name in zip(runs, names, strict=True):
        if not _judge(run) or not run.verdicts():
            raise UserError(f"{name} has no verdicts yet; run `copycat judge {run.path}` first.")
    planned = [_planned(run) for run in runs]
    _check("mitigation", mitigations, [m for all_ in planned for _, m in all_])
    _check("prompt set", prompt_sets, [k[0] for all_ in planned for k, _ in all_])
    if prompt_sets:
        planned = [{k: p for k, p in all_.items() if k[0][0] in prompt_sets} for all_ in planned]
    planned, left_out = _cut(planned, names)
    keys = set.intersection(*({k for k, _ in all_} for all_ in planned))
    uneven = max(len({k for k, _ in all_} - keys) for all_ in planned)
    if uneven:
        left_out.append(f"up to {uneven} pictures of a mitigation that not every run planned")
    if not keys:
        raise UserError(f"{' and '.join(names)} have no picture in common that could be compared.")
    conditions = [
        _condition(
            run, name, mitigation, {k: p for (k, m), p in all_.items() if m == mitigation and k in keys}
        )
        for run, name, all_ in zip(runs, names if len(runs) > 1 else [""], planned, strict=True)
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
        registry=runs[0].registry(),
        left_out=left_out,
        warnings=_warnings(runs, names, conditions),
    )


def _facts(run: Run) -> dict[str, Any]:
    return run.manifest().model_dump(mode="json")


def _judge(run: Run) -> str:
    return str(_facts(run).get("judge") or "")


def _names(runs: Sequence[Run]) -> list[str]:
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


_Planned = dict[tuple[Key, str], Picture]
"""By key and mitigation."""


def _planned(run: Run) -> _Planned:
    found: _Planned = {}
    for p in pictures(run):
        r = p.request
        key = (r.prompt_set, r.character, r.run_seed, r.prompt_index, r.index)
        found[key, r.mitigation] = p
    return found


_ASPECTS = ((1, "character", "characters"), (2, "seed", "seeds"), (0, "prompt set", "prompt sets"))


def _cut(planned: list[_Planned], names: Sequence[str]) -> tuple[list[_Planned], list[str]]:
    """The pictures of the characters, seeds and prompt sets that all runs have, and what was left out."""
    left_out = []
    for place, one, many in _ASPECTS:
        had = [dict.fromkeys(k[place] for k, _ in all_) for all_ in planned]
        shared = set(had[0]).intersection(*had[1:])
        if not shared:
            told = "; ".join(f"{n}: {_listed(list(h))}" for n, h in zip(names, had, strict=True))
            raise UserError(f"The runs have no {one} in common ({told}).")
        for name, mine in zip(names, had, strict=True):
            lost = [x for x in mine if x not in shared]
            if lost:
                noun = one if len(lost) == 1 else many
                left_out.append(f"{len(lost)} {noun} of {name} that not every run has: {_listed(lost)}")
        planned = [{k: p for k, p in all_.items() if k[0][place] in shared} for all_ in planned]
    return planned, left_out


def _listed(values: Sequence[object]) -> str:
    told = ", ".join(map(str, values[:_NAMED]))
    return told + (f" and {len(values) - _NAMED} more" if len(values) > _NAMED else "") or "none"


def _condition(run: Run, name: str, mitigation: str, chosen: Mapping[Key, Picture]) -> Condition:
    facts, judge = _facts(run), _judge(run)
    people = {c.slug: c for c in run.registry().characters}
    verdicts = [v for v in run.verdicts() if v.judge == judge]
    requests = [p.request for p in chosen.values()]
    return Condition(
        label=f"{name}: {mitigation}" if name else mitigation,
        run=run.path.resolve().name,
        mitigation=mitigation,
        model=str(facts.get("model") or (facts.get("config") or {}).get("model", "")),
        judge=judge,
        pictures=chosen,
        metrics=summarise(requests, run.frames(), verdicts, people, judge_rates(run.manifest())),
        folder=run,
    )


def _warnings(runs: Sequence[Run], names: Sequence[str], conditions: Sequence[Condition]) -> list[str]:
    told = []
    judges = {name: _judge(run) for name, run in zip(names, runs, strict=True)}
    if len(set(judges.values())) > 1:
        who = "; ".join(f"{name} by {judge}" for name, judge in judges.items())
        told.append(
            f"The runs were judged by different judges ({who}), so a difference may be the judges' and not "
            "the pictures'; `copycat judge RUN --judge NAME` lets one judge look at all of them."
        )
    blind = [
        n
        for n, run in zip(names, runs, strict=True)
        if (_facts(run).get("config") or {}).get("oracle") is False
    ]
    if blind and len(blind) < len(runs):
        told.append(f"{NO_ORACLE}; so {', '.join(blind)}, but not the others.")
    first, *rest = conditions
    for c in rest:
        both = [(first.pictures[k].request, p.request) for k, p in c.pictures.items() if k in first.pictures]
        prompts = sum(a.source_prompt != b.source_prompt for a, b in both)
        noise = sum(a.seed != b.seed for a, b in both)
        if prompts:
            told.append(f"{c.label}: {prompts} of {len(both)} pictures were asked for with another prompt.")
        if noise:
            told.append(f"{c.label}: {noise} of {len(both)} pictures started from other noise.")
    other = [
        slug
        for slug in {k[1] for k in first.pictures}
        for run in runs[1:]
        if run.registry()[slug].name != runs[0].registry()[slug].name
    ]
    if other:
        told.append(f"The registries mean other characters by {_listed(sorted(set(other)))}.")
    return told
