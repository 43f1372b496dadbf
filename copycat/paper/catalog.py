"""Which tables and figures there are: each a file of data, and for each kind of file one reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Discriminator, RootModel, Tag

from copycat.cards.catalog import Catalog
from copycat.errors import UserError
from copycat.io.paths import DATA
from copycat.io.yaml_file import read_yaml
from copycat.paper import curves, detectors, people, seconds, t_tests, write
from copycat.paper.base import Document, Sources
from copycat.paper.laid import Laid, files
from copycat.paper.published import Figure, PaperTable

Files = dict[str, bytes]
"""A document's files by their endings."""


def _laid(read: Callable[[Any, Sources], Laid]) -> Callable[[Any, Sources], Files]:
    return lambda document, sources: files(document, read(document, sources))


READERS: Mapping[type[Document], Callable[[Any, Sources], Files]] = {
    PaperTable: write.files,
    Figure: curves.files,
    t_tests.TTests: _laid(t_tests.read),
    seconds.Seconds: _laid(seconds.read),
    people.Judges: _laid(people.read_judges),
    people.Raters: _laid(people.read_raters),
    detectors.Detectors: _laid(detectors.read),
}
"""What makes the files of each kind."""


def _kind(raw: Any) -> str:
    """`kind` in the file; one without it has rows of DETECT and CONS, or curves of them."""
    given = raw if isinstance(raw, dict) else {}
    return str(given.get("kind", "curves" if "series" in given else "cells"))


class _File(RootModel[Document]):
    root: Annotated[
        Annotated[PaperTable, Tag("cells")]
        | Annotated[Figure, Tag("curves")]
        | Annotated[t_tests.TTests, Tag("t-tests")]
        | Annotated[seconds.Seconds, Tag("seconds")]
        | Annotated[people.Judges, Tag("judges")]
        | Annotated[people.Raters, Tag("raters")]
        | Annotated[detectors.Detectors, Tag("detectors")],
        Discriminator(_kind),
    ]


def _read(path: Path) -> Document:
    return read_yaml(path, _File, "valid card").root


CATALOG: Catalog[Document] = Catalog(
    "published", singular="published table", folder=DATA / "published", parse=_read
)


def load(which: str) -> Document:
    """`1` and `table1` are Table 1, `fig3` is Figure 3; raises UnknownName, and UserError for
    a number that no table has."""
    known, number = CATALOG.names(), which.removeprefix("table")
    numbered = f"table{number}"
    if numbered in known:
        return CATALOG.get(numbered)
    if number.isdecimal():
        tables = sorted(int(n) for name in known if (n := name.removeprefix("table")).isdecimal())
        others = ", ".join(name for name in known if not name.startswith("table"))
        raise UserError(
            f"There is no Table {number}; there are tables {tables[0]} to {tables[-1]}, and {others}."
        )
    return CATALOG.get(which)
