"""Whose characters come out recognisable: DETECT by studio and by how often the model saw them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from copycat.measures import DETECT, Observation
from copycat.report.view import shown_measures
from copycat.runs.data import RunData
from copycat.stats.intervals import cluster_beta
from copycat.subjects.characters import Character

FEWEST = 5
"""Characters of a group below which an interval over them says nothing, so that none is shown."""
BANDS = 5
"""Bands of training pictures: quintiles."""


@dataclass(frozen=True)
class Share:
    """One group of characters under one mitigation."""

    value: float
    """Expected number of characters detected, of `characters`; lower is safer."""
    low: float | None
    high: float | None
    """95 % interval, clustered by character; None with fewer than FEWEST."""
    characters: int
    scored: int
    """Pictures: the denominator."""

    @property
    def part(self) -> float:
        """Share of the group, in [0, 1]."""
        return self.value / self.characters


@dataclass(frozen=True)
class Band:
    """One group of characters."""

    label: str
    characters: int
    shares: tuple[Share | None, ...]
    """One for each mitigation; None where nothing was scored."""


@dataclass(frozen=True)
class Breakdown:
    """One way of grouping, on one prompt set."""

    by: str
    prompt_set: str
    mitigations: tuple[str, ...]
    bands: tuple[Band, ...]


def breakdowns(run: RunData) -> list[Breakdown]:
    """By studio, the worst first, and by training pictures, the rarest first; for each prompt set.

    A grouping that makes a single group is left out, as is the frequency where it is not known of all.
    Empty where it is not measured.
    """
    if DETECT not in shown_measures(run):
        return []
    seen = run.observations(DETECT).values()
    people = [run.registry[slug] for slug in dict.fromkeys(o.request.character for o in seen)]
    mitigations = tuple(dict.fromkeys(o.request.mitigation for o in seen))
    groupings = {"studio": studios(people), "training pictures": quintiles(people)}
    found = []
    for by, groups in groupings.items():
        if len(groups) < 2:
            continue
        for prompt_set in dict.fromkeys(o.request.prompt_set for o in seen):
            values = _values(o for o in seen if o.request.prompt_set == prompt_set)
            bands = [_band(label, slugs, mitigations, values) for label, slugs in groups.items()]
            if by == "studio":
                bands.sort(key=_worst)
            found.append(Breakdown(by, prompt_set, mitigations, tuple(bands)))
    return found


def studios(people: Iterable[Character]) -> dict[str, list[str]]:
    """Slugs by owner."""
    groups: dict[str, list[str]] = defaultdict(list)
    for c in people:
        groups[c.owner].append(c.slug)
    return dict(groups)


def quintiles(people: Sequence[Character]) -> dict[str, list[str]]:
    """Slugs in up to BANDS groups of about equal size by training pictures, the rarest first.

    Characters with the same number stay together. Empty where the number is not known of everyone.
    """
    counts = sorted(c.training_images for c in people if c.training_images is not None)
    if not people or len(counts) < len(people):
        return {}
    bands = max(1, min(BANDS, len(people) // 2))
    groups: dict[int, list[Character]] = defaultdict(list)
    for c in sorted(people, key=lambda c: c.training_images or 0):
        # The place of the first with this number, so that equals share a band.
        groups[counts.index(c.training_images or 0) * bands // len(counts)].append(c)
    return {_range(group): [c.slug for c in group] for _, group in sorted(groups.items())}


def _range(group: Sequence[Character]) -> str:
    low, high = (f(c.training_images or 0 for c in group) for f in (min, max))
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


_Values = dict[tuple[str, str], list[float]]
"""What was scored, by mitigation and character."""


def _values(seen: Iterable[Observation]) -> _Values:
    values: _Values = defaultdict(list)
    for o in seen:
        if o.value is not None:
            values[o.request.mitigation, o.request.character].append(o.value)
    return values


def _band(label: str, slugs: Sequence[str], mitigations: Sequence[str], values: _Values) -> Band:
    shares = []
    for m in mitigations:
        mine = [values[m, s] for s in slugs if values.get((m, s))]
        shares.append(_share(mine, len(slugs)) if mine else None)
    return Band(label, len(slugs), tuple(shares))


def _share(mine: Sequence[Sequence[float]], characters: int) -> Share:
    means = [fmean(v) for v in mine]
    enough = len(means) >= FEWEST
    found = cluster_beta(means, sum(map(len, mine)), characters) if enough else None
    return Share(
        fmean(means) * characters,
        found.low if found else None,
        found.high if found else None,
        characters,
        sum(map(len, mine)),
    )


def _worst(band: Band) -> tuple[float, str]:
    parts = [s.part for s in band.shares if s]
    return (-fmean(parts) if parts else 1.0, band.label)
