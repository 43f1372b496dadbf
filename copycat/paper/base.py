"""What every published table and figure says of itself, and what ours is computed from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from copycat.cards.calibration import Calibration
from copycat.errors import UserError
from copycat.intent.evaluate import GateReport
from copycat.runs.data import RunData

Reads = Literal["runs", "calibrations", "filters"]
REWRITER = "rewrite"
"""The mitigation that rewritten cells are planned with, unless another is named."""


class Data(BaseModel):
    """Base of what stands in the files of `data/published/`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Place(Data):
    """Where our number comes from; `{row}` stands for one of the row's names, `{rewriter}` for any mitigation
    that rewrites the prompt."""

    prompts: str
    mitigation: str
    by: str = ""
    """Who rewrote the prompts, where the prompt set was rewritten before the run."""


class Document(Data):
    """One table or figure of a paper; see `data/published/`."""

    reads: ClassVar[Reads] = "runs"
    hint: ClassVar[str] = "any run"
    """What to run for it, where `copycat table … --needs` has no list."""

    kind: str = ""
    """Of its file, which says how it is read; see `copycat.paper.catalog`."""
    table: str = ""
    """Its number; of a figure there is `figure` in its place."""
    figure: str = ""
    title: str
    source: str
    measured: str = ""
    """On what, over how many runs, and by which judge the published numbers were measured."""
    notes: tuple[str, ...] = ()
    """What is doubtful about the published numbers, and what ours are."""

    @model_validator(mode="after")
    def _numbered(self) -> Self:
        if bool(self.table) == bool(self.figure):
            raise ValueError("give its number, as table or as figure")
        return self

    @property
    def called(self) -> str:
        """`Table 1`, `Figure 3`."""
        return f"Table {self.table}" if self.table else f"Figure {self.figure}"

    @property
    def stem(self) -> str:
        """Name of its files, without the ending: `table1`, `fig3`."""
        return f"table{self.table}" if self.table else f"fig{self.figure}"

    def published(self) -> str:
        """Where the published numbers are from, in one sentence."""
        return f"Published: {self.source}{f'; {self.measured}' if self.measured else ''}."

    def choices(self) -> list[list[Place]]:
        """For each of our cells where it may come from, the preferred place first; empty where a table is
        about other things than prompts and mitigations."""
        return []

    def needed(self, usable: Callable[[Place], bool], rewriter: str = REWRITER) -> list[Place]:
        """What fills it: for each cell, once, the first of its places that is `usable`.

        Raises UserError for one that is filled otherwise.
        """
        if not self.choices():
            raise UserError(f"{self.called} is no list of prompts and mitigations; it reads {self.hint}.")
        ordered = (preferred(places, rewriter) for places in self.choices())
        found = (next(filter(usable, (rewritten(p, rewriter) for p in places)), None) for places in ordered)
        return list(dict.fromkeys(p for p in found if p))


def rewritten(place: Place, rewriter: str) -> Place:
    """`place` with the mitigation `rewriter` in its `{rewriter}`."""
    return place.model_copy(update={"mitigation": place.mitigation.replace("{rewriter}", rewriter)})


def preferred(places: Sequence[Place], rewriter: str) -> list[Place]:
    """`places` with those of the prompt set `rewriter` first, where it is one."""
    return sorted(places, key=lambda p: p.prompts != rewriter)


@dataclass(frozen=True)
class Filter:
    """What `copycat gate` measured, and the file that says so."""

    path: Path
    report: GateReport


@dataclass(frozen=True)
class Measured:
    """A calibration, and the file that says so."""

    path: Path
    calibration: Calibration


@dataclass(frozen=True)
class Sources:
    """What a table is filled from."""

    runs: Sequence[RunData] = ()
    calibrations: Sequence[Measured] = ()
    filters: Sequence[Filter] = ()
    rewriter: str = REWRITER
    """The mitigation, or the prompt set, whose rewritten prompts are shown first."""
