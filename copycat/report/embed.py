"""Pictures made small, and as data URIs for a page that needs no other file."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from copycat.errors import BadFile
from copycat.io import pictures
from copycat.io.paths import DATA

REFERENCES = 2
"""Reference pictures shown beside each character."""
PIXELATED_BELOW = 128
"""Native height in pixels under which a picture is enlarged with hard pixels."""
LARGEST = 512
"""Longer sides are scaled down to this many pixels, to keep the page's size in check."""
LARGEST_STRIP = 1536
"""The same for all frames of a video in a row."""


@dataclass(frozen=True)
class Shown:
    """One picture as a page loads it."""

    small: str
    """URL, relative to the page, or data URI."""
    large: str
    """The same for the enlarged picture."""
    width: int
    height: int
    """Of the picture itself, in pixels."""

    @property
    def pixelated(self) -> bool:
        """Whether to enlarge with hard pixels."""
        return self.height < PIXELATED_BELOW


def references(files: Sequence[str], largest: int = LARGEST) -> list[Shown]:
    """The first REFERENCES of a character's reference pictures, those that are there."""
    return [e for f in files[:REFERENCES] if (e := embed(DATA / f, largest))]


def embed(path: Path, largest: int = LARGEST, most: int | None = None) -> Shown | None:
    """The picture at `path`; None when it is missing, is no picture, or has too many pixels."""
    try:
        picture = pictures.read(path, most=most)
    except BadFile:
        return None
    width, height = picture.size
    if max(width, height) > largest:
        kind, content = "jpeg", shrink(picture, largest)
    else:
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", optimize=True)
        kind, content = "png", buffer.getvalue()
    uri = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    return Shown(uri, uri, width, height)


def shrink(picture: Image.Image, largest: int, quality: int = 88) -> bytes:
    """`picture` as JPEG with sides of at most `largest` pixels."""
    small = picture.copy()
    small.thumbnail((largest, largest))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
