"""Generate: draw what the plan lists and the folder lacks."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from threading import Lock

from PIL.Image import Image

from copycat.cards.hooks import Conditioning
from copycat.cards.metering import usage_of
from copycat.errors import RunConflict
from copycat.generators.base import Generator, ImageOutcome, ModelVariant
from copycat.io import video
from copycat.io.atomic import write_bytes
from copycat.io.ledger import Ledger
from copycat.mitigations import Composition, denoiser_key
from copycat.records import ImageRow, Request, Review
from copycat.resolve import ResolvedRun, resolve
from copycat.runs.folder import RunFolder
from copycat.runs.spending import spending
from copycat.runtime.engines import Engine, batches
from copycat.runtime.progress import Progress
from copycat.stages.cache import PictureCache
from copycat.stages.engine import engine_for
from copycat.stages.failing import Failing
from copycat.stages.idle import IdleNegatives
from copycat.stages.review import Reviewer


@dataclass(frozen=True)
class Drawn:
    """What a worker made of one batch."""

    rows: Sequence[Sequence[ImageRow]]
    """Those of each request, in order; their pictures are written."""
    notes: Sequence[str]
    """What a reader of the numbers must know, of the whole plan."""


def generate(
    folder: RunFolder,
    run: ResolvedRun | None = None,
    *,
    progress: Progress | None = None,
    device: str = "auto",
) -> int:
    """Draw all missing and failed pictures; returns how many. A finished run loads no model.

    A batch with any picture missing is drawn again as a whole, so that a resumed run gives the bits
    that an uninterrupted one would have given. `run` is resolved from the folder's own settings when it is
    not given; `device` is where to draw, unless the run's settings name several.

    Raises UserError when a negative prompt turns out to do nothing; the pictures that show it come first.
    Raises MissingRequirement when all pictures fail, or ten in a row in the same way, or nothing further can
    be had of a hosted model.
    """
    progress = progress or Progress()
    folder.open().check_own()
    run = run or resolve(folder.manifest().config)
    with folder.stage("generate"), spending(folder, run.config.max_cost) as ledger:
        folder.image_journal.repair()
        data = folder.data()
        missing = {r.id for r in data.requests if not is_final(folder.path, data.frames.get(r.id))}
        cut = batches(data.requests, run.card.batch_size, key=_company)
        pending = [b for b in cut if any(r.id in missing for r in b)]
        if run.card.api:
            # Neighbours do not matter there, every picture costs, and none waits for another.
            pending = [[r] for b in pending for r in b if r.id in missing]
        if not pending:
            return 0
        if run.model != data.manifest.model:
            raise RunConflict(f"The weights of {run.card.name} have changed since {folder.path} was begun.")
        watched, seen = IdleNegatives(data.requests), dict(data.frames)
        watched.check(seen, run.card.title)
        telling = {r.id for r in watched.first()}
        pending.sort(key=lambda batch: not any(r.id in telling for r in batch))
        parts = [pending]
        if run.card.api:
            # Nothing else is paid for before they have come.
            first = sum(r.id in telling for (r,) in pending)
            parts = [part for part in (pending[:first], pending[first:]) if part]
        engine = _engine(folder, run, device)
        latest = {(row.request, row.frame): row for row in data.image_rows}

        answered = any(rows and rows[0].outcome != "error" for rows in seen.values())
        failing = Failing(run.card.title, "pictures", answered=answered)

        def done(results: Sequence[tuple[Sequence[Request], Drawn]]) -> None:
            notes = tuple(results[-1][1].notes)
            if folder.manifest().notes != notes:
                folder.update(notes=notes)
            # Pictures first, rows after: a row always has its picture.
            drawn = [pair for batch, made in results for pair in zip(batch, made.rows, strict=True)]
            fresh = [rows for r, rows in drawn if r.id in missing]
            folder.image_journal.append([row for rows in fresh for row in rows if not _is_told(row, latest)])
            progress.advance(len(drawn))
            seen.update({rows[0].request: tuple(rows) for rows in fresh})
            for rows in fresh:
                failing.add((rows[0].error or "no reason told") if rows[0].outcome == "error" else None)
                failing.check()
            watched.check(seen, run.card.title)

        progress.start("generate", sum(map(len, pending)))
        try:
            for part in parts:
                engine.map(part, partial(_open_worker, run, folder, frozenset(missing), ledger), done)
        finally:
            progress.done()
        failing.check_all()
    return len(missing)


def is_final(folder: Path, rows: Sequence[ImageRow] | None) -> bool:
    """Whether `rows` of a request are final: a refusal, or pictures that lie in the run's `folder`. An error
    is tried again."""
    if not rows or any(row.outcome == "error" for row in rows):
        return False
    files = {f for row in rows for f in (row.file, row.video, row.strip) if f}
    return all((folder / f).is_file() for f in files)


def _is_told(row: ImageRow, latest: Mapping[tuple[str, int], ImageRow]) -> bool:
    """Whether the `latest` rows say the same of a picture: it was drawn again because its file was gone, or
    because the rows of its video were cut off."""
    old = latest.get((row.request, row.frame))
    same = ("outcome", "file", "sha256", "video", "strip")
    return old is not None and row.outcome == "ok" and all(getattr(old, f) == getattr(row, f) for f in same)


def _engine(folder: RunFolder, run: ResolvedRun, wanted: str) -> Engine:
    """An engine on the kind of device that the run was begun on, since another one rounds differently."""
    first = folder.manifest().device
    wanted = first if first and wanted == "auto" and not run.config.devices else wanted
    engine = engine_for(run.card, wanted, run.config, run.card.title, folder=folder.path)
    if first and _device_kind(engine.device) != _device_kind(first):
        raise RunConflict(
            f"{folder.path} was begun on {first}, not {engine.device}; choose another output folder."
        )
    if not first:
        without = run.card.without_negative(run.card.sampling.guidance)
        folder.update(device=engine.device, without_negative=without)
    return engine


def _device_kind(device: str) -> str:
    return device.partition(":")[0]


def _company(r: Request) -> Hashable:
    """What the pictures of a batch have in common."""
    embedded = r.mitigation if r.conditioning else ""
    return r.sampling, bool(r.negative), r.variant, embedded, denoiser_key(r)


@contextmanager
def _open_worker(
    run: ResolvedRun, folder: RunFolder, missing: frozenset[str], ledger: Ledger, device: str
) -> Iterator[Callable[[Sequence[Request]], Drawn]]:
    """Draws batches of the run in `folder`, and keeps the pictures of the `missing` requests."""
    drawer = _Drawer(run, folder, missing, ledger, device)
    try:
        yield drawer
    finally:
        drawer.close()


class _Drawer:
    """Draws batches; has one model in memory, with the weight edits of the last batch. Threads may share it
    where the model runs elsewhere, and so has no weight edits."""

    def __init__(
        self, run: ResolvedRun, folder: RunFolder, missing: frozenset[str], ledger: Ledger, device: str
    ) -> None:
        self._run, self._folder, self._missing, self._device = run, folder, missing, device
        self._ledger, self._cache = ledger, PictureCache(run.card, device, run.config.cache)
        self._context = run.context(ask=False)
        self._composition = cache(self._bind)
        self._reviewer = Reviewer(run, device, self._composition, ledger)
        self._generator: Generator | None = None
        self._variant = ""
        self._notes: list[str] | None = None
        self._loading = Lock()

    def stop(self) -> None:
        """Let a hosted model draw nothing more; what it is drawing is finished and kept."""
        if self._generator is not None:
            self._generator.stop()

    def __call__(self, batch: Sequence[Request]) -> Drawn:
        """Draw and keep one batch."""
        with self._loading:
            generator = self._load(batch[0])
            if self._notes is None:
                self._notes = generator.remarks(self._folder.request_journal.rows())
            denoise = self._composition(batch[0].mitigation).denoiser(batch[0])
        names = {r.conditioning for r in batch} - {""}
        given = {sha: Conditioning.read(self._folder.conditioning_path, sha) for sha in names}

        def draw(requests: Sequence[Request]) -> list[ImageOutcome]:
            return generator.generate(requests, conditionings=given, denoise=denoise)

        def generate(requests: Sequence[Request]) -> list[ImageOutcome]:
            return self._cache.draw(requests, draw)

        began = time.monotonic()
        outcomes = generate(batch)
        seconds = round((time.monotonic() - began) / len(batch), 4)
        reviewed = self._reviewer.review(batch, outcomes, generate)
        rows = [
            _keep(self._folder, request, outcome, seconds, review) if request.id in self._missing else []
            for request, (outcome, review) in zip(batch, reviewed, strict=True)
        ]
        return Drawn(rows, self._notes)

    def close(self) -> None:
        """Let go of every model."""
        self._reviewer.close()
        if self._generator is not None:
            self._generator.close()
            self._generator = None

    def _bind(self, spec: str) -> Composition:
        # What acts before a picture is drawn is in the request already, and some of it would load a model.
        return self._run.mitigations[spec].while_drawing().bind(self._context)

    def _load(self, request: Request) -> Generator:
        """The model with the weight edits of `request`, in place of that of the batch before."""
        if self._generator is not None and self._variant == request.variant:
            return self._generator
        if self._generator is not None:
            self._generator.close()
            self._generator = None
        edits = self._composition(request.mitigation).weight_edits(request.model)
        variant = ModelVariant(self._run.card, edits)
        if variant.identity != request.variant:
            raise RunConflict(
                f"The weight edits of {request.mitigation} have changed since {self._folder.path} was begun; "
                "choose another output folder."
            )
        self._generator, self._variant = variant.load(self._device), request.variant
        self._generator.charge(self._ledger)
        return self._generator


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
    png = io.BytesIO()
    image.save(png, format="PNG")
    write_bytes(folder.path / file, png.getvalue())
    return hashlib.sha256(png.getvalue()).hexdigest()
