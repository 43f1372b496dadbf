"""What a run spends: its ledger, and the sum of it in the manifest."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from copycat.errors import MissingRequirement
from copycat.io.ledger import Entry, Ledger, now
from copycat.runs.folder import RunFolder


def ledger_of(folder: RunFolder, cap: float | None = None) -> Ledger:
    """The ledger of the run in `folder`, with a `cap` in dollars.

    Of a run that was begun before there were ledgers it opens with what the rows of its pictures cost.
    """
    ledger = Ledger(folder.ledger_path, cap)
    if folder.manifest_path.exists() and not folder.ledger_path.exists():
        # Of a request that was tried again, each attempt may have been paid.
        paid = [row.cost_usd for row in folder.image_journal.rows() if row.cost_usd]
        if paid and folder.manifest().origin is None:
            earlier = Entry(
                call=uuid.uuid4().hex,
                at=now(),
                who="earlier pictures",
                ended=True,
                usd=round(sum(paid), 9),
                answered=True,
                calls=len(paid),
            )
            ledger.enter(earlier)
    return ledger


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
