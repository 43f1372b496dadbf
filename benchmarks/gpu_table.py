"""The rows that `benchmarks.gpu` prints, and the bars beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Bar:
    """What a figure is to reach."""

    at: float
    least: bool
    """Whether the figure is to be so high, or may be at most so high."""

    def met(self, value: float) -> bool:
        return value >= self.at if self.least else value <= self.at

    def __str__(self) -> str:
        return f"{'≥' if self.least else '≤'} {self.at:g}"


BARS = {
    "sdxl stage": Bar(0.97, least=True),
    "sdxl compiled": Bar(1.10, least=True),
    "judge stage": Bar(0.40, least=False),
    "both": Bar(3.0, least=True),
    "start": Bar(15.0, least=False),
}
"""By the key of a row, for one card of the H100's class at `--size full`; all others have none."""


@dataclass(frozen=True)
class Row:
    """A figure, or why there is none."""

    key: str
    what: str
    unit: str = "×"
    value: float | None = None
    note: str = ""
    """Of a figure what it is made of, else why it was not measured."""


def verdict(row: Row, barred: bool) -> str:
    """How `row` stands to its bar, empty where it has none; `barred` says whether bars are for its size."""
    bar = BARS.get(row.key)
    if bar is None:
        return ""
    if row.value is None:
        return "not measured"
    if not barred:
        return "not for this size"
    return "met" if bar.met(row.value) else "NOT MET"


def print_table(rows: Sequence[Row], title: str, barred: bool) -> None:
    """All rows on the standard output."""
    table = Table("what", "measured", "bar", "", "how", title=title)
    for row in rows:
        told = "–" if row.value is None else f"{row.value:.3g} {row.unit}"
        table.add_row(row.what, told, str(BARS.get(row.key, "")), verdict(row, barred), row.note)
    Console(width=150, soft_wrap=False).print(table)


def as_json(rows: Sequence[Row], machine: dict[str, Any], barred: bool) -> dict[str, Any]:
    """The same, with the machine that it was measured on."""
    return {**machine, "rows": [{**asdict(row), "verdict": verdict(row, barred)} for row in rows]}
