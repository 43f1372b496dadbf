"""Errors a user can act on.

::

    CopycatError               anything raised on purpose
    ├── UserError              a mistake of the caller: one sentence, exit code 2, no traceback
    │   ├── UnknownName        a name that no catalogue holds, with the nearest ones
    │   ├── BadFile            a file that cannot be read as what it should be
    │   ├── RunConflict        an output folder that belongs to another run
    │   └── MissingRequirement no GPU, package, key, network or disk space
    └── InstrumentError        a model or judge that failed on one item; becomes a row, never a zero

A message says what is wrong and what to do about it, in one or two sentences.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable


class CopycatError(Exception):
    """Base of every error raised on purpose."""


class UserError(CopycatError):
    """Something the caller can put right; shown as one line, exit code 2."""


class UnknownName(UserError):
    """`name` is not among `known`; the message names the closest ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        lowered = {n.lower(): n for n in reversed(names)}
        close = [lowered[m] for m in difflib.get_close_matches(name.lower(), lowered, n=3, cutoff=0.5)]
        hint = f"Did you mean {' or '.join(close)}?" if close else f"Known: {', '.join(names) or 'none'}."
        super().__init__(f"Unknown {kind} '{name}'. {hint}")
        self.kind, self.name, self.close = kind, name, close


def install_hint(requirement: str) -> str:
    """The command that installs `requirement` into this very Python."""
    return f"`{sys.executable} -m pip install '{requirement}'`"


class BadFile(UserError):
    """A file or folder that is not what it should be."""


class RunConflict(UserError):
    """The output folder holds a run with another configuration."""


class MissingRequirement(UserError):
    """The machine lacks something the request needs."""


class InstrumentError(CopycatError):
    """A generator or judge failed on one item; recorded as `error` or `unscored`."""
