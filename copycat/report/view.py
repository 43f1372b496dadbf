"""Joins a run's rows into what the page and comparisons show of each picture; no markup here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from copycat.measures import DETECT, Measure, Observation, measure, measures
from copycat.records import ImageRow, Request, Verdict
from copycat.runs.data import RunData

State = Literal["detected", "clear", "made", "unscored", "refused", "error", "pending"]
STATES: dict[State, str] = {
    "detected": "detected",
    "clear": "not detected",
    "made": "made",
    "unscored": "unscored",
    "refused": "refused",
    "error": "error",
    "pending": "not made yet",
}
"""Every state a picture can be in, with its words; `made` where nobody is asked which character it shows."""


@dataclass(frozen=True)
class Picture:
    """One planned picture, or video, with all that is known about it."""

    request: Request
    image: ImageRow | None
    """Its row; of a video that of the first frame."""
    state: State
    values: Mapping[str, Observation]
    """By measure's name. Of a video, each verdict is that of the frame that decides."""

    @property
    def video(self) -> bool:
        return bool(self.request.sampling.frames)

    @property
    def file(self) -> str | None:
        """What to show, relative to the run folder: the picture, or all frames of the video in a row."""
        return (self.image.strip or self.image.file) if self.image else None

    @property
    def words(self) -> str:
        """The state in words."""
        return STATES[self.state]

    @property
    def identified(self) -> Verdict | None:
        """What the judge said when it was asked which character it sees."""
        seen = self.values.get(DETECT.name)
        return seen.verdict if seen else None


def shown_measures(run: RunData) -> tuple[Measure, ...]:
    """The measures of `run`: those with numbers, or before there are any those that it is to have."""
    chosen = run.manifest.config.measures
    return run.measures or (measures() if chosen is None else tuple(map(measure, chosen)))


def pictures(run: RunData) -> list[Picture]:
    """Every planned picture, in the plan's order, with the verdicts of the judge that was asked last."""
    seen = {m.name: run.observations(m) for m in shown_measures(run)}
    shown = []
    for r in run.requests:
        values = {name: found[r.id] for name, found in seen.items() if r.id in found}
        image = run.images.get(r.id)
        shown.append(Picture(r, image, _state(image, values.get(DETECT.name)), values))
    return shown


def _state(image: ImageRow | None, detected: Observation | None) -> State:
    if image is None:
        return "pending"
    if image.outcome == "error":
        return "error"
    if image.outcome != "ok":
        return "refused"
    if detected is None:
        return "made"
    if detected.value is None:
        return "unscored"
    return "detected" if detected.value else "clear"
