"""Detecting: whether a picture just drawn shows a character, told as DETECT tells it; a part of plan."""

from __future__ import annotations

import hashlib

from PIL.Image import Image

from copycat.cards.judges import load_judge_card
from copycat.generators.base import ImageOutcome
from copycat.io.ledger import Ledger
from copycat.io.lifecycle import Closing
from copycat.judges.base import answers, load_judge
from copycat.measures.base import Measure
from copycat.measures.detect import DETECT, DETECT_TARGETED, THRESHOLD
from copycat.measures.questions import IDENTIFY, VERIFY
from copycat.records import ImageRow, Request
from copycat.resolve import ResolvedRun
from copycat.runtime.device import resolve_device
from copycat.stages.engine import first_device


class Detecting(Closing):
    """One judge, who is asked about pictures that have no file."""

    def __init__(self, run: ResolvedRun, name: str, ledger: Ledger | None) -> None:
        """`name` is a judge's card or folder; it runs on the run's device. What it costs is entered in
        `ledger`."""
        card = load_judge_card(name).with_concurrency(run.config.concurrency)
        device = resolve_device(
            first_device(run.config.device, run.config), f"The judge {card.name}", card.min_gpu_gb
        )
        self._card, self._registry, self._judge = card, run.registry, load_judge(card, device)
        if ledger is not None:
            self._judge.charge(ledger)

    def detects(self, request: Request, outcome: ImageOutcome) -> bool | None:
        """Whether what became of `request` shows its character, of a video any of the judged frames. False
        for a refusal; None for a failure and where the judge gives no answer."""
        if outcome.outcome != "ok":
            return None if outcome.outcome == "error" else False
        frames = [outcome.frames[i] for i in request.sampling.judged] if outcome.frames else [outcome.image]
        seen = [self._shows(request, frame) for frame in frames if frame is not None]
        return True if True in seen else None if None in seen else False

    def _shows(self, request: Request, image: Image) -> bool | None:
        first: Measure = DETECT if answers(self._card, IDENTIFY.kind) else DETECT_TARGETED
        return self._read(first, request, image)

    def _read(self, measure: Measure, request: Request, image: Image) -> bool | None:
        character = self._registry[request.character]
        sha256 = hashlib.sha256(f"{image.mode} {image.size} ".encode() + image.tobytes()).hexdigest()
        # A row as the judging stage has it, of a picture without a file.
        row = ImageRow(request=request.id, outcome="ok", file="", sha256=sha256)
        questions = measure.questions(request, row, self._registry, self._card.references, self._card.style)
        answer = self._judge.ask(questions, [image])[0].answer
        settled = measure.settled_by
        if settled is not None and measure.doubts(answer, character) and answers(self._card, VERIFY.kind):
            return self._read(settled, request, image)
        value = measure.read(answer, character)
        return None if value is None else value > THRESHOLD
