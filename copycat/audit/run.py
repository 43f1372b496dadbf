"""The audit of one data set: every item's finding, and the tier that its parts' licences make of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from copycat.audit.dataset import Dataset
from copycat.audit.item import sections
from copycat.audit.results import Evidence, Report, shortened
from copycat.audit.sections.release import declared_tier, derived_tier
from copycat.io.version import __version__
from copycat.runtime.progress import Progress


def audit(dataset: Dataset, progress: Progress | None = None) -> Report:
    """Check every item of every section; nothing is written."""
    progress = progress or Progress()
    asked = [(s, i) for s in sections() for i in s.items]
    progress.start(dataset.name, len(asked))
    findings = []
    try:
        for section, item in asked:
            findings.append(item.find(dataset, section.name))
            progress.advance(1)
    finally:
        progress.done()
    return Report(
        dataset=dataset.name,
        revision=dataset.revision,
        date=datetime.now(UTC).date().isoformat(),
        copycat=__version__,
        files=len(dataset.files),
        rows=len(dataset.entries),
        rows_in_all=sum(t.total for t in dataset.tables),
        unread=(*dataset.unread, *_broken(dataset)),
        tier=derived_tier(dataset)[0],
        declared_tier=declared_tier(dataset)[0],
        licence_errors=dataset.licence_errors,
        findings=tuple(findings),
    )


def _broken(dataset: Dataset) -> Iterator[Evidence]:
    """Rows that could not be read, and what of others was left out, counted for each table."""
    for table in dataset.tables:
        if table.broken:
            row, why = table.broken[0]
            told = f"{len(table.broken):,} rows cannot be read; here: {why}"
            yield Evidence(file=table.file, row=row, found=shortened(told, 200))
        if table.cut:
            told = f"pictures and long texts of {table.cut:,} rows are not looked at: they are too many"
            yield Evidence(file=table.file, found=told)
