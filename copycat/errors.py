"""Errors a user can act on.

::

    CopycatError               anything raised on purpose
    ├── UserError              a mistake of the caller: one sentence, exit code 2, no traceback
    │   ├── UnknownName        a name that no catalogue holds, with the nearest ones
    │   ├── AmbiguousName      a name that several of a registry go by, with all of them
    │   ├── BadFile            a file that cannot be read as what it should be
    │   ├── RunConflict        an output folder that belongs to another run
    │   └── MissingRequirement no GPU, package, key, network or disk space
    └── Unasked                a language model that would have to be asked, in a dry run

A model or judge that fails on one item raises nothing: that becomes a row of its own kind, never a zero.

A message says what is wrong and what to do about it, in one or two sentences.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError


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


class AmbiguousName(UserError):
    """Several go by `name`; the message names the `slugs` that it may stand for."""

    def __init__(self, kind: str, name: str, slugs: Iterable[str]) -> None:
        self.kind, self.name, self.slugs = kind, name, tuple(slugs)
        *others, last = self.slugs
        super().__init__(
            f"'{name}' may be the {kind} {', '.join(others)} or {last}; say which, as it is written here."
        )


def first_line(error: BaseException) -> str:
    """The first line of what an error says, without its full stop; the error's type where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".:")


def first_fault(error: ValidationError) -> str:
    """Where the first fault is, and what; of several, pydantic's own text is a page."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"


def require(module: str, requirement: str, who: str) -> Any:
    """The package `module`; MissingRequirement says how to install it where it is missing for `who`."""
    try:
        return importlib.import_module(module)
    except ImportError as e:
        raise MissingRequirement(
            f"{who} needs the package {module}; install it with "
            f"`{sys.executable} -m pip install '{requirement}'`."
        ) from e


class BadFile(UserError):
    """A file or folder that is not what it should be."""


class RunConflict(UserError):
    """The output folder holds a run with another configuration."""


class MissingRequirement(UserError):
    """The machine lacks something the request needs."""


class Unasked(CopycatError):
    """A language model's reply is not on disk, and in a dry run none is asked for."""
