"""YAML files that hold one pydantic object."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError, ValidationInfo

from copycat.errors import BadFile, first_fault
from copycat.io.documents import Unreadable, parse_yaml, read_text

M = TypeVar("M", bound=BaseModel)


def read_yaml(path: Path, kind: type[M], what: str) -> M:
    """The object in the file `path`; BadFile names the file, which is no `what`, and the first fault.

    A validator of `kind` learns from :func:`file_of` where the file lies, to make relative paths absolute.
    """
    try:
        raw = parse_yaml(read_text(path))
        return kind.model_validate(raw, context={"file": path})
    except ValidationError as e:
        raise BadFile(f"{path} is not a {what}: {first_fault(e)}.") from e
    except Unreadable as e:
        raise BadFile(f"{path} cannot be read: {e}.") from e
    except (OSError, ValueError, RecursionError) as e:
        raise BadFile(f"{path} cannot be read ({e}).") from e


def file_of(info: ValidationInfo) -> Path | None:
    """The file that is being read by `read_yaml`; None for an object made in code."""
    return (info.context or {}).get("file")
