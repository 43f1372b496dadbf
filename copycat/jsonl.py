"""Files of one JSON object a line."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from copycat.errors import BadFile

Model = TypeVar("Model", bound=BaseModel)


def read_lines(path: Path, model: type[Model], what: str) -> list[Model]:
    """The rows of `path`, blank lines left out; BadFile names the line that is not `what` ("a prompt")."""
    number, rows = 0, []
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            number += 1
            if line.strip():
                rows.append(model.model_validate_json(line))
    except ValidationError as e:
        raise BadFile(f"{path}, line {number}: not {what} ({e.errors()[0]['msg']}).") from e
    except (OSError, UnicodeDecodeError) as e:
        raise BadFile(f"{path} cannot be read ({e}).") from e
    return rows
