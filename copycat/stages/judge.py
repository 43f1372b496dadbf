"""Judge: ask about every picture what has not been answered yet."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from PIL import Image

from copycat.cards.judges import JudgeCard
from copycat.config import RunConfig
from copycat.errors import BadFile, MissingRequirement, UserError
from copycat.judges.base import Judge, answers, error_rates, identify, load_judge, question_hash, unscored
from copycat.judges.panel import vote
from copycat.records import Question, Verdict
from copycat.report.words import judge_sentence
from copycat.resolve import Judging, resolve_judging
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runtime.engines import batches
from copycat.runtime.progress import Progress
from copycat.stages.engine import choose_engine


def judge(
    folder: RunFolder,
    judging: Judging | None = None,
    *,
    judge_name: str | None = None,
    progress: Progress | None = None,
    device: str = "auto",
    config: RunConfig | None = None,
) -> int:
    """Ask all open questions, unscored ones among them; returns how many.

    `judging` is found here when it is not given: for the judge `judge_name`, a card or folder, or else the
    run's own. How many processes ask is said by `config`, or else by the settings that the run was begun
    with.

    Raises UserError where nobody is named and the numbers are of a judge that was recorded elsewhere.
    """
    progress = progress or Progress()
    data = folder.open().data()
    if judging is None and judge_name is None:
        _refuse_recorded(data)
    judging = judging or find_judging(data, judge_name)
    refuse_withheld(data, judging)
    with folder.stage("judge"):
        folder.verdict_journal.repair()
        data = folder.data()
        members = [Judging(card, judging.measures) for card in judging.card.asked()]
        config = config or data.manifest.config
        asked = sum(_ask_all(folder, data, member, progress, config, device) for member in members)
        if judging.card.members:
            _count_votes(folder, judging, members)
        if data.manifest.judge not in (None, judging.identity):
            folder.forget_metrics()
        folder.update(judge=judging.identity)
    return asked


def _refuse_recorded(data: RunData) -> None:
    """Raise UserError for a run whose judge cannot be asked: another would take its numbers unnoticed."""
    judge = data.manifest.judged_elsewhere
    if judge:
        raise UserError(
            f"The numbers of {data.path} are of {judge}, whose answers were recorded elsewhere: it cannot be "
            f"asked. Name the judge to ask with --judge, such as {data.manifest.config.judge}; the numbers "
            "are then that judge's."
        )


def find_judging(data: RunData, judge_name: str | None = None) -> Judging:
    """Who is to be asked about a run's pictures; the run's own judge unless another is named."""
    config = data.manifest.config
    asked_about = {r.character for r in data.requests}
    characters = [c for c in data.registry.characters if c.slug in asked_about]
    return resolve_judging(judge_name or config.judge, data.registry, characters, config.measures)


def told_rates(card: JudgeCard) -> str:
    """How often the judge of `card` errs, in a sentence. Raises BadFile for a calibration that is none."""
    return judge_sentence(error_rates(card)).removeprefix("Judge: ")


def refuse_withheld(data: RunData, judging: Judging) -> None:
    """Say that pictures which stayed with their publisher cannot be judged, before numbers are forgotten."""
    origin = data.manifest.origin
    if origin is None or not origin.withheld:
        return
    for card in judging.card.asked():
        answered = _answered(data, identify(card))
        open_ = [q for q in _questions(data, Judging(card, judging.measures)) if not answered(q)]
        lacking = {q.file for q in open_ if not (data.path / q.file).is_file()}
        if lacking:
            raise MissingRequirement(
                f"{len(lacking)} pictures of {data.path} are withheld from {origin.source}, and "
                f"{card.name} has not judged them; judging needs the pictures, which the publisher has."
            )


def _answered(data: RunData, identity: str) -> Callable[[Question], bool]:
    """Tells of a question whether the judge called `identity` has answered it."""
    known = {
        (v.request, v.frame, v.kind, v.judge, v.question_hash, v.image_sha256)
        for v in data.verdicts
        if v.scored
    }
    return lambda q: (q.request, q.frame, q.kind, identity, question_hash(q), q.sha256) in known


def _ask_all(
    folder: RunFolder,
    data: RunData,
    judging: Judging,
    progress: Progress,
    config: RunConfig,
    device: str,
) -> int:
    """Ask one judge what it has not answered, and then what its answers leave open; its card is no panel."""
    first = _questions(data, judging)
    asked = _ask_open(folder, data, judging, first, progress, config, device)
    data, put = folder.data(), set(first)
    then = [q for q in _questions(data, judging) if q not in put]
    return asked + _ask_open(folder, data, judging, then, progress, config, device)


def _ask_open(
    folder: RunFolder,
    data: RunData,
    judging: Judging,
    questions: Sequence[Question],
    progress: Progress,
    config: RunConfig,
    device: str,
) -> int:
    """Ask one judge those of `questions` that `data` has no answers to."""
    card = judging.card
    answered = _answered(data, judging.identity)
    cut = batches(questions, card.batch_size, key=lambda q: q.kind)
    pending = [b for b in cut if not all(map(answered, b))]
    if card.api:
        # Neighbours do not matter there, and every answer costs.
        pending = [[q for q in b if not answered(q)] for b in pending]
    if not pending:
        return 0

    def done(batch: Sequence[Question], said: Sequence[Verdict]) -> None:
        folder.verdict_journal.append([v for q, v in zip(batch, said, strict=True) if not answered(q)])
        progress.advance(len(batch))

    engine = choose_engine(device, config, f"The judge {card.name}", card.min_gpu_gb)
    progress.start("judge", sum(map(len, pending)))
    try:
        engine.map(pending, partial(_open_worker, card, folder.path), done)
    finally:
        progress.done()
    return sum(not answered(q) for b in pending for q in b)


@contextmanager
def _open_worker(
    card: JudgeCard, path: Path, device: str
) -> Iterator[Callable[[Sequence[Question]], list[Verdict]]]:
    """Asks the judge of `card` about pictures in the run folder `path`."""
    with load_judge(card, device) as judge_:
        yield lambda batch: _ask(path, judge_, batch)


def _count_votes(folder: RunFolder, panel: Judging, members: Sequence[Judging]) -> None:
    """A panel's verdicts from its members' rows; then those on what its own verdicts leave open."""
    _count(folder, panel, members)
    if _doubts(folder.data(), panel):
        _count(folder, panel, members)


def _count(folder: RunFolder, panel: Judging, members: Sequence[Judging]) -> None:
    """A panel's verdicts from its members' rows; only those that changed are written."""
    data = folder.data()
    said = {(v.request, v.frame, v.kind, v.judge, v.question_hash): v for v in data.verdicts}
    ballots: dict[tuple[object, ...], list[Verdict]] = {}
    for member in members:
        for q in _questions(data, member):
            v = said.get((q.request, q.frame, q.kind, member.identity, question_hash(q)))
            if v and v.image_sha256 == q.sha256:
                ballots.setdefault((q.request, q.frame, q.kind, q.item), []).append(v)
    rule, signed = panel.card.vote, panel.identity
    counted = [
        vote(q, signed, rule, ballots.get((q.request, q.frame, q.kind, q.item), []), data.registry)
        for q in _questions(data, panel)
    ]
    old = {(v.request, v.frame, v.kind, v.question_hash): v for v in said.values() if v.judge == signed}
    changed = [v for v in counted if old.get((v.request, v.frame, v.kind, v.question_hash)) != v]
    folder.verdict_journal.append(changed)


def _questions(data: RunData, judging: Judging) -> list[Question]:
    """What a judge is asked about the run's pictures, in the plan's order; no question twice.

    Of a measure whose answer about a picture leaves the number open, the question that settles it too.
    """
    card = judging.card
    asked: dict[tuple[object, ...], Question] = {}
    doubted = _doubts(data, judging)
    for request in data.requests:
        for row in data.frames.get(request.id, ()):
            more = [m for m in judging.measures if (row.request, row.frame, m.name) in doubted]
            measures = [*judging.measures, *(m.settled_by for m in more)] if row.outcome == "ok" else []
            for measure in measures:
                if measure is None or measure.ask is None or not answers(card, measure.ask.kind):
                    continue
                for q in measure.questions(request, row, data.registry, card.references, card.style):
                    asked.setdefault((q.request, q.frame, q.kind, q.item), q)
    return list(asked.values())


def _doubts(data: RunData, judging: Judging) -> set[tuple[str, int, str]]:
    """Request, frame and measure of the answers of a judge that leave a measure's number open."""
    measures = [m for m in judging.measures if m.settled_by]
    slugs = {r.id: r.character for r in data.requests}
    identity = judging.identity  # a detector reads its registry for it
    return {
        (v.request, v.frame, m.name)
        for v in data.verdicts
        for m in measures
        if m.ask and m.ask.kind == v.kind and v.judge == identity and v.request in slugs
        if m.doubts(v.answer, data.registry[slugs[v.request]])
    }


def _ask(path: Path, judge_: Judge, batch: Sequence[Question]) -> list[Verdict]:
    """Verdicts on `batch`; a picture that does not open is unscored, not a failure of the others."""
    verdicts: dict[int, Verdict] = {}
    pictures: dict[int, Image.Image] = {}
    for i, question in enumerate(batch):
        try:
            pictures[i] = open_picture(path, question.file, question.sha256)
        except (OSError, BadFile) as e:
            verdicts[i] = unscored(question, judge_.identity, f"the picture does not open: {e}")
    found = judge_.ask([batch[i] for i in pictures], list(pictures.values())) if pictures else []
    verdicts.update(zip(pictures, found, strict=True))
    return [verdicts[i] for i in range(len(batch))]


def open_picture(run: Path, file: str, sha256: str) -> Image.Image:
    """A picture of the run folder `run`, in RGB. Raises BadFile where its hash is not `sha256`, and OSError
    where it does not open."""
    content = (run / file).read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BadFile(f"{file} is not the picture that was drawn")
    return Image.open(io.BytesIO(content)).convert("RGB")
