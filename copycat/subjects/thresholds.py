"""Imitation thresholds that papers print: from how many training pictures on a model imitates a concept."""

from __future__ import annotations

from functools import partial

from pydantic import Field, model_validator

from copycat.cards.catalog import Catalog
from copycat.io.paths import DATA
from copycat.io.yaml_file import read_yaml
from copycat.records import Row


class Threshold(Row):
    """What was found of one kind of concept on one model."""

    corpus: str
    model: str
    domain: str
    """Which concepts, e.g. celebrities."""
    change_points: tuple[int, ...] = Field(min_length=1)
    """Counts at which imitation rises, the threshold first, in rising order."""

    @model_validator(mode="after")
    def _rising(self) -> Threshold:
        if list(self.change_points) != sorted(set(self.change_points)) or self.change_points[0] < 1:
            raise ValueError(f"change_points of {self.model}, {self.domain} do not rise")
        return self


class Thresholds(Row):
    """What one paper prints."""

    source: str
    unit: str
    """What is counted."""
    rule: str
    """How change points were found."""
    rows: tuple[Threshold, ...]


CATALOG: Catalog[Thresholds] = Catalog(
    "thresholds",
    singular="list of thresholds",
    folder=DATA / "thresholds",
    parse=partial(read_yaml, kind=Thresholds, what="list of thresholds"),
)
