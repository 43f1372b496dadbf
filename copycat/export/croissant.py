"""Croissant 1.1 with its properties for responsible AI: the runs' tables and their description."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from copycat.export.base import Format, Told
from copycat.publish.collect import Publication
from copycat.publish.write import write_tables
from copycat.runtime.progress import Progress


class Croissant(Format):
    """What `copycat publish` writes of the same runs, without card and pictures."""

    name = "croissant"
    about = "Parquet tables described in Croissant 1.1, with the properties for responsible AI"

    def write(
        self,
        publication: Publication,
        told: Told,  # noqa: ARG002
        folder: Path,
        progress: Progress,
    ) -> Sequence[str]:
        write_tables(publication, folder, progress=progress)
        return ()


FORMAT = Croissant()
