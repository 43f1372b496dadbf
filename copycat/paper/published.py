"""Published tables: their numbers with their source, and which of our cells stand beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from copycat.cards.catalog import Catalog
from copycat.io.paths import DATA
from copycat.io.yaml_file import read_yaml
from copycat.measures import CONS, DETECT, Measure


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Published(_Data):
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


class Place(_Data):
    """Where our number comes from; `{row}` stands for one of the row's names."""

    prompts: str
    mitigation: str


class Column(_Data):
    """One condition: DETECT and CONS of each row under it."""

    label: str
    at: tuple[Place, ...] = Field(min_length=1)
    """The first of these that a run holds is shown."""


class Line(_Data):
    """One row of the table."""

    label: str
    names: tuple[str, ...] = ()
    """What `{row}` stands for: mitigations or prompt sets; the first that a run holds is shown."""
    models: tuple[str, ...] = ()
    """Where rows are models: the cards that this one is."""
    published: tuple[Published, ...] = ()
    """One for each column; none for a row that the paper does not have."""


class PaperTable(_Data):
    """One table of a paper; see `data/published/`."""

    table: str
    title: str
    source: str
    measured: str
    """On what, over how many runs, and by which judge the published numbers were measured."""
    of: int
    """Characters in the published DETECT."""
    stub: str
    """What the rows are."""
    notes: tuple[str, ...] = ()
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

    def needed(self, usable: Callable[[Place], bool]) -> list[Place]:
        """What fills the table: for each cell, once, the first of its places that is `usable`."""
        choices = [
            next(filter(usable, places_of(row, column)), None) for column in self.columns for row in self.rows
        ]
        return list(dict.fromkeys(p for p in choices if p))


def places_of(row: Line, column: Column) -> list[Place]:
    """Where the cell of `row` and `column` may be found, the preferred one first."""
    names = row.names or ("",)
    return [
        Place(prompts=p.prompts.replace("{row}", n), mitigation=p.mitigation.replace("{row}", n))
        for p in column.at
        for n in names
    ]


class Series(_Data):
    """One curve of a figure: the prompt sets `PREFIXn`."""

    prefix: str
    label: str


class Level(_Data):
    """A prompt set without a size: a horizontal line."""

    prompts: str
    label: str


class Figure(_Data):
    """One figure that shows DETECT against the number of words; see `data/published/`."""

    figure: str
    title: str
    source: str
    notes: tuple[str, ...] = ()
    """What the paper says of it in words; a plot's values are not read off."""
    series: tuple[Series, ...] = Field(min_length=1)
    levels: tuple[Level, ...] = ()


def _read(path: Path) -> PaperTable | Figure:
    kind: type[Figure | PaperTable] = Figure if path.stem.startswith("fig") else PaperTable
    return read_yaml(path, kind, "valid card")


CATALOG: Catalog[PaperTable | Figure] = Catalog(
    "published", singular="published table", folder=DATA / "published", parse=_read
)


def load(which: str) -> PaperTable | Figure:
    """`1` and `table1` are Table 1, `fig3` is Figure 3; raises UnknownName."""
    numbered = f"table{which}"
    return CATALOG.get(numbered if numbered in CATALOG.names() else which)
