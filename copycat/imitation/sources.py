"""Where the counts of a run's characters are from: a file, a name in the catalogue, or the registry."""

from __future__ import annotations

from pathlib import Path

from copycat.imitation.counts import TRAINING, Count, Counts, read_counts, registry_counts
from copycat.subjects.characters import Registry
from copycat.subjects.counts import CATALOG, cited_counts, load_counts
from copycat.subjects.counts import Counts as CountsFile


def find_counts(named: str | Path | None, registry: Registry) -> Counts:
    """The counts called `named`, by the slugs of `registry`: a name of `copycat ls counts`, or a file that
    :func:`copycat.imitation.counts.read_counts` reads.

    For None those that the registry has: its characters' `training_images`; where it says nothing of them,
    the first counts file that it cites and that has any of its characters. Raises UnknownName or BadFile.
    """
    if named is None:
        own = registry_counts(registry)
        return own if own.by_concept else _cited(registry) or own
    if isinstance(named, str) and (named in CATALOG.names() or not Path(named).suffix):
        return _counts(load_counts(named)).of(registry)
    return read_counts(Path(named)).of(registry)


def _cited(registry: Registry) -> Counts | None:
    found = (_counts(c).of(registry) for c in cited_counts(registry))
    return next((c for c in found if c.by_concept), None)


def _counts(file: CountsFile) -> Counts:
    return Counts(
        {c.slug: Count(float(c.count), doubtful=float(c.doubtful)) for c in file.characters},
        file.corpus,
        file.date.isoformat(),
        file.rule,
        TRAINING if file.unit == "pictures" else file.unit,
    )
