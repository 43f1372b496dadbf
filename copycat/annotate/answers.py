"""What raters answered: appended to the run's file of labels before it is acknowledged, never changed."""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Literal

from copycat.errors import UserError
from copycat.io.atomic import locked
from copycat.io.journal import Journal
from copycat.records import Row

LONGEST_NAME = 80
ZERO_WIDTH_JOINER = "\u200d"

Said = Literal["yes", "no", "unsure", "skip", "withdrawn"]


class RaterAnswer(Row):
    """One answer of one rater about one picture and one character; the last one counts."""

    image: str
    """Path relative to the run folder; of a video that of its strip."""
    pixels: str
    """Identity of what was shown: the picture's SHA-256, or the digest of a video's judged frames."""
    character: str
    """Slug of the character that was asked about."""
    rater: str
    answer: Said
    """`skip` comes back at the end; `withdrawn` takes the answer before it back."""
    saw: str = ""
    """Slug, `none` or `look-alike`; empty unless the answer is yes or no."""
    confidence: int | None = None
    """1 a guess, 2 fairly sure, 3 sure; None unless the answer is yes or no."""
    at: str
    """UTC, ISO 8601."""

    @property
    def about(self) -> tuple[str, str]:
        """What the answer is about: pixels and character."""
        return self.pixels, self.character


def rater_name(text: str) -> str:
    """`text` as a rater's name: NFC, single spaces.

    UserError for one that is empty, too long, or holds what nobody can see; joiners in emoji are let through.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split())
    unseen = any(unicodedata.category(c) in ("Cc", "Cf", "Cs") and c != ZERO_WIDTH_JOINER for c in name)
    if unseen or not 1 <= len(name) <= LONGEST_NAME:
        raise UserError(f"A rater's name has 1 to {LONGEST_NAME} printable characters.")
    return name


class Answers:
    """All answers in one file. Threads may share it; :meth:`exclusive` keeps other processes out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._journal = Journal(path, RaterAnswer)
        self._writing = Lock()
        self._latest: dict[tuple[str, tuple[str, str]], RaterAnswer] = {}
        self._read()

    def _read(self) -> None:
        self._latest.clear()
        for answer in self._journal.rows():
            self._keep(answer)

    def _keep(self, answer: RaterAnswer) -> None:
        key = answer.rater, answer.about
        self._latest.pop(key, None)
        if answer.answer != "withdrawn":
            self._latest[key] = answer

    def give(self, answer: RaterAnswer) -> None:
        """On disk before it returns."""
        with self._writing:
            self._append(answer)

    def undo(self, rater: str, among: Container[tuple[str, str]], at: str) -> RaterAnswer | None:
        """Take back what `rater` answered last, and return it; None where nothing is left to take back.

        `among` says what the answer may be about.
        """
        with self._writing:
            mine = [a for a in self._latest.values() if a.rater == rater and a.about in among]
            if not mine:
                return None
            self._append(
                mine[-1].model_copy(update={"answer": "withdrawn", "saw": "", "confidence": None, "at": at})
            )
            return mine[-1]

    def _append(self, answer: RaterAnswer) -> None:
        self._journal.append([answer])
        self._keep(answer)

    def standing(self) -> Sequence[RaterAnswer]:
        """The last answer of each rater about each picture and character, oldest first."""
        with self._writing:
            return tuple(self._latest.values())

    def of(self, rater: str) -> dict[tuple[str, str], RaterAnswer]:
        """Those of one rater, by what they are about."""
        return {a.about: a for a in self.standing() if a.rater == rater}

    def raters(self) -> tuple[str, ...]:
        """Who has answered anything, by name."""
        return tuple(sorted({a.rater for a in self.standing()}))

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep another `copycat annotate` away from this file; the system lets go when the process dies."""
        path = self.path.with_name(f".{self.path.stem}.lock")
        busy = f"Another `copycat annotate` serves {path.parent}; open its address, or stop it first."
        with locked(path, busy):
            # Whoever held it may have added answers since they were read.
            self._read()
            yield
