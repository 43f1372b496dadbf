"""What output filters did, and what they cost beyond drawing each picture once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from copycat.measures import DETECT
from copycat.records import ImageRow, Review
from copycat.report.markdown import grid
from copycat.report.words import DASH, number
from copycat.runs.data import RunData


@dataclass(frozen=True)
class Cost:
    """One mitigation with an output filter, on one prompt set; sums over its pictures."""

    mitigation: str
    prompt_set: str
    reviewed: int
    """Pictures that a judge looked at."""
    caught: int
    """Of those, how many showed a character at first."""
    withheld: int
    """Of those, how many were never replaced by another."""
    unanswered: int
    """Of those, how many a judge did not answer about at least once; they were kept."""
    extra_pictures: int
    answers: int
    extra_seconds: float
    drawing_seconds: float
    """Of the first pictures, for comparison."""
    extra_cost_usd: float | None
    judges: tuple[str, ...]
    circular: bool
    """Whether the judge that scores the run is one of them, and so is asked about its own choice."""


def costs(run: RunData) -> list[Cost]:
    """One line for each mitigation and prompt set with a picture that an output filter looked at."""
    judge = run.manifest.judge or ""
    asked = {judge, *(voter for v in run.judged.verdicts for voter in v.voters)}
    scoring = frozenset(map(_plain, asked))
    rows: dict[tuple[str, str], list[tuple[ImageRow, Review]]] = defaultdict(list)
    for r in run.requests:
        # What was reviewed stands on the first frame.
        row = run.images.get(r.id)
        if row is not None and row.review is not None:
            rows[(r.mitigation, r.prompt_set)].append((row, row.review))
    return [_cost(mitigation, prompt_set, seen, scoring) for (mitigation, prompt_set), seen in rows.items()]


def _cost(
    mitigation: str, prompt_set: str, rows: Sequence[tuple[ImageRow, Review]], scoring: frozenset[str]
) -> Cost:
    reviews = [review for _, review in rows]
    paid = [review.extra_cost_usd for review in reviews]
    judges = tuple(dict.fromkeys(j for review in reviews for j in review.judges))
    return Cost(
        mitigation=mitigation,
        prompt_set=prompt_set,
        reviewed=len(rows),
        # The first picture was caught when it was drawn again or withheld.
        caught=sum(bool(v.extra_pictures) or row.outcome == "refused_output" for row, v in rows),
        withheld=sum(row.outcome == "refused_output" for row, _ in rows),
        unanswered=sum(None in review.seen for review in reviews),
        extra_pictures=sum(review.extra_pictures for review in reviews),
        answers=sum(review.answers for review in reviews),
        extra_seconds=sum(review.extra_seconds for review in reviews),
        drawing_seconds=sum(row.seconds for row, _ in rows),
        extra_cost_usd=None if None in paid else sum(p for p in paid if p is not None),
        judges=judges,
        circular=not scoring.isdisjoint(map(_plain, judges)),
    )


def _plain(judge: str) -> str:
    """A judge's name, whatever pictures it is shown beside: whom it sees does not depend on those."""
    return judge.partition("@")[0].partition("[")[0]


HEAD = (
    "mitigation", "prompts", "looked at", "caught", "withheld", "unanswered", "extra pictures",
    "judge answers", "extra seconds", "drawing seconds", "extra USD",
)  # fmt: skip


def cells(cost: Cost) -> tuple[str, ...]:
    """One line of a table with HEAD."""
    counts = (cost.reviewed, cost.caught, cost.withheld, cost.unanswered, cost.extra_pictures, cost.answers)
    return (
        cost.mitigation,
        cost.prompt_set,
        *map(str, counts),
        number(cost.extra_seconds, 1),
        number(cost.drawing_seconds, 1),
        DASH if cost.extra_cost_usd is None else f"{cost.extra_cost_usd:.2f}",
    )


def sentence(cost: Cost) -> str:
    """The same in words."""
    extra = f"{number(cost.extra_seconds, 1)} s more than the {number(cost.drawing_seconds, 1)} s of drawing"
    paid = "" if not cost.extra_cost_usd else f", ${cost.extra_cost_usd:.2f}"
    return (
        f"{cost.mitigation} ({cost.prompt_set}) caught {cost.caught} of {cost.reviewed} pictures and "
        f"withheld {cost.withheld}; it took {cost.extra_pictures} more pictures, {cost.answers} answers of "
        f"{' and '.join(cost.judges)}, and {extra}{paid}."
        + (f" {cost.unanswered} were kept without an answer." if cost.unanswered else "")
    )


def caution(found: Sequence[Cost]) -> str:
    """A sentence where the judge that scores is the filter's own; empty elsewhere."""
    own = list(dict.fromkeys(c.mitigation for c in found if c.circular))
    if not own:
        return ""
    return (
        f"{', '.join(own)}: the filter asks the judge that also scores, so a low {DETECT.name} is its own "
        "doing; score with another judge, or give the filter one: filter[judge=NAME]."
    )


def markdown(found: Sequence[Cost]) -> list[str]:
    """The section of `table.md`; no lines without an output filter."""
    if not found:
        return []
    table = grid(HEAD, map(cells, found))
    return ["## Output filters", "", *table, *([caution(found), ""] if caution(found) else [])]
