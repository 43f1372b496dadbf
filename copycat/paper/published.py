"""Published DETECT and CONS: numbers with their source, and which of our cells stand beside them."""

from __future__ import annotations

from pydantic import Field, model_validator

from copycat.measures import CONS, DETECT, Measure
from copycat.paper.base import Data, Document, Place


class Published(Data):
    """One published cell."""

    detect: float | None = None
    """Characters, of the table's `of`; lower is safer."""
    detect_sd: float | None = None
    cons: float | None = None
    """In [0, 1]; higher is better."""
    cons_sd: float | None = None
    note: str = ""
    """What is doubtful about it."""

    def number(self, measure: Measure) -> tuple[float | None, float | None]:
        """What was published of `measure`, and its SD; None where nothing was."""
        known = {DETECT.name: (self.detect, self.detect_sd), CONS.name: (self.cons, self.cons_sd)}
        return known[measure.name]


class Column(Data):
    """One condition: DETECT and CONS of each row under it."""

    label: str
    at: tuple[Place, ...] = Field(min_length=1)
    """The first of these that a run holds is shown."""


class Line(Data):
    """One row of the table."""

    label: str
    names: tuple[str, ...] = ()
    """What `{row}` stands for: mitigations or prompt sets; the first that a run holds is shown."""
    models: tuple[str, ...] = ()
    """Where rows are models: the cards that this one is."""
    published: tuple[Published, ...] = ()
    """One for each column; none for a row that the paper does not have."""


class PaperTable(Document):
    """DETECT and CONS of rows under conditions."""

    hint = "runs of the prompt sets and mitigations in it"
    measured: str
    of: int
    """Characters in the published DETECT."""
    stub: str
    """What the rows are."""
    columns: tuple[Column, ...] = Field(min_length=1)
    rows: tuple[Line, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _aligned(self) -> PaperTable:
        for row in self.rows:
            if row.published and len(row.published) != len(self.columns):
                raise ValueError(
                    f"the row '{row.label}' has {len(row.published)} cells, not {len(self.columns)}"
                )
        if len({bool(row.models) for row in self.rows}) > 1:
            raise ValueError("either all rows are models or none is")
        return self

    @property
    def by_model(self) -> bool:
        """Whether rows are models; else there is one table for each model."""
        return bool(self.rows[0].models)

    def choices(self) -> list[list[Place]]:
        return [places_of(row, column) for column in self.columns for row in self.rows]


def places_of(row: Line, column: Column) -> list[Place]:
    """Where the cell of `row` and `column` may be found, the preferred one first."""
    names = row.names or ("",)
    return [
        p.model_copy(
            update={
                "prompts": p.prompts.replace("{row}", n),
                "mitigation": p.mitigation.replace("{row}", n),
            }
        )
        for p in column.at
        for n in names
    ]


class Series(Data):
    """One curve of a figure: the prompt sets `PREFIXn`."""

    prefix: str
    label: str


class Level(Data):
    """A prompt set without a size: a horizontal line."""

    prompts: str
    label: str


class Figure(Document):
    """DETECT against the number of words in the prompt. Of a plot no values are read off; what the paper says
    of it in words is in the notes."""

    hint = "mined prompt sets; `make fig3` mines and runs them"
    series: tuple[Series, ...] = Field(min_length=1)
    levels: tuple[Level, ...] = ()
