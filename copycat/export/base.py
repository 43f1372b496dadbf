"""What a format is, and what is told of an export beyond what the runs know."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from copycat.cards.catalog import Catalog
from copycat.publish.collect import Publication
from copycat.publish.remote import HubDataset
from copycat.runs.data import RunData
from copycat.runtime.progress import Progress

Relationship = Literal["first_party", "third_party", "collaborative", "other"]
"""Whether those who ran it made the model: they did, others did, both together, or that is not told."""


@dataclass(frozen=True)
class Told:
    """What runs do not know of themselves."""

    by: str = ""
    """Who ran them; empty where that is not told."""
    relationship: Relationship = "other"
    dataset: HubDataset | None = None
    """The dataset of the hub that the runs are published as; None for none."""

    def dataset_of(self, run: RunData) -> HubDataset | None:
        """The dataset of one run: the one that is told, else the one of the hub that it was pulled from."""
        origin = run.manifest.origin
        if self.dataset is None and origin and origin.how == "pulled" and origin.source.count("/") == 1:
            return HubDataset(origin.source, origin.revision)
        return self.dataset


class Format(ABC):
    """One format of results."""

    name: str
    about: str
    """What it is, in a line for those who choose one."""

    @abstractmethod
    def write(self, publication: Publication, told: Told, folder: Path, progress: Progress) -> Sequence[str]:
        """Write the runs of `publication` into the empty `folder`; returns what was left out, and why, one
        sentence each. Raises UserError for runs that cannot be told in this format."""


CATALOG: Catalog[Format] = Catalog(
    "export-formats",
    singular="export format",
    builtin={
        "eee": "copycat.export.eee:FORMAT",
        "hub-eval": "copycat.export.hub_eval:FORMAT",
        "croissant": "copycat.export.croissant:FORMAT",
    },
)
