"""Where answers are kept: one line an answer in the run's `labels.jsonl`, on disk before it is confirmed."""

from __future__ import annotations

import fcntl
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from copycat.errors import RunConflict
from copycat.labels import Label
from copycat.runs.journal import Journal
from copycat.stats.agreement import krippendorff_alpha


@dataclass(frozen=True)
class Together:
    """How far raters agree on what two or more of them have labelled."""

    raters: tuple[str, ...]
    pictures: int
    """Pictures that two raters or more answered yes or no."""
    same: float | None
    """Share of them on which all say the same, in [0, 1]."""
    alpha: float | None
    """Krippendorff's α over all answers; None while it is undefined."""


class Store:
    """Answers of all raters; later ones replace earlier ones of the same rater about the same picture."""

    def __init__(self, run: Path) -> None:
        self.path = run / "labels.jsonl"
        self._lock_path = run / ".labels.lock"
        self._journal, self._writing = Journal(self.path, Label), Lock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from writing answers of this run; raises RunConflict when one does."""
        with self._lock_path.open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as e:
                raise RunConflict(
                    f"Another process takes labels of {self.path.parent} already; several raters can use the "
                    "address that it printed."
                ) from e
            yield

    def add(self, label: Label) -> None:
        """Write one answer; it is on disk when this returns."""
        with self._writing:
            self._journal.append([label])

    def labels(self) -> tuple[Label, ...]:
        """The latest answer of each rater about each picture and character, in order of first mention."""
        with self._writing:
            rows = self._journal.replay()
        latest: dict[tuple[str, str, str], Label] = {}
        for row in rows:
            latest[row.sha256, row.character, row.rater] = row
        return tuple(latest.values())

    def together(self) -> Together:
        """Agreement of the raters so far."""
        given: dict[tuple[str, str], dict[str, bool]] = defaultdict(dict)
        for x in self.labels():
            if x.label is not None:
                given[x.sha256, x.character][x.rater] = x.label
        raters = tuple(dict.fromkeys(r for answers in given.values() for r in answers))
        both = [a for a in given.values() if len(a) > 1]
        return Together(
            raters,
            len(both),
            sum(len(set(a.values())) == 1 for a in both) / len(both) if both else None,
            krippendorff_alpha([[a.get(r) for r in raters] for a in given.values()]).value,
        )
