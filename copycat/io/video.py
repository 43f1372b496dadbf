"""Writing videos: MP4 for the eye, a contact strip for the page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from PIL import Image

from copycat.errors import require

_SMALLEST = 256
"""Frames of fewer pixels are enlarged with hard pixels, or a player would blur them."""


def encoder() -> Any:
    """The package that writes MP4; raises MissingRequirement where it is not installed."""
    return require("av", "av>=14", "Saving a video")


def mp4(frames: Sequence[Image.Image], fps: int) -> bytes:
    """`frames` as H.264 in MP4. Lossy: what is judged are the frames' own PNGs."""
    av = encoder()
    width, height = frames[0].size
    k = max(1, -(-_SMALLEST // max(width, height)))
    k *= 1 if width * k % 2 == height * k % 2 == 0 else 2  # the codec wants even sides
    content = io.BytesIO()
    with av.open(content, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "14"})
        stream.width, stream.height, stream.pix_fmt = width * k, height * k, "yuv420p"
        for frame in frames:
            large = frame.resize((width * k, height * k), Image.Resampling.NEAREST)
            container.mux(stream.encode(av.VideoFrame.from_image(large)))
        container.mux(stream.encode())
    return content.getvalue()


def strip(frames: Sequence[Image.Image]) -> Image.Image:
    """All frames side by side, from left to right, in their own size."""
    width, height = frames[0].size
    row = Image.new("RGB", (width * len(frames), height))
    for i, frame in enumerate(frames):
        row.paste(frame, (i * width, 0))
    return row
