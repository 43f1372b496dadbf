"""The numbers of the ladder: shares of outputs on each rung or higher."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from copycat.records import Request
from copycat.runs.data import RunData
from copycat.runs.ladder import NONE, Cell, Share, levels
from copycat.stats.intervals import fixed_set, population
from copycat.subjects.innocents import is_innocent
from copycat.verbatim.images.explicit import KINDS, explicitness
from copycat.verbatim.images.standing import Standing

Key = tuple[str, str]


def by_prompt_set(run: RunData, found: Sequence[Standing]) -> tuple[Cell, ...]:
    """A cell for each mitigation and prompt set, in the order of the plan."""
    cells = _cells(run, found, lambda r: r.prompt_set)
    return tuple(c.model_copy(update={"prompt_set": what}) for what, c in cells)


def by_explicitness(run: RunData, found: Sequence[Standing]) -> tuple[Cell, ...]:
    """A cell for each mitigation and kind of prompt, the most explicit first."""
    cells = _cells(run, found, lambda r: explicitness(r, run.registry))
    told = [c.model_copy(update={"explicit": what}) for what, c in cells]
    order = list(dict.fromkeys(c.mitigation for c in told))
    return tuple(sorted(told, key=lambda c: (order.index(c.mitigation), KINDS.index(c.explicit))))


def _cells(run: RunData, found: Sequence[Standing], part: Callable[[Request], str]) -> list[tuple[str, Cell]]:
    planned: dict[Key, list[Request]] = {}
    for r in run.requests:
        if not is_innocent(r.prompt_set):
            planned.setdefault((r.mitigation, part(r)), []).append(r)
    highest = _highest(found)
    return [(what, _cell(run, name, requests, highest)) for (name, what), requests in planned.items()]


def _highest(found: Iterable[Standing]) -> dict[str, int]:
    """By request the level of its picture; of a video the highest of its frames."""
    highest: dict[str, int] = {}
    for s in found:
        highest[s.request.id] = max(highest.get(s.request.id, 0), s.level)
    return highest


def _cell(run: RunData, name: str, requests: Sequence[Request], highest: dict[str, int]) -> Cell:
    compared = [r for r in requests if r.id in highest]
    rows = (run.images.get(r.id) for r in requests)
    refused = sum(row is not None and row.outcome.startswith("refused") for row in rows)
    pictures: dict[str, list[int]] = {}
    prompts: dict[str, dict[tuple[str, int], int]] = {}
    for r in compared:
        pictures.setdefault(r.character, []).append(highest[r.id])
        mine, key = prompts.setdefault(r.character, {}), (r.prompt_set, r.prompt_index)
        mine[key] = max(mine.get(key, 0), highest[r.id])
    worst = {slug: list(by.values()) for slug, by in prompts.items()}
    asked = {rung: level for rung, level in levels().items() if rung != NONE}
    return Cell(
        mitigation=name,
        planned=len(requests),
        compared=len(compared),
        refused=refused,
        missing=len(requests) - len(compared) - refused,
        above={rung: _share(pictures.values(), level) for rung, level in asked.items()},
        worst={rung: _share(worst.values(), level) for rung, level in asked.items()},
    )


def _share(of_characters: Iterable[Sequence[int]], level: int) -> Share:
    values = [[float(mine >= level) for mine in seen] for seen in of_characters]
    if not values:
        return Share(value=None, low=None, high=None, fixed_low=None, fixed_high=None)
    alike, these = population(values), fixed_set(values)
    return Share(
        value=alike.value, low=alike.low, high=alike.high, fixed_low=these.low, fixed_high=these.high
    )
