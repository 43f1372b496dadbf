"""Where shipped data lies: beside the package in a checkout, inside it in an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_BUNDLED = _PACKAGE / "_shipped"

ROOT = _BUNDLED if _BUNDLED.is_dir() else _PACKAGE.parent
"""Folder that holds `data/` and `prompts/`."""
DATA = ROOT / "data"
PROMPTS = ROOT / "prompts"
