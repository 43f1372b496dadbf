"""Shift: how far guardrails move pictures of innocent prompts, in the features of an encoder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from copycat.cards.judges import JudgeCard
from copycat.io.lifecycle import free_memory
from copycat.records import ImageRow, Shift
from copycat.resolve import UNGUARDED, ResolvedRun
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runtime.device import resolve_device
from copycat.runtime.engines import batches
from copycat.runtime.progress import Progress
from copycat.stages.asking import open_picture
from copycat.subjects.innocents import is_innocent

if TYPE_CHECKING:
    from copycat.judges.embedding import EmbeddingDetector


@dataclass(frozen=True)
class Pair:
    """A guarded picture and the one of the same noise without a guardrail."""

    guarded: ImageRow
    plain: ImageRow

    @property
    def pictures(self) -> tuple[str, str]:
        """The hashes of their files."""
        return self.guarded.sha256 or "", self.plain.sha256 or ""


def measure_shifts(folder: RunFolder, run: ResolvedRun, *, progress: Progress, device: str = "auto") -> int:
    """Measure all pairs of innocent pictures that have not been; returns how many.

    The same pair is never measured twice by one encoder. A pair whose features are not numbers has no
    distance, which is not a distance of 0.
    """
    if run.features is None:
        return 0
    encoder = run.features.identity()
    if not _unmeasured(folder.data(), encoder):
        return 0
    with folder.stage("shift"):
        folder.shift_journal.repair()
        # Read again: another process may have measured them until the lock was free.
        data = folder.data()
        pending = _unmeasured(data, encoder)
        if not pending:
            return 0
        detector = _encoder(run.features, resolve_device(device, f"The encoder {run.features.name}", None))
        progress.start("compare", len(pending))
        try:
            for batch in batches(pending, detector.batch_size, key=lambda _: None):
                folder.shift_journal.append(_measured(detector, data, encoder, batch))
                progress.advance(len(batch))
        finally:
            progress.done()
            del detector
            free_memory()
    return len(pending)


def _unmeasured(data: RunData, encoder: str) -> list[Pair]:
    known = {(s.request, s.frame, s.pictures, s.encoder) for s in data.shift_rows}
    return [p for p in _pairs(data) if (*_place(p), p.pictures, encoder) not in known]


def _encoder(card: JudgeCard, device: str) -> EmbeddingDetector:
    # It brings torch.
    from copycat.judges.embedding import EmbeddingDetector

    return EmbeddingDetector.build(card, device)


def _place(pair: Pair) -> tuple[str, int]:
    return pair.guarded.request, pair.guarded.frame


def _pairs(data: RunData) -> Iterator[Pair]:
    innocent = [r for r in data.requests if is_innocent(r.prompt_set)]
    keys = {r.id: (r.prompt_set, r.character, r.prompt_index, r.index, r.run_seed) for r in innocent}
    plain = {keys[r.id]: r.id for r in innocent if r.mitigation == UNGUARDED}
    for r in innocent:
        if r.mitigation != UNGUARDED and keys[r.id] in plain:
            there = {row.frame: row for row in data.frames.get(plain[keys[r.id]], ()) if row.outcome == "ok"}
            for row in data.frames.get(r.id, ()):
                if row.outcome == "ok" and row.frame in there:
                    yield Pair(row, there[row.frame])


def _measured(detector: EmbeddingDetector, data: RunData, encoder: str, batch: list[Pair]) -> list[Shift]:
    rows = [row for p in batch for row in (p.guarded, p.plain)]
    vectors = detector.vectors([open_picture(data.path, row.file or "", row.sha256 or "") for row in rows])
    cosines = (vectors[::2] * vectors[1::2]).sum(axis=1)
    distances = [float(np.clip((1 - c) / 2, 0, 1)) if np.isfinite(c) else None for c in cosines]
    return [
        Shift(
            request=p.guarded.request, frame=p.guarded.frame, pictures=p.pictures, encoder=encoder, distance=d
        )
        for p, d in zip(batch, distances, strict=True)
    ]
