"""Whether the manifest says of a run's hosted calls what its ledger says."""

from __future__ import annotations

from collections.abc import Iterator

from copycat.io.ledger import Entry, Spent, total
from copycat.runs.findings import Finding, Lines, count, fault


def check_spent(lines: Lines[Entry], told: Spent | None, *, elsewhere: bool) -> Iterator[Finding]:
    """The sum of the ledger, against the one that the manifest has `told`.

    A run that was drawn `elsewhere` came without its ledger, and one of an earlier version has neither.
    """
    name, sum_ = lines.path.name, told or Spent()
    if not lines.path.exists():
        if sum_.calls and not elsewhere:
            yield fault(
                f"{name} is not there, and manifest.json says that {_words(sum_)} were entered in it",
                "Put it back: without it no cap counts what was spent",
            )
        return
    found = total(lines.values)
    if found != sum_ and not lines.unreadable:
        yield fault(
            f"manifest.json says {_words(sum_)}, and {name} holds {_words(found)}",
            f"Put back {name} where it was changed; else `copycat judge {lines.path.parent}` sums up anew",
        )


def _words(spent: Spent) -> str:
    return f"{count(spent.calls, 'hosted call')} of ${spent.counted:.4f}"
