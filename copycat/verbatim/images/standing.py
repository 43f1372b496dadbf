"""On which rung each output stands: its comparisons, by thresholds, and what the run's judge says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from copycat.copies.calibration import STYLE, Thresholds
from copycat.copies.rungs import rungs
from copycat.copies.rungs.copy import Copy
from copycat.measures import DETECT
from copycat.records import ImageRow, Request
from copycat.runs.data import RunData
from copycat.runs.ladder import CHARACTER, NONE, LadderRow, Matched, levels
from copycat.verbatim.images.climb import outputs
from copycat.verbatim.images.explicit import explicitness


@dataclass(frozen=True)
class Standing:
    """One output and its highest rung."""

    request: Request
    image: ImageRow
    row: LadderRow
    rung: str
    """None of the rungs, `none`, where it is like no reference."""
    nearest: Matched | None
    """What it reaches its rung with; below the copies what is nearest by the encoder."""
    detected: bool | None
    """Whether the run's judge sees the character; None where it gave no answer."""
    explicit: str
    """One of :data:`copycat.verbatim.images.explicit.KINDS`."""

    @property
    def level(self) -> int:
        """How high the rung is."""
        return levels()[self.rung]


def standings(
    run: RunData, rows: Mapping[tuple[str, int], LadderRow], thresholds: Thresholds
) -> list[Standing]:
    """All outputs that were compared, in the plan's order.

    Of a video every frame has a row of its own; that its character is seen is said of all of it.
    """
    seen = run.observations(DETECT) if run.manifest.judge else {}
    found = []
    for output in outputs(run):
        row = rows.get((output.request.id, output.image.frame))
        if row is None or row.error is not None:
            continue
        observed = seen.get(output.request.id)
        value = None if observed is None else observed.value
        detected = None if value is None else value > 0.5
        rung, nearest = stand(row.matches, thresholds, detected)
        explicit = explicitness(output.request, run.registry)
        found.append(Standing(output.request, output.image, row, rung, nearest, detected, explicit))
    return found


def stand(
    matches: Mapping[str, Matched], thresholds: Thresholds, detected: bool | None
) -> tuple[str, Matched | None]:
    """The highest rung that is reached, and the reference that it is reached with."""
    for rung in rungs():
        cut, match = thresholds.value(rung.name), matches.get(rung.name)
        if match is not None and cut is not None and match.likeness >= cut:
            return rung.name, match
    nearest = matches.get(Copy.name)
    if detected:
        return CHARACTER, nearest
    cut = thresholds.value(STYLE)
    alike = nearest is not None and cut is not None and nearest.likeness >= cut
    return STYLE if alike else NONE, nearest
