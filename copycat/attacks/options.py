"""How options that hold several values are written."""

from __future__ import annotations

from typing import Any

from pydantic import BeforeValidator


def _parted(given: Any) -> Any:
    return [part.strip() for part in given.split("/") if part.strip()] if isinstance(given, str) else given


LISTED = BeforeValidator(_parted)
"""For a field of several values, which stand between slashes, as `weights=1/0.5/2`: commas part options."""
