"""Pictures made small, and as data URIs for a page that needs no other file."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

PIXELATED_BELOW = 128
"""Native height in pixels under which a picture is enlarged with hard pixels."""
LARGEST = 512
"""Longer sides are scaled down to this many pixels, to keep the page's size in check."""
LARGEST_STRIP = 1536
"""The same for all frames of a video in a row."""


@dataclass(frozen=True)
class Embedded:
    """One picture in the page."""

    uri: str
    width: int
    height: int

    @property
    def pixelated(self) -> bool:
        """Whether to enlarge with hard pixels."""
        return self.height < PIXELATED_BELOW


def embed(path: Path, largest: int = LARGEST) -> Embedded | None:
    """The picture at `path`; None when it is missing or is not a picture."""
    try:
        with Image.open(path) as picture:
            picture.load()
            width, height = picture.size
            if max(width, height) > largest:
                kind, content = "jpeg", shrink(picture, largest)
            else:
                buffer = io.BytesIO()
                picture.convert("RGB").save(buffer, "PNG", optimize=True)
                kind, content = "png", buffer.getvalue()
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    return Embedded(f"data:image/{kind};base64,{base64.b64encode(content).decode()}", width, height)


def shrink(picture: Image.Image, largest: int, quality: int = 88) -> bytes:
    """`picture` as JPEG with sides of at most `largest` pixels."""
    # A JPEG can be decoded small at once.
    picture.draft("RGB", (largest, largest))
    small = picture.convert("RGB")
    small.thumbnail((largest, largest))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
