"""Judge: ask about every picture what has not been answered yet."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence

from PIL import Image

from copycat.content import asked_for
from copycat.device import resolve_device
from copycat.errors import BadFile, MissingRequirement
from copycat.judges.base import (
    Judge,
    answers,
    check_judge,
    identify,
    load_judge,
    question_hash,
    unscored,
)
from copycat.judges.card import JudgeCard, load_judge_card
from copycat.judges.panel import vote
from copycat.judges.questions import questions
from copycat.progress import Progress, Silent
from copycat.records import Question, Verdict
from copycat.runs.batches import batches
from copycat.runs.folder import RunFolder


def judge(
    folder: RunFolder,
    *,
    judge_name: str | None = None,
    progress: Progress | None = None,
    device: str = "auto",
) -> int:
    """Ask all open questions, unscored ones among them; returns how many.

    `judge_name` is a card or folder, by default the run's.
    """
    progress = progress or Silent()
    folder.open()
    card = load_judge_card(judge_name or folder.manifest().config.judge)
    registry = folder.registry()
    asked_about = {r.character for r in folder.requests()}
    check_judge(card, registry, [c for c in registry.characters if c.slug in asked_about])
    identity = identify(card)
    refuse_withheld(folder, card)
    with folder.stage("judge"):
        folder.verdict_journal.repair()
        asked = sum(_ask_all(folder, member, progress, device) for member in card.asked())
        if card.members:
            _count_votes(folder, card)
        if folder.manifest().judge not in (None, identity):
            folder.forget_metrics()
        folder.update(judge=identity)
    return asked


def refuse_withheld(folder: RunFolder, card: JudgeCard) -> None:
    """Say that pictures which stayed with their publisher cannot be judged, before numbers are forgotten."""
    origin = folder.manifest().origin
    if origin is None or not origin.withheld:
        return
    for member in card.asked():
        answered = _answered(folder, identify(member))
        open_ = [q for q in _questions(folder, member) if not answered(q)]
        lacking = {q.file for q in open_ if not (folder.path / q.file).is_file()}
        if lacking:
            raise MissingRequirement(
                f"{len(lacking)} pictures of {folder.path} are withheld from {origin.source}, and "
                f"{member.name} has not judged them; judging needs the pictures, which the publisher has."
            )


def _answered(folder: RunFolder, identity: str) -> Callable[[Question], bool]:
    """Tells of a question whether the judge called `identity` has answered it."""
    known = {
        (v.request, v.frame, v.kind, v.judge, v.question_hash, v.image_sha256)
        for v in folder.verdicts()
        if v.status == "scored"
    }
    return lambda q: (q.request, q.frame, q.kind, identity, question_hash(q), q.sha256) in known


def _ask_all(folder: RunFolder, card: JudgeCard, progress: Progress, device: str) -> int:
    """Ask one judge what it has not answered; its card is no panel."""
    answered = _answered(folder, identify(card))
    cut = batches(_questions(folder, card), card.batch_size, key=lambda q: q.kind)
    pending = [b for b in cut if not all(map(answered, b))]
    if card.api:
        # Neighbours do not matter there, and every answer costs.
        pending = [[q for q in b if not answered(q)] for b in pending]
    asked = 0
    if pending:
        judge_ = load_judge(card, resolve_device(device, f"The judge {card.name}", card.min_gpu_gb))
        progress.start("judge", sum(map(len, pending)))
        try:
            for batch in pending:
                fresh = [
                    v for q, v in zip(batch, _ask(folder, judge_, batch), strict=True) if not answered(q)
                ]
                folder.verdict_journal.append(fresh)
                asked += len(fresh)
                progress.advance(len(batch))
        finally:
            progress.done()
    return asked


def _count_votes(folder: RunFolder, card: JudgeCard) -> None:
    """A panel's verdicts from its members' rows; only those that changed are written."""
    said = {(v.request, v.frame, v.kind, v.judge, v.question_hash): v for v in folder.verdicts()}
    ballots: dict[tuple[object, ...], list[Verdict]] = {}
    for member in card.asked():
        signed = identify(member)
        for q in _questions(folder, member):
            v = said.get((q.request, q.frame, q.kind, signed, question_hash(q)))
            if v and v.image_sha256 == q.sha256:
                ballots.setdefault((q.request, q.frame, q.kind, q.item), []).append(v)
    registry, identity = folder.registry(), identify(card)
    counted = [
        vote(q, identity, card.vote, ballots.get((q.request, q.frame, q.kind, q.item), []), registry)
        for q in _questions(folder, card)
    ]
    old = {(v.request, v.frame, v.kind, v.question_hash): v for v in said.values() if v.judge == identity}
    changed = [v for v in counted if old.get((v.request, v.frame, v.kind, v.question_hash)) != v]
    folder.verdict_journal.append(changed)


def _questions(folder: RunFolder, card: JudgeCard) -> list[Question]:
    """What `card`'s judge is asked about the run's pictures, in the plan's order."""
    registry, frames, kinds = folder.registry(), folder.frames(), answers(card)
    return [
        question
        for request in folder.requests()
        for row in frames.get(request.id, ())
        if row.outcome == "ok"
        for character in [registry[request.character]]
        for question in questions(row, character, asked_for(request, character), card.references)
        if question.kind in kinds
    ]


def _ask(folder: RunFolder, judge_: Judge, batch: Sequence[Question]) -> list[Verdict]:
    """Verdicts on `batch`; a picture that does not open is unscored, not a failure of the others."""
    verdicts: dict[int, Verdict] = {}
    pictures: dict[int, Image.Image] = {}
    for i, question in enumerate(batch):
        try:
            pictures[i] = _picture(folder, question)
        except (OSError, BadFile) as e:
            verdicts[i] = unscored(question, judge_.identity, f"the picture does not open: {e}")
    found = judge_.ask([batch[i] for i in pictures], list(pictures.values())) if pictures else []
    verdicts.update(zip(pictures, found, strict=True))
    return [verdicts[i] for i in range(len(batch))]


def _picture(folder: RunFolder, question: Question) -> Image.Image:
    content = (folder.path / question.file).read_bytes()
    if hashlib.sha256(content).hexdigest() != question.sha256:
        raise BadFile(f"{question.file} is not the picture that was drawn")
    return Image.open(io.BytesIO(content)).convert("RGB")
