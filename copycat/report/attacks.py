"""How often attacks bring characters back, and what they took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from copycat.attacks import Found
from copycat.attacks.parse import parted
from copycat.measures import DETECT
from copycat.records import Metric, Request, Step
from copycat.report.markdown import grid
from copycat.report.words import DASH, number
from copycat.runs.data import RunData


@dataclass(frozen=True)
class Attacking:
    """One attack on one guardrail with one prompt set; means are over its searches."""

    guard: str
    attack: str
    prompt_set: str
    pictures: int
    before: Metric | None
    """DETECT of the guardrail without the attack (pre-ASR); None where the run does not have it."""
    under: Metric | None
    """DETECT under the attack (ASR): those that the plain prompt shows too are among its successes."""
    searches: int
    """Pictures that were searched for; 0 for an attack that does not search."""
    plain: int
    """Of them, how many the judge of the search saw the character in without any attack."""
    succeeded: int
    """Of them, how many the judge of the search saw the character in in the end."""
    queries: float | None
    """Pictures of the guarded model that a search had judged."""
    steps: float | None
    seconds: float | None
    unanswered: int
    """Queries of all searches that there was no answer to."""


def attacks(run: RunData) -> list[Attacking]:
    """One line for each attack, guardrail and prompt set of a run, in the plan's order."""
    groups: dict[tuple[str, str], list[Request]] = defaultdict(list)
    if all(parted(spec) is None for spec, _ in run.groups):
        return []
    for request in run.requests:
        if parted(request.mitigation) is not None:
            groups[request.mitigation, request.prompt_set].append(request)
    return [_attacking(run, spec, prompts, mine) for (spec, prompts), mine in groups.items()]


def _attacking(run: RunData, spec: str, prompt_set: str, requests: Sequence[Request]) -> Attacking:
    guard, attack = parted(spec) or (spec, "")
    steps = [s for r in requests for s in r.provenance if _is_search(s, attack)]
    found = [Found.model_validate(s.result) for s in steps]
    took = [s.seconds for s in steps if s.seconds is not None]
    return Attacking(
        guard=guard,
        attack=attack,
        prompt_set=prompt_set,
        pictures=len(requests),
        before=run.metric(DETECT, guard, prompt_set),
        under=run.metric(DETECT, spec, prompt_set),
        searches=len(found),
        plain=sum(f.success and f.clean for f in found),
        succeeded=sum(f.success for f in found),
        queries=fmean(f.queries for f in found) if found else None,
        steps=fmean(f.steps for f in found) if found else None,
        seconds=fmean(took) if took else None,
        unanswered=sum(f.unanswered for f in found),
    )


def _is_search(step: Step, attack: str) -> bool:
    name = attack.partition("[")[0].strip()
    return step.name == name and step.result is not None and "queries" in step.result


def share(m: Metric | None) -> str:
    """DETECT as a share of all characters, with its 95 % intervals for these characters and for characters
    like these."""
    if m is None or m.value is None:
        return DASH

    def percent(value: float | None) -> str:
        return DASH if value is None else number(100 * value / m.characters, 0)

    these, alike = (m.fixed_low, m.fixed_high), (m.low, m.high)
    told = [f"{percent(low)} to {percent(high)}" for low, high in (these, alike)]
    return f"{percent(m.value)}% ({', '.join(told)})"


HEAD = (
    "guardrail", "attack", "prompts", "pre-ASR (95 %: these, like these)", "ASR (95 %: these, like these)",
    "succeeded / searches", "queries", "steps", "seconds",
)  # fmt: skip


def cells(found: Attacking) -> tuple[str, ...]:
    """One line of a table with HEAD."""
    return (
        found.guard,
        found.attack,
        found.prompt_set,
        share(found.before),
        share(found.under),
        f"{found.succeeded} / {found.searches}" if found.searches else DASH,
        number(found.queries, 1),
        number(found.steps, 0),
        number(found.seconds, 1),
    )


def sentence(found: Attacking) -> str:
    """The same in words."""
    told = (
        f"{found.attack} on {found.guard} ({found.prompt_set}): ASR {share(found.under)}, without the attack "
        f"{share(found.before)}"
    )
    if not found.searches:
        return f"{told}."
    unanswered = f" {found.unanswered} queries had no answer." if found.unanswered else ""
    return (
        f"{told}; {found.succeeded} of {found.searches} searches succeeded, {found.plain} of them with the "
        f"plain prompt, by {number(found.queries, 1)} queries, {number(found.steps, 0)} steps and "
        f"{number(found.seconds, 1)} s each.{unanswered}"
    )


ABOUT = (
    "ASR is the share of pictures in which the run's judge sees the character under the attack, pre-ASR that "
    "without it (lower is safer), with 95 % intervals for these characters and then for characters like "
    "these; a search that the plain prompt ends at once is a success too. Queries "
    "(pictures of the guarded model that were drawn and judged), steps of optimisation and seconds are means "
    "over searches."
)


def markdown(found: Sequence[Attacking]) -> list[str]:
    """The section of `table.md`; no lines without an attack."""
    if not found:
        return []
    return ["## Attacks", "", *grid(HEAD, map(cells, found)), ABOUT, ""]
