"""What a run spends: its ledger, and the sum of it in the manifest."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from copycat.errors import MissingRequirement
from copycat.io.ledger import Entry, Ledger, What, now
from copycat.records import ImageRow
from copycat.runs.folder import RunFolder


def ledger_of(folder: RunFolder, cap: float | None = None) -> Ledger:
    """The ledger of the run in `folder`, with a `cap` in dollars.

    Of a run that was begun before there were ledgers it opens with what the rows of its pictures cost, and
    what output filters did about them.
    """
    ledger = Ledger(folder.ledger_path, cap)
    begun = folder.manifest_path.exists() and not folder.ledger_path.exists()
    if begun and folder.manifest().origin is None:
        for entry in _earlier(folder.image_journal.rows()):
            ledger.enter(entry)
    return ledger


def _earlier(rows: Sequence[ImageRow]) -> Iterator[Entry]:
    """What `rows` say was paid. Of a request that was tried again, each attempt may have been."""
    paid = [row.cost_usd for row in rows if row.cost_usd]
    if paid:
        yield _entry("earlier pictures", "picture", sum(paid), len(paid))
    reviews = [row.review for row in rows if row.review]
    told = [(r.extra_cost_usd, r.answers) for r in reviews if r.extra_cost_usd]
    if told:
        yield _entry("earlier filters", "answer", sum(usd for usd, _ in told), sum(n for _, n in told))
    # Of models on this machine the rows say 0.
    unknown = sum(r.answers for r in reviews if r.extra_cost_usd is None)
    if unknown:
        yield _entry("earlier filters of unknown cost", "answer", None, unknown)


def _entry(who: str, what: What, usd: float | None, calls: int) -> Entry:
    usd = None if usd is None else round(usd, 9)
    return Entry(
        call=uuid.uuid4().hex, at=now(), who=who, what=what, ended=True, usd=usd, answered=True, calls=calls
    )


@contextmanager
def spending(folder: RunFolder, cap: float | None = None) -> Iterator[Ledger]:
    """The run's ledger; afterwards its sum stands in the manifest, whatever happened in between."""
    ledger = ledger_of(folder, cap)
    try:
        yield ledger
    finally:
        if ledger.path.exists():
            with suppress(MissingRequirement, OSError):
                spent = ledger.spent()
                if spent.calls and spent != folder.manifest().spent:
                    folder.update(spent=spent)
