"""The audit of one data set: every item's finding, and the tier that its parts' licences make of it."""

from __future__ import annotations

from datetime import UTC, datetime

from copycat.audit.dataset import Dataset
from copycat.audit.item import sections
from copycat.audit.results import Report
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
        unread=tuple(dataset.unread),
        tier=derived_tier(dataset)[0],
        declared_tier=declared_tier(dataset)[0],
        licence_errors=dataset.licence_errors,
        findings=tuple(findings),
    )
