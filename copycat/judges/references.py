"""Reference pictures of characters: reading them, and telling one from another."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PIL import Image

from copycat.errors import BadFile
from copycat.paths import DATA


def open_reference(path: str | Path) -> Image.Image:
    """RGB; `path` is absolute or relative to `data/`. Raises BadFile for one that is missing or broken."""
    try:
        with Image.open(DATA / path) as picture:
            return picture.convert("RGB")
    except OSError as e:
        raise BadFile(f"The reference picture {DATA / path} cannot be read ({e}).") from e


def reference_hash(path: str | Path) -> str:
    """SHA-256 of the file. Raises BadFile when it cannot be read."""
    try:
        return hashlib.sha256((DATA / path).read_bytes()).hexdigest()
    except OSError as e:
        raise BadFile(f"The reference picture {DATA / path} cannot be read ({e}).") from e
