"""Generate: draw what the plan lists and the folder lacks."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Mapping, Sequence

from PIL.Image import Image

from copycat import video
from copycat.atomic import write_bytes
from copycat.device import resolve_device
from copycat.errors import RunConflict
from copycat.generators.base import Generator, ImageOutcome, load_generator
from copycat.progress import Progress, Silent
from copycat.records import ImageRow, Request, Review
from copycat.runs.batches import batches
from copycat.runs.folder import RunFolder
from copycat.stages.review import Reviewer


def generate(folder: RunFolder, *, progress: Progress | None = None, device: str = "auto") -> int:
    """Draw all missing and failed pictures; returns how many. A finished run loads no model.

    A batch with any picture missing is drawn again as a whole, so that a resumed run gives the bits
    that an uninterrupted one would have given.
    """
    progress = progress or Silent()
    folder.open().check_own()
    config = folder.manifest().config
    card = config.card()
    with folder.stage("generate"):
        folder.image_journal.repair()
        rows = folder.frames()
        cut = batches(folder.requests(), card.batch_size, key=lambda r: (r.sampling, bool(r.negative)))
        pending = [b for b in cut if not all(_there(folder, rows.get(r.id)) for r in b)]
        if card.api:
            # Neighbours do not matter there, and every picture costs.
            pending = [[r for r in b if not _there(folder, rows.get(r.id))] for b in pending]
        if not pending:
            return 0
        if config.model_identity() != folder.manifest().model:
            raise RunConflict(f"The weights of {card.name} have changed since {folder.path} was begun.")
        generator = load_generator(card, _device(folder, device, card.title, card.min_gpu_gb))
        folder.update(notes=tuple(generator.cut_off(folder.requests())))
        reviewer = Reviewer(config, generator, device)
        made = 0
        progress.start("generate", sum(map(len, pending)))
        try:
            for batch in pending:
                made += _batch(folder, generator, reviewer, batch, rows)
                progress.advance(len(batch))
        finally:
            progress.done()
    return made


def _there(folder: RunFolder, rows: Sequence[ImageRow] | None) -> bool:
    """Whether `rows` are final: a refusal, or pictures that lie there. An error is tried again."""
    if not rows or any(row.outcome == "error" for row in rows):
        return False
    files = {f for row in rows for f in (row.file, row.video, row.strip) if f}
    return all((folder.path / f).is_file() for f in files)


def _device(folder: RunFolder, wanted: str, what: str, min_gpu_gb: float | None) -> str:
    """The device of the run's first batch, since another one rounds differently."""
    first = folder.manifest().device
    device = resolve_device(first if first and wanted == "auto" else wanted, what, min_gpu_gb)
    if first and device != first:
        raise RunConflict(f"{folder.path} was begun on {first}, not {device}; choose another output folder.")
    if not first:
        folder.update(device=device)
    return device


def _batch(
    folder: RunFolder,
    generator: Generator,
    reviewer: Reviewer,
    batch: Sequence[Request],
    rows: Mapping[str, Sequence[ImageRow]],
) -> int:
    began = time.monotonic()
    outcomes = generator.generate(batch)
    seconds = round((time.monotonic() - began) / len(batch), 4)
    reviewed = reviewer.review(batch, outcomes)
    fresh = [
        _keep(folder, request, outcome, seconds, review)
        for request, (outcome, review) in zip(batch, reviewed, strict=True)
        if not _there(folder, rows.get(request.id))
    ]
    # Pictures first, rows after: a row always has its picture.
    folder.image_journal.append([row for rows_ in fresh for row in rows_])
    return len(fresh)


def _keep(
    folder: RunFolder, request: Request, outcome: ImageOutcome, seconds: float, review: Review | None
) -> list[ImageRow]:
    if outcome.outcome != "ok" or outcome.image is None:
        return [
            ImageRow(
                request=request.id,
                outcome=outcome.outcome,
                error=outcome.error,
                seconds=seconds,
                cost_usd=outcome.cost_usd,
                review=review,
            )
        ]
    if outcome.frames:
        rows = _keep_video(folder, request, outcome.frames)
    else:
        file = f"images/{request.id}.png"
        sha256 = _save(folder, file, outcome.image)
        rows = [ImageRow(request=request.id, outcome="ok", file=file, sha256=sha256)]
    told = {
        "seconds": seconds,
        "revised_prompt": outcome.revised_prompt,
        "cost_usd": outcome.cost_usd,
        "review": review,
    }
    return [rows[0].model_copy(update=told), *rows[1:]]


def _keep_video(folder: RunFolder, request: Request, frames: Sequence[Image]) -> list[ImageRow]:
    """The whole video and its strip, and a picture and a row for each frame that is judged."""
    whole, strip = f"videos/{request.id}.mp4", f"videos/{request.id}.png"
    write_bytes(folder.path / whole, video.mp4(frames, request.sampling.fps or 8))
    _save(folder, strip, video.strip(frames))
    rows = []
    for frame in request.sampling.judged:
        file = f"images/{request.id}-{frame:03d}.png"
        sha256 = _save(folder, file, frames[frame])
        row = ImageRow(request=request.id, frame=frame, outcome="ok", file=file, sha256=sha256)
        rows.append(row.model_copy(update={"video": whole, "strip": strip}))
    return rows


def _save(folder: RunFolder, file: str, image: Image) -> str:
    """Write `image` as PNG; returns the SHA-256 of its bytes."""
    png = io.BytesIO()
    image.save(png, format="PNG")
    write_bytes(folder.path / file, png.getvalue())
    return hashlib.sha256(png.getvalue()).hexdigest()
