"""Generate: draw what the plan lists and the folder lacks."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Sequence

from copycat.device import resolve_device
from copycat.errors import RunConflict
from copycat.generators.base import Generator, ImageOutcome, load_generator
from copycat.progress import Progress, Silent
from copycat.records import ImageRow, Request
from copycat.runs.atomic import write_bytes
from copycat.runs.batches import batches
from copycat.runs.folder import RunFolder


def generate(folder: RunFolder, *, progress: Progress | None = None, device: str = "auto") -> int:
    """Draw all missing and failed pictures; returns how many. A finished run loads no model.

    A batch with any picture missing is drawn again as a whole, so that a resumed run gives the bits
    that an uninterrupted one would have given.
    """
    progress = progress or Silent()
    folder.open()
    config = folder.manifest().config
    card = config.card()
    with folder.stage("generate"):
        folder.image_journal.repair()
        rows = folder.images()
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
        made = 0
        progress.start("generate", sum(map(len, pending)))
        try:
            for batch in pending:
                made += _batch(folder, generator, batch, rows)
                progress.advance(len(batch))
        finally:
            progress.done()
    return made


def _there(folder: RunFolder, row: ImageRow | None) -> bool:
    """Whether `row` is final: a refusal, or a picture that lies there. An error is tried again."""
    if row is None or row.outcome == "error":
        return False
    return row.file is None or (folder.path / row.file).is_file()


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
    folder: RunFolder, generator: Generator, batch: Sequence[Request], rows: dict[str, ImageRow]
) -> int:
    began = time.monotonic()
    outcomes = generator.generate(batch)
    seconds = round((time.monotonic() - began) / len(batch), 4)
    fresh = [
        _keep(folder, request, outcome, seconds)
        for request, outcome in zip(batch, outcomes, strict=True)
        if not _there(folder, rows.get(request.id))
    ]
    # Pictures first, rows after: a row always has its picture.
    folder.image_journal.append(fresh)
    return len(fresh)


def _keep(folder: RunFolder, request: Request, outcome: ImageOutcome, seconds: float) -> ImageRow:
    if outcome.outcome != "ok" or outcome.image is None:
        return ImageRow(
            request=request.id,
            outcome=outcome.outcome,
            error=outcome.error,
            seconds=seconds,
            cost_usd=outcome.cost_usd,
        )
    png = io.BytesIO()
    outcome.image.save(png, format="PNG")
    file = f"images/{request.id}.png"
    write_bytes(folder.path / file, png.getvalue())
    sha256 = hashlib.sha256(png.getvalue()).hexdigest()
    return ImageRow(
        request=request.id,
        outcome="ok",
        file=file,
        sha256=sha256,
        seconds=seconds,
        revised_prompt=outcome.revised_prompt,
        cost_usd=outcome.cost_usd,
    )
