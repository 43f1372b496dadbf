"""What a run's folder says of the imitation threshold: written by `copycat threshold`, shown by the
report."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from copycat.errors import BadFile, first_fault
from copycat.records import Row

FILE = "threshold.json"
"""Its name in a run's folder."""
FILES = (FILE, *(f"threshold.{form}" for form in ("md", "csv", "svg", "png")))
"""All that `copycat threshold` writes."""


class Point(Row):
    """One concept of the plot."""

    concept: str
    count: float
    """Effective count, of the record's unit."""
    score: float
    spread: float | None
    """Standard deviation over prompts; None for one prompt."""
    pictures: int
    """That have a score."""
    detected: float | None = None
    """Share of them in which the run's judge recognises the character, in [0, 1]; None where none was
    judged."""
    group: str = ""
    """Concepts of one group were drawn together by the bootstrap."""
    notes: tuple[str, ...] = ()
    """What is to be known of its numbers."""


class Level(Row):
    """Consecutive concepts with one level of scores."""

    first: int
    """Index of the first concept among the points."""
    concepts: int
    mean: float
    least: float
    """Smallest and greatest count."""
    most: float


class Bounds(Row):
    """A 95 % interval of a bootstrap."""

    low: float
    high: float
    none: float
    """Share of the draws without an answer, in [0, 1]."""


class Odd(Row):
    """A concept on the wrong side of the threshold."""

    concept: str
    count: float
    score: float
    side: str
    """`above`: imitated though rare; `below`: not imitated though frequent."""
    published: bool
    """Whether the published rule names it."""
    reasons: tuple[str, ...]


class Choice(Row):
    """The answer where something had been chosen otherwise."""

    choice: str
    threshold: float | None
    concepts: int


class Curve(Row):
    """A logistic dose–response: from `low` to `high`, half-way at the count `middle`."""

    low: float
    high: float
    slope: float
    middle: float
    interval: Bounds | None


class Imitation(Row):
    """An imitation threshold, or that there is none, with all that it was estimated from."""

    threshold: float | None
    """Count of the first concept after the change; None where scores do not rise."""
    below: float | None
    """Count of the concept before it."""
    interval: Bounds | None
    rule: str
    """`tested` or `reference`, see docs/threshold.md."""
    penalty: float
    """What a change cost under that rule."""
    reference: float | None
    """What the published rule says."""
    reference_penalty: float
    step_p: float | None
    trend_p: float | None
    halfway: float | None
    """Where the isotonic fit is half-way up."""
    curve: Curve | None
    noise: float
    smallest_step: float
    """The least step that could have been found."""
    levels: tuple[Level, ...]
    points: tuple[Point, ...]
    """By rising count."""
    outliers: tuple[Odd, ...]
    sensitivity: tuple[Choice, ...]
    left_out: dict[str, str]
    """Concepts without a score or a count, with the reason."""
    source: str
    """The run or table."""
    model: str = ""
    """Identity of the model; empty for a table."""
    encoder: str = ""
    mitigation: str = ""
    prompts: tuple[str, ...] = ()
    corpus: str = ""
    """What was counted, by which rule and when, as far as the counts say."""
    counted: str = ""
    date: str = ""
    unit: str = ""
    """What counts are of, e.g. captions; empty where the counts do not say."""
    unfiltered: tuple[str, ...] = ()
    """Characters that had no training pictures where others had: their references stood in for them."""
    chosen: bool = False
    """Whether an experiment chose who has which count; else it is observational."""
    cut: float | None = None
    """Cosine above which a training picture counted as one of its concept; None where none were filtered."""
    encoder_tells_apart: bool | None = None
    """Whether the encoder finds every concept more like itself than any two like one another."""
    command: str = ""
    commit: str | None = None

    @property
    def first_after(self) -> int | None:
        """Index among the points of the first concept after the change; None without a threshold. Concepts
        before it may have the same count where the rule is `reference`."""
        if self.threshold is None:
            return None
        starts = [v.first for v in self.levels if v.first and self._changes(v.first)]
        return starts[0] if starts else None

    def _changes(self, index: int) -> bool:
        before, after = self.points[index - 1 : index + 1]
        return (before.count, after.count) == (self.below, self.threshold)


def read_imitation(folder: Path) -> Imitation | None:
    """What `copycat threshold` found of the run in `folder`; None where it has not been asked. Raises
    BadFile for a file that cannot be read."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        return Imitation.model_validate_json(path.read_bytes())
    except ValidationError as e:
        raise BadFile(f"{path} is no threshold ({first_fault(e)}); run `copycat threshold` again.") from e
    except OSError as e:
        raise BadFile(f"{path} cannot be read ({e.strerror}).") from e
