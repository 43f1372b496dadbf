"""What a check of a run finds, and how its journals are read where some lines may be broken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

from pydantic import ValidationError

from copycat.errors import first_fault
from copycat.records import Row

R = TypeVar("R", bound=Row)
_SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """One thing that a check found."""

    severity: Literal["fault", "note"]
    """A fault makes a run unsound; a note is only to be known."""
    what: str
    """What is wrong, a sentence without its full stop."""
    remedy: str = ""
    """What to do about it, a sentence without its full stop; empty where nothing is to be done."""

    @property
    def line(self) -> str:
        """Both in one line."""
        said = self.what if self.severity == "fault" else f"Note: {self.what}"
        return f"{said}. {self.remedy}." if self.remedy else f"{said}."


def fault(what: str, remedy: str) -> Finding:
    """Something that makes a run unsound."""
    return Finding("fault", what, remedy)


def note(what: str, remedy: str = "") -> Finding:
    """Something that is only to be known."""
    return Finding("note", what, remedy)


def examples(names: Iterable[object]) -> str:
    """The first few of `names`, and how many more there are."""
    every = [str(n) for n in names]
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


def count(n: int, noun: str) -> str:
    """A number with its noun in the right number."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


@dataclass(frozen=True)
class Lines(Generic[R]):
    """The whole rows of one journal that can be read, each with the number of its line."""

    path: Path
    rows: Sequence[tuple[int, R]]
    findings: Sequence[Finding]
    """Lines that are no rows, and a torn tail."""

    @property
    def unreadable(self) -> bool:
        """Whether some lines are no rows."""
        return any(f.severity == "fault" for f in self.findings)

    @property
    def values(self) -> list[R]:
        """The rows alone."""
        return [row for _, row in self.rows]


def read_rows(path: Path, kind: type[R]) -> Lines[R]:
    """All rows of the journal `path` that are a `kind`; none where there is no such file."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Lines(path, [], [])
    except OSError as e:
        return Lines(path, [], [fault(f"{path.name} cannot be read ({e.strerror})", "Make it readable")])
    *lines, torn = content.split(b"\n")
    rows: list[tuple[int, R]] = []
    broken: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                rows.append((number, kind.model_validate_json(line)))
        except ValidationError as e:
            broken.append((number, first_fault(e)))
    findings = [
        fault(
            f"{path.name}, line {number}, is not a valid row ({why})",
            "Put back what stood there, or delete the line and run the same command again",
        )
        for number, why in broken
    ]
    if torn:
        findings.append(
            note(
                f"The last line of {path.name} was cut off ({len(torn)} bytes) and counts for nothing",
                "The next command that writes to the run removes it",
            )
        )
    return Lines(path, rows, findings)
