"""Reading files into memory that will be loaded soon, while something else has the processor."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

_CHUNK: Final = 1 << 24
"""Bytes that are read at a time where the system cannot be asked to read by itself."""


class ReadAhead:
    """Has the system read files into its cache, so that who opens them later does not wait for a disk.

    Nothing but time depends on it: a file that cannot be read is left to who needs it. It does nothing where
    the files would take more than half of the memory that is free, as what they push out would be read again.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = tuple(files)
        self._begun, self._stopped = False, threading.Event()

    def start(self) -> None:
        """Begin, on a thread of its own; once, however often it is called."""
        if self._begun or not self._files:
            return
        self._begun = True
        threading.Thread(target=self._read, name="read ahead", daemon=True).start()

    def stop(self) -> None:
        """Read no further file; what is read stays in memory as long as the system likes."""
        self._stopped.set()

    def _read(self) -> None:
        with suppress(OSError):
            if 2 * sum(f.stat().st_size for f in self._files) > psutil.virtual_memory().available:
                return
        for file in self._files:
            # Gone, or not ours to read: who loads it says so.
            with suppress(OSError):
                self._warm(file)

    def _warm(self, path: Path) -> None:
        with path.open("rb", buffering=0) as f:
            if self._stopped.is_set():
                return
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)
                return
            while not self._stopped.is_set() and f.read(_CHUNK):
                pass
