"""Reference pictures of characters: reading them, and telling one from another."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PIL import Image

from copycat.errors import BadFile


def open_reference(path: str | Path) -> Image.Image:
    """The picture in RGB. Raises BadFile for one that is missing or broken."""
    try:
        with Image.open(path) as picture:
            return picture.convert("RGB")
    except OSError as e:
        raise BadFile(f"The reference picture {path} cannot be read ({e}).") from e


def reference_hash(path: str | Path) -> str:
    """SHA-256 of the file. Raises BadFile when it cannot be read."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as e:
        raise BadFile(f"The reference picture {path} cannot be read ({e}).") from e
