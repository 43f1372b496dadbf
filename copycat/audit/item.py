"""Items of an audit, and the catalogue of their sections.

A section is a tuple of items in a file of its own (`copycat/audit/sections/`), or an entry point of the group
`copycat.audit-sections` in another package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from copycat.audit.dataset import Dataset
from copycat.audit.results import Finding, Outcome
from copycat.cards.catalog import Catalog

Check = Callable[[Dataset], Outcome]


@dataclass(frozen=True)
class Item:
    """One thing that a data set should do."""

    name: str
    title: str
    """As a short statement that is true of a data set which does it."""
    advice: str
    """What to do where it is not."""
    check: Check

    def find(self, dataset: Dataset, section: str) -> Finding:
        """What its check says of `dataset`."""
        told = self.check(dataset)
        return Finding(
            item=self.name,
            section=section,
            title=self.title,
            advice=self.advice,
            **{name: getattr(told, name) for name in Outcome.model_fields},
        )


@dataclass(frozen=True)
class Section:
    """Items about one side of a data set."""

    name: str
    title: str
    place: int
    """Sections are shown in the order of this number."""
    items: tuple[Item, ...]


SECTIONS: Catalog[Section] = Catalog(
    "audit-sections",
    singular="section of the audit",
    builtin={
        name: f"copycat.audit.sections.{name}:SECTION"
        for name in ("metadata", "preference", "sourcing", "processing", "governance", "terms", "release")
    },
)


def sections() -> list[Section]:
    """All sections, in their order."""
    return sorted((SECTIONS.get(name) for name in SECTIONS.names()), key=lambda s: (s.place, s.name))
