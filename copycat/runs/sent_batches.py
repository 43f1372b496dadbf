"""Batches of calls that lie with a provider: what a run must know to take them up again.

A batch is on disk before its calls are entered in the ledger, its file's name before it is begun, and its
own name before it is waited for. So whenever a process is killed, the next one finds out what became of the
calls.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from pydantic import Field, ValidationError

from copycat.errors import BadFile, first_fault
from copycat.io import atomic
from copycat.io.ledger import Entry, What
from copycat.records import Row

_NAME = re.compile("[0-9a-f]{32}")


class SentCall(Row):
    """One call of a batch."""

    entry: Entry
    """As it was entered in the ledger; `entry.call` is also the name that the provider has for the call."""
    about: str
    """What it asks for, by a key that is the same in any process."""


class SentBatch(Row):
    """A batch that was written, or sent."""

    name: str = Field(pattern=f"^{_NAME.pattern}$")
    asked: str
    """Identity of the model that is asked."""
    calls: tuple[SentCall, ...] = Field(min_length=1)
    file: str | None = None
    """What the provider calls the file of the calls; before there is one, nothing was begun or paid."""
    batch: str | None = None
    """What it calls the batch, once that is known."""


class SentBatches:
    """The batches of a run, in a folder of their own; each is a file, and goes when its answers are there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, asked: str, what: What) -> list[SentBatch]:
        """The batches that ask the model `asked` for that, and whose answers have not been taken in. Raises
        BadFile for one that cannot be read: what it holds may have been paid."""
        found = [self._read(p) for p in sorted(self._folder.glob("*.json")) if _NAME.fullmatch(p.stem)]
        return [sent for sent in found if sent.asked == asked and sent.calls[0].entry.what == what]

    def keep(self, sent: SentBatch) -> None:
        """Write what is known of `sent` now; on disk when this returns."""
        atomic.write_text(self.path(sent), sent.model_dump_json(exclude_none=True) + "\n")

    def forget(self, sent: SentBatch) -> None:
        """The answers of `sent` are taken in, or it was never begun."""
        self.path(sent).unlink(missing_ok=True)
        self.drop_calls(sent.name)

    def tidy(self) -> None:
        """Remove what a killed process left: unfinished files, and the folder if it is empty."""
        for path in self._folder.glob(".*"):
            path.unlink(missing_ok=True)
        self._remove_empty()

    def calls_path(self, name: str) -> Path:
        """The file of the calls of a batch, until it is uploaded."""
        return self._folder / f".{name}.jsonl"

    def drop_calls(self, name: str) -> None:
        """Remove that file."""
        self.calls_path(name).unlink(missing_ok=True)
        self._remove_empty()

    def _remove_empty(self) -> None:
        with suppress(OSError):  # it is not there, or holds another batch
            self._folder.rmdir()

    def path(self, sent: SentBatch) -> Path:
        """The file that tells of `sent`."""
        return self._folder / f"{sent.name}.json"

    def _read(self, path: Path) -> SentBatch:
        try:
            return SentBatch.model_validate_json(path.read_bytes())
        except ValidationError as e:
            raise BadFile(
                f"{path} tells of no batch ({first_fault(e)}); its calls may have been paid. Remove it "
                "to have them made again."
            ) from e
