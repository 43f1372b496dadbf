"""What is said of items where there is nothing to look at: no rows, or none that is surely from the web."""

from __future__ import annotations

from copycat.audit.dataset import Dataset
from copycat.audit.results import Outcome, not_applicable, unknown
from copycat.audit.roles import may_be_of_the_web


def without_rows(dataset: Dataset) -> Outcome | None:
    """What is said where there is nothing to look at; None where there is."""
    if dataset.entries:
        return None
    if dataset.left:
        return unknown(
            f"Its tables were too large to be fetched ({len(dataset.left)} files, such as {dataset.left[0]})."
        )
    return unknown(
        "No table with rows was found (CSV, TSV, JSONL or Parquet), and no pictures, sounds or texts."
    )


def without_web(dataset: Dataset) -> Outcome:
    """What is said where no item has an address: whether that is known to mean that none is from the web."""
    untold = [e for e in dataset.entries if not e.synthetic and may_be_of_the_web(e.get("source"))]
    if not untold:
        return not_applicable("Nothing in it was fetched from the web.")
    return unknown(
        f"No item has an address; {len(untold):,} of {len(dataset.entries):,} may be from the web even so.",
        *(e.evidence(e.get("source") or "no source") for e in untold),
    )
