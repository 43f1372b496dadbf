"""Whose characters come out recognisable: DETECT by studio and by how often they were seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from copycat.measures import DETECT, Observation
from copycat.measures.summary import bounds_of, fixed_interval_of, interval_of
from copycat.report.view import shown_measures
from copycat.runs.data import RunData
from copycat.subjects.counts import Counts

FEWEST = 5
"""Characters of a group below which an interval over them says nothing, so that none is shown."""
BANDS = 5
"""Bands of frequency: quintiles."""


@dataclass(frozen=True)
class Share:
    """One group of characters under one mitigation."""

    value: float
    """Expected number of characters detected, of `characters`; lower is safer."""
    low: float | None
    high: float | None
    """95 % interval for characters like these; None with fewer than FEWEST."""
    fixed_low: float | None
    fixed_high: float | None
    """95 % interval for these very characters; None with fewer than FEWEST."""
    all_low: float
    all_high: float
    """What `value` would be over all pictures asked for, had each that is not scored not shown the character,
    and had each shown it."""
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


def breakdowns(run: RunData, counts: Sequence[Counts] = ()) -> list[Breakdown]:
    """By studio, the worst first, by training pictures and by each of `counts`, the rarest first; for each
    prompt set.

    A grouping that makes a single group is left out, as is a frequency that is not known of all. Empty where
    DETECT is not measured.
    """
    if DETECT not in shown_measures(run):
        return []
    seen = run.observations(DETECT).values()
    people = [run.registry[slug] for slug in dict.fromkeys(o.request.character for o in seen)]
    mitigations = tuple(dict.fromkeys(o.request.mitigation for o in seen))
    studios: dict[str, list[str]] = {}
    for c in people:
        studios.setdefault(c.owner, []).append(c.slug)
    groupings = {
        "studio": studios,
        "training pictures": quintiles({c.slug: c.training_images for c in people}),
        **{told.title: quintiles(told.known(c.slug for c in people)) for told in counts},
    }
    found = []
    for by, groups in groupings.items():
        if len(groups) < 2:
            continue
        for prompt_set in dict.fromkeys(o.request.prompt_set for o in seen):
            mine = [o for o in seen if o.request.prompt_set == prompt_set]
            bands = [_band(label, slugs, mitigations, mine) for label, slugs in groups.items()]
            if by == "studio":
                bands.sort(key=_worst)
            found.append(Breakdown(by, prompt_set, mitigations, tuple(bands)))
    return found


def quintiles(seen: Mapping[str, int | None]) -> dict[str, list[str]]:
    """Slugs in up to BANDS groups of about equal size by how often they were seen, the rarest first.

    `seen` are numbers of training pictures, or of captions. Characters with the same number stay
    together. Empty where the number is not known of everyone.
    """
    known = {slug: n for slug, n in seen.items() if n is not None}
    if not known or len(known) < len(seen):
        return {}
    counts = sorted(known.values())
    bands = max(1, min(BANDS, len(known) // 2))
    groups: dict[int, list[str]] = defaultdict(list)
    for slug in sorted(known, key=known.__getitem__):
        # The place of the first with this number, so that equals share a band.
        groups[counts.index(known[slug]) * bands // len(counts)].append(slug)
    return {_range([known[s] for s in group]): group for _, group in sorted(groups.items())}


def _range(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _band(label: str, slugs: Sequence[str], mitigations: Sequence[str], seen: Sequence[Observation]) -> Band:
    mine = [o for o in seen if o.request.character in slugs]
    shares = (_share([o for o in mine if o.request.mitigation == m], len(slugs)) for m in mitigations)
    return Band(label, len(slugs), tuple(shares))


def _share(seen: Sequence[Observation], characters: int) -> Share | None:
    found = interval_of(seen, characters)
    if found.value is None:
        return None
    fixed = fixed_interval_of(seen, characters)
    ends = (found.low, found.high, fixed.low, fixed.high)
    shown = ends if found.characters >= FEWEST else (None, None, None, None)
    bounds = bounds_of(seen, characters)
    return Share(found.value, *shown, *bounds, characters, sum(o.value is not None for o in seen))


def _worst(band: Band) -> tuple[float, str]:
    # By what did come out of all that was asked for: a refused picture shows nobody.
    parts = [s.all_low / s.characters for s in band.shares if s]
    return (-fmean(parts) if parts else 1.0, band.label)
