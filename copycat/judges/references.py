"""Reference pictures of characters: reading them, and telling one from another."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PIL import Image

from copycat.errors import BadFile
from copycat.io import pictures


def open_reference(path: str | Path) -> Image.Image:
    """The picture in RGB as a person sees it. Raises BadFile for one that is missing or broken."""
    try:
        return pictures.read(path, f"The reference picture {path}")
    except BadFile as e:
        raise BadFile(f"{e}.") from e


def reference_hash(path: str | Path) -> str:
    """SHA-256 of the file. Raises BadFile when it cannot be read."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as e:
        raise BadFile(f"The reference picture {path} cannot be read ({e}).") from e
