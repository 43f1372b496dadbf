"""Files of one JSON object a line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from copycat.errors import BadFile, first_fault
from copycat.io.atomic import write_text

Model = TypeVar("Model", bound=BaseModel)


def read_lines(path: Path, model: type[Model], what: str) -> list[Model]:
    """The rows of `path`, blank lines left out; BadFile names the line that is not `what` ("a prompt")."""
    try:
        # Not by `splitlines`, to which U+2028 ends a line: it may stand in JSON as it is.
        lines = path.read_bytes().split(b"\n")
    except (OSError, ValueError) as e:
        raise BadFile(f"{path} cannot be read ({e}).") from e
    return parse_lines(lines, path, model, what)


def parse_lines(
    lines: Iterable[str | bytes], path: Path, model: type[Model], what: str, first: int = 1
) -> list[Model]:
    """As :func:`read_lines`, of `lines` that were read from `path`; `first` is the first one's number."""
    rows = []
    for number, line in enumerate(lines, first):
        try:
            if line.strip():
                rows.append(model.model_validate_json(line))
        except ValidationError as e:
            raise BadFile(f"{path}, line {number}: not {what} ({first_fault(e)}).") from e
        except RecursionError as e:
            raise BadFile(f"{path}, line {number}: not {what} (it is nested too deeply).") from e
    return rows


def write_lines(path: Path, rows: Iterable[BaseModel]) -> None:
    """Write one JSON line a row, the whole file or nothing."""
    write_text(path, "".join(f"{r.model_dump_json()}\n" for r in rows))
