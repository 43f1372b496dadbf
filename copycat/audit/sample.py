"""How often licences are wrong: those of items against what somebody found by looking them up."""

from __future__ import annotations

from pathlib import Path

from copycat.audit.dataset import Dataset
from copycat.audit.licences import read_licence
from copycat.audit.results import ErrorRate, kept
from copycat.errors import BadFile
from copycat.io.tables import filled, read_table
from copycat.stats.proportions import wilson

ITEM = ("item", "id", "url", "source", "sha256")
TRUE = ("true_licence", "true_license", "licence", "license", "spdx")


def read_sample(path: Path) -> dict[str, str]:
    """The true licence by item, of a table with the columns `item` (an id, a hash or an address) and
    `true_licence`; "none" where nothing permits its use. Raises BadFile for another table."""
    found: dict[str, str] = {}
    for number, raw in enumerate(read_table(path, "table of true licences"), 1):
        row = {k.strip().lower(): v for k, v in filled(raw).items()}
        item, true = (next((str(row[n]).strip() for n in names if n in row), "") for names in (ITEM, TRUE))
        if not item or not true:
            raise BadFile(f"{path}, row {number} needs an `item` and its `true_licence`.")
        if true.lower() != "none" and read_licence(true) is None:
            raise BadFile(
                f"{path}, row {number}: '{true}' is no licence that SPDX knows; write none for none."
            )
        if found.setdefault(item, true) != true:
            raise BadFile(f"{path}, row {number}: {item} is there twice with different licences.")
    if not found:
        raise BadFile(f"{path} has no rows with an `item` and its `true_licence`.")
    return found


def error_rate(dataset: Dataset, true: dict[str, str]) -> ErrorRate:
    """How many of the labelled items have another licence in `dataset`, with Wilson's 95 % interval.

    An item that stands in several rows counts once, and as wrong where one of its rows is. A row's licence is
    right where SPDX writes it as the true one; a missing or unreadable one is right for "none" alone.
    """
    told = set[str]()
    wrong: dict[str, tuple[str, int]] = {}
    for i, entry in enumerate(dataset.entries):
        value = entry.get("licence")
        licence = read_licence(value) if value is not None else None
        ours = licence.expression if licence else "none"
        for role in ("id", "hash", "source"):
            name = str(entry.get(role) or "")
            if name in true:
                told.add(name)
                if ours != _written(true[name]):
                    wrong.setdefault(name, (ours, i))
    evidence = [
        dataset.entries[i].evidence(f"{name}: {ours}, in truth {true[name]}")
        for name, (ours, i) in wrong.items()
    ]
    low, high = wilson(len(wrong), len(told))
    return ErrorRate(
        wrong=len(wrong),
        checked=len(told),
        low=low,
        high=high,
        not_found=len(true) - len(told),
        evidence=kept(evidence),
    )


def _written(name: str) -> str:
    licence = read_licence(name) if name.lower() != "none" else None
    return licence.expression if licence else "none"
