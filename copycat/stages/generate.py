"""Generate: draw what the plan lists and the folder lacks."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from threading import Lock

from copycat.cards.hooks import Conditioning
from copycat.errors import CopycatError, RunConflict
from copycat.generators.base import Generator, ImageOutcome, ModelVariant
from copycat.io.ledger import Ledger
from copycat.io.store import Store
from copycat.mitigations import Composition, denoiser_key
from copycat.records import ImageRow, Request
from copycat.resolve import ResolvedRun, resolve
from copycat.runs.folder import RunFolder
from copycat.runs.spending import spending
from copycat.runtime.engines import Engine, batches
from copycat.runtime.phases import Phased
from copycat.runtime.progress import Progress
from copycat.stages.batch_size import with_batch_size
from copycat.stages.batched_pictures import draw_in_batches, take_up_pictures
from copycat.stages.cache import PictureCache
from copycat.stages.engine import engine_for
from copycat.stages.failing import Failing
from copycat.stages.held import Group, Held
from copycat.stages.idle import IdleNegatives
from copycat.stages.keep import keep
from copycat.stages.review import Reviewed, Reviewer

_ENCODERS = min(8, os.cpu_count() or 1)
"""Threads that encode pictures; a fast model makes more of them than one could."""
_LAST = 2
"""Batches that are not written yet when the last one is drawn, or about to be."""
Given = Mapping[str, Conditioning]
"""The embeddings that a batch's requests name, by their hash."""


@dataclass(frozen=True)
class Looked:
    """A batch that was drawn, and looked at by output filters."""

    reviewed: Sequence[Reviewed]
    """One outcome a request, in order."""
    seconds: float
    """That drawing took, a request."""
    notes: Sequence[str]
    """As in :class:`Drawn`."""


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
    ending: Callable[[], None] | None = None,
) -> int:
    """Draw all missing and failed pictures; returns how many. A finished run loads no model.

    A batch with any picture missing is drawn again as a whole, so that a resumed run gives the bits
    that an uninterrupted one would have given. `run` is resolved from the folder's own settings when it is
    not given; `device` is where to draw, unless the run's settings name several. `ending` is called when the
    last batches are drawn, for what comes next to be got ready.

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
        if not missing:
            shutil.rmtree(folder.held_path, ignore_errors=True)
            return 0
        if run.model != data.manifest.model:
            raise RunConflict(f"The weights of {run.card.name} have changed since {folder.path} was begun.")
        run = with_batch_size(folder, run, data.requests, _company, partial(_engine, folder, run, device))
        cut = batches(data.requests, run.card.batch_size, key=_company)
        pending = [b for b in cut if any(r.id in missing for r in b)]
        if run.card.api:
            # Neighbours do not matter there, every picture costs, and none waits for another.
            pending = [[r] for b in pending for r in b if r.id in missing]
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
        left = len(pending)

        def done(results: Sequence[tuple[Sequence[Request], Drawn]]) -> None:
            nonlocal left
            left -= len(results)
            if ending is not None and left <= _LAST:
                ending()
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

        if ending is not None and left <= _LAST:
            ending()
        progress.start("generate", sum(map(len, pending)))
        try:
            take_up_pictures(run, folder, ledger, [r for batch in pending for r in batch])
            for part in parts:
                draw_in_batches(run, folder, ledger, [r for batch in part for r in batch])
                engine.map(part, partial(_open_worker, run, folder, frozenset(missing), ledger), done)
        finally:
            progress.done()
        failing.check_all()
        if all(is_final(folder.path, seen.get(identity)) for identity in missing):
            shutil.rmtree(folder.held_path, ignore_errors=True)
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
) -> Iterator[_Drawer]:
    """Draws batches of the run in `folder`, and keeps the pictures of the `missing` requests."""
    drawer = _Drawer(run, folder, missing, ledger, device)
    try:
        yield drawer
    finally:
        drawer.close()


class _Drawer(Phased[Sequence[Request], Given, Looked, Drawn]):
    """Draws batches; has one model in memory, with the weight edits of the last batch. Threads may share it
    where the model runs elsewhere, and so has no weight edits. Pictures are kept while the next are drawn."""

    def __init__(
        self, run: ResolvedRun, folder: RunFolder, missing: frozenset[str], ledger: Ledger, device: str
    ) -> None:
        self._run, self._folder, self._missing, self._device = run, folder, missing, device
        self._ledger, self._cache = ledger, PictureCache(run.card, device, run.config.cache)
        self._held = Held(Store(folder.held_path), self._cache.keys)
        self._context = run.context(ask=False)
        self._composition = cache(self._bind)
        self._reviewer = Reviewer(run, device, self._composition, ledger)
        self._generator: Generator | None = None
        self._variant = ""
        self._notes: list[str] | None = None
        self._loading = Lock()
        self._pool = ThreadPoolExecutor(_ENCODERS, "encode")

    def stop(self) -> None:
        """Let a hosted model draw nothing more; what it is drawing is finished and kept."""
        if self._generator is not None:
            self._generator.stop()

    def prepare(self, batch: Sequence[Request]) -> Given:
        names = {r.conditioning for r in batch} - {""}
        return {sha: Conditioning.read(self._folder.conditioning_path, sha) for sha in names}

    def work(self, batch: Sequence[Request], prepared: Given) -> Looked:
        with self._loading:
            generator = self._load(batch[0])
            if self._notes is None:
                self._notes = generator.remarks(self._folder.request_journal.rows())
            denoise = self._composition(batch[0].mitigation).denoiser(batch[0])

        def draw(requests: Sequence[Request]) -> list[ImageOutcome]:
            return generator.generate(requests, conditionings=prepared, denoise=denoise)

        drawn: list[Group] = []

        def generate(requests: Sequence[Request]) -> list[ImageOutcome]:
            outcomes = self._held.draw(requests, partial(self._cache.draw, draw=draw))
            drawn.append((requests, outcomes))
            return outcomes

        began = time.monotonic()
        outcomes = generate(batch)
        seconds = round((time.monotonic() - began) / len(batch), 4)
        try:
            reviewed = self._reviewer.review(batch, outcomes, generate)
        except Exception:
            # What is raised is what came first.
            with suppress(CopycatError, OSError):
                self._held.keep(drawn)
            raise
        if any(review is not None and outcome.outcome == "error" for outcome, review in reviewed):
            self._held.keep(drawn)
        return Looked(reviewed, seconds, self._notes)

    def finish(self, batch: Sequence[Request], worked: Looked) -> Drawn:
        def kept(request: Request, reviewed: Reviewed) -> list[ImageRow]:
            outcome, review = reviewed
            if request.id not in self._missing:
                return []
            return keep(self._folder, request, outcome, worked.seconds, review)

        return Drawn(list(self._pool.map(kept, batch, worked.reviewed)), worked.notes)

    def close(self) -> None:
        """Let go of every model."""
        self._pool.shutdown()
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
