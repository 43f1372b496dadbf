"""Asking: what a judge's worker does with a batch of questions; a part of judge."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from copycat.errors import BadFile
from copycat.io import pictures
from copycat.judges.base import Judge, unscored
from copycat.records import Question, Verdict
from copycat.runtime.phases import Phased


@dataclass(frozen=True)
class Opened:
    """A batch whose pictures were opened."""

    questions: Sequence[Question]
    """Those whose pictures are there, in order."""
    images: Sequence[Image.Image]
    """One a question; all questions about a picture have the same object."""
    prepared: Any
    """What the judge made of them beforehand."""
    failed: Exception | None
    """What it raised instead."""
    unopened: Mapping[int, Verdict]
    """Verdicts on the other questions, by their places in the batch."""


@dataclass(frozen=True)
class Asking(Phased[Sequence[Question], Opened, list[Verdict], list[Verdict]]):
    """Asks one judge about pictures in the run folder `path`. They are opened while it answers questions
    about those before; one that does not open is unscored, not a failure of the others."""

    path: Path
    judge: Judge

    def stop(self) -> None:
        """Ask a hosted judge nothing more; what it is answering is kept."""
        self.judge.stop()

    def prepare(self, batch: Sequence[Question]) -> Opened:
        opened = {file: self._open(q) for file, q in {(q.file, q.sha256): q for q in batch}.items()}
        questions, images, unopened = [], [], {}
        for i, q in enumerate(batch):
            picture = opened[q.file, q.sha256]
            if isinstance(picture, str):
                unopened[i] = unscored(q, self.judge.identity, picture)
            else:
                questions.append(q)
                images.append(picture)
        prepared, failed = None, None
        try:
            prepared = self.judge.prepare(questions, images) if questions else None
        except Exception as e:  # noqa: BLE001  whatever a processor raises of one picture
            failed = e
        return Opened(questions, images, prepared, failed, unopened)

    def work(self, batch: Sequence[Question], prepared: Opened) -> list[Verdict]:
        places = [i for i in range(len(batch)) if i not in prepared.unopened]
        found = self._ask(prepared) if places else []
        verdicts = {**prepared.unopened, **dict(zip(places, found, strict=True))}
        return [verdicts[i] for i in range(len(batch))]

    def finish(self, batch: Sequence[Question], worked: list[Verdict]) -> list[Verdict]:  # noqa: ARG002
        return worked

    def _ask(self, prepared: Opened) -> list[Verdict]:
        if prepared.failed is not None:
            # Asked with nothing prepared, the judge tells which of the pictures it was.
            return self.judge.ask(prepared.questions, prepared.images)
        return self.judge.ask_prepared(prepared.questions, prepared.images, prepared.prepared)

    def _open(self, question: Question) -> Image.Image | str:
        """The picture that `question` is about, or why there is none."""
        try:
            return open_picture(self.path, question.file, question.sha256)
        except BadFile as e:
            return f"the picture does not open: {e}"


def open_picture(run: Path, file: str, sha256: str) -> Image.Image:
    """A picture of the run folder `run` as a person sees it, in RGB. Raises BadFile where its hash is not
    `sha256` or it does not open."""
    content = pictures.read_bytes(run / file, file)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BadFile(f"{file} is not the picture that was drawn")
    return pictures.decode(content, file).image
