"""Keep: pictures and videos as files of a run, and their rows; the last phase of generate."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence

from PIL.Image import Image

from copycat.cards.metering import usage_of
from copycat.generators.base import ImageOutcome
from copycat.io import video
from copycat.io.atomic import write_bytes
from copycat.records import ImageRow, Request, Review
from copycat.runs.folder import RunFolder

_COMPRESSION = 6
"""Of PNG files. Level 1 takes about half the time and makes files 15 % larger (`python -m benchmarks.png`),
but nothing waits for it; and rows hold the hash of a file's bytes, so at another level a picture that is
drawn again would count as another."""


def keep(
    folder: RunFolder, request: Request, outcome: ImageOutcome, seconds: float, review: Review | None
) -> list[ImageRow]:
    """What becomes of a request: its rows, whose pictures are on disk in `folder` by then.

    `seconds` is what drawing it took. Raises MissingRequirement where the folder cannot be written to.
    """
    if outcome.outcome != "ok" or outcome.image is None:
        return [
            ImageRow(
                request=request.id,
                outcome=outcome.outcome,
                error=outcome.error,
                seconds=seconds,
                cost_usd=outcome.cost_usd,
                usage=usage_of(outcome.told),
                reused=outcome.reused,
                review=review,
            )
        ]
    if outcome.frames:
        rows = _keep_video(folder, request, outcome.frames)
    else:
        file = folder.picture_file(request)
        sha256 = _save(folder, file, outcome.image)
        rows = [ImageRow(request=request.id, outcome="ok", file=file, sha256=sha256)]
    told = {
        "seconds": seconds,
        "revised_prompt": outcome.revised_prompt,
        "cost_usd": outcome.cost_usd,
        "usage": usage_of(outcome.told),
        "reused": outcome.reused,
        "review": review,
    }
    return [rows[0].model_copy(update=told), *rows[1:]]


def _keep_video(folder: RunFolder, request: Request, frames: Sequence[Image]) -> list[ImageRow]:
    """The whole video and its strip, and a picture and a row for each frame that is judged."""
    whole, strip = folder.video_files(request)
    write_bytes(folder.path / whole, video.mp4(frames, request.sampling.fps or 8))
    _save(folder, strip, video.strip(frames))
    rows = []
    for frame in request.sampling.judged:
        file = folder.frame_file(request, frame)
        sha256 = _save(folder, file, frames[frame])
        row = ImageRow(request=request.id, frame=frame, outcome="ok", file=file, sha256=sha256)
        rows.append(row.model_copy(update={"video": whole, "strip": strip}))
    return rows


def _save(folder: RunFolder, file: str, image: Image) -> str:
    """Write `image` as PNG; returns the SHA-256 of its bytes."""
    content = png(image)
    write_bytes(folder.path / file, content)
    return hashlib.sha256(content).hexdigest()


def png(image: Image) -> bytes:
    """The content of a picture's file."""
    content = io.BytesIO()
    image.save(content, format="PNG", compress_level=_COMPRESSION)
    return content.getvalue()
