"""YAML files that hold one pydantic object."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError, ValidationInfo

from copycat.errors import BadFile, first_fault

M = TypeVar("M", bound=BaseModel)
# libyaml's parser where PyYAML was built with it: long lists are read about eight times as fast.
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path, kind: type[M], what: str) -> M:
    """The object in the file `path`; BadFile names the file, which is no `what`, and the first fault.

    A validator of `kind` learns from :func:`file_of` where the file lies, to make relative paths absolute.
    """
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), _LOADER)  # noqa: S506  either loader is a safe one
        return kind.model_validate(raw, context={"file": path})
    except ValidationError as e:
        raise BadFile(f"{path} is not a {what}: {first_fault(e)}.") from e
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise BadFile(f"{path} is not valid YAML{line}.") from e
    except (OSError, UnicodeDecodeError) as e:
        raise BadFile(f"{path} cannot be read ({e}).") from e


def file_of(info: ValidationInfo) -> Path | None:
    """The file that is being read by `read_yaml`; None for an object made in code."""
    return (info.context or {}).get("file")
