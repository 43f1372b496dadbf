"""Judge: ask about every picture what has not been answered yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from copycat.cards.judges import JudgeCard
from copycat.config import RunConfig
from copycat.errors import MissingRequirement, UserError
from copycat.io.ledger import Ledger
from copycat.io.rows import as_rows
from copycat.judges.base import CATALOG as JUDGES
from copycat.judges.base import answers, error_rates, identify, load_judge, question_hash
from copycat.judges.panel import vote
from copycat.records import Question, Verdict
from copycat.report.words import judge_sentence
from copycat.resolve import Judging, resolve_judging
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runs.spending import spending
from copycat.runtime.engines import batches
from copycat.runtime.progress import Progress
from copycat.stages.affordable import check_judge_affordable, check_judge_batches
from copycat.stages.answered import answered_by, doubts_of
from copycat.stages.asking import Asking
from copycat.stages.batched_questions import ask_in_batches, take_up_batches
from copycat.stages.cache import AnswerCache
from copycat.stages.engine import engine_for
from copycat.stages.failing import Failing
from copycat.stages.intake import Intake, failure


def judge(
    folder: RunFolder,
    judging: Judging | None = None,
    *,
    judge_name: str | None = None,
    progress: Progress | None = None,
    device: str = "auto",
    config: RunConfig | None = None,
    concurrency: int | None = None,
    max_cost: float | None = None,
    reuse: bool | None = None,
    engine: str | None = None,
    address: str | None = None,
    batch: bool = False,
) -> int:
    """Ask all open questions, unscored ones among them; returns how many, answers from the cache included.

    `judging` is found here when it is not given: for the judge `judge_name`, a card or folder, or else the
    run's own. How many processes ask, and how many calls to a hosted judge are in flight, is said by
    `config`, or else by the settings that the run was begun with; `concurrency`, and `engine` with its
    `address`, go before both.
    `max_cost`, in dollars, is kept for all that the run has spent, `reuse` says whether answers are
    taken from the cache and kept there, and `batch` whether a hosted judge is asked in batches of its
    provider; all are taken from `config` where that is given.

    Raises MissingRequirement at that cap, and when no verdict can be had, or ten in a row fail in the same
    way. UserError where nobody is named and the numbers are of a judge that was
    recorded elsewhere.
    """
    progress = progress or Progress()
    data = folder.open().data()
    if judging is None and judge_name is None:
        _refuse_recorded(data)
    judging = judging or find_judging(data, judge_name)
    refuse_withheld(data, judging)
    if config is None and batch:
        check_judge_batches(judging.card)
    paying = {"max_cost": max_cost, "cache": reuse, "batch": batch}
    config = config or data.manifest.config.model_copy(update=paying)
    config = config.computed_by(engine, address)
    check_judge_affordable(judging.card, config.max_cost, batch=config.batch)
    with folder.stage("judge"), spending(folder, config.max_cost) as ledger:
        folder.verdict_journal.repair()
        data = folder.data()
        members = [Judging(card, judging.measures) for card in judging.card.asked()]
        if concurrency is not None:
            config = config.model_copy(update={"concurrency": concurrency})
        asked = sum(_ask_all(folder, data, member, progress, config, device, ledger) for member in members)
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
    asked_about = as_rows(data.requests).column("character").values
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
        answered = answered_by(data, identify(card))
        open_ = [q for q in _questions(data, Judging(card, judging.measures)) if not answered(q)]
        lacking = {q.file for q in open_ if not (data.path / q.file).is_file()}
        if lacking:
            raise MissingRequirement(
                f"{len(lacking)} pictures of {data.path} are withheld from {origin.source}, and "
                f"{card.name} has not judged them; judging needs the pictures, which the publisher has."
            )


def _ask_all(
    folder: RunFolder,
    data: RunData,
    judging: Judging,
    progress: Progress,
    config: RunConfig,
    device: str,
    ledger: Ledger,
) -> int:
    """Ask one judge what it has not answered, and then what its answers leave open; its card is no panel."""
    cache = AnswerCache(judging.card, judging.identity, config.cache)
    before = len(data.verdict_rows)
    data = _take_up(folder, data, judging, cache, progress, ledger)
    taken_up = len(data.verdict_rows) - before
    # Not what earlier answers leave open: batches follow from the plan, however much of it is answered.
    first = _questions(data, judging, settle=False)
    asked = _ask_open(folder, data, judging, first, cache, progress, config, device, ledger)
    data, put = folder.data(), set(first)
    then = [q for q in _questions(data, judging) if q not in put]
    return taken_up + asked + _ask_open(folder, data, judging, then, cache, progress, config, device, ledger)


def _ask_open(
    folder: RunFolder,
    data: RunData,
    judging: Judging,
    questions: Sequence[Question],
    cache: AnswerCache,
    progress: Progress,
    config: RunConfig,
    device: str,
    ledger: Ledger,
) -> int:
    """Ask one judge those of `questions` that `data` has no answers to."""
    card = judging.card.with_concurrency(config.concurrency)
    who = f"The judge {card.name}"
    identity = judging.identity  # a detector reads its registry for it
    answered = answered_by(data, identity)
    cut = _by_picture(questions, card.batch_size)
    pending = [b for b in cut if not all(map(answered, b))]
    open_ = [q for b in pending for q in b if not answered(q)]
    if card.api:
        # Neighbours do not matter there, every answer costs, and none waits for another.
        pending = _reuse(folder, cache, open_)
    if not pending:
        return len(open_)

    intake = _intake(folder, data, judging, cache, progress)
    progress.start("judge", sum(map(len, pending)))
    try:
        if config.batch and card.api and JUDGES.get(card.kind).batches:
            ask_in_batches(card, intake, ledger, [q for b in pending for q in b])
        else:
            engine = engine_for(card, device, config, who, folder=folder.path)
            engine.map(pending, partial(_open_worker, card, folder.path, ledger), intake.done)
    finally:
        progress.done()
    intake.failing.check_all()
    return len(open_)


def _intake(
    folder: RunFolder, data: RunData, judging: Judging, cache: AnswerCache, progress: Progress
) -> Intake:
    """What takes in the answers of one judge that `data` lacks."""
    identity = judging.identity
    before = any(failure(v) is None for v in data.evidence(identity).verdicts)
    failing = Failing(f"The judge {judging.card.name}", "verdicts", answered=before)
    return Intake(folder, cache, answered_by(data, identity), progress, failing)


def _take_up(
    folder: RunFolder,
    data: RunData,
    judging: Judging,
    cache: AnswerCache,
    progress: Progress,
    ledger: Ledger,
) -> RunData:
    """Wait for the batches of one judge that an earlier command sent, whatever this one was told: they are
    paid. Gives the run with their answers."""
    folder.batches.tidy()
    sent = folder.batches.of(judging.identity, "answer")
    if not sent:
        return data
    progress.start("judge", sum(len(s.calls) for s in sent))
    try:
        intake = _intake(folder, data, judging, cache, progress)
        take_up_batches(judging.card, intake, ledger, sent, _questions(data, judging))
    finally:
        progress.done()
    return folder.data()


def _by_picture(questions: Sequence[Question], size: int) -> list[list[Question]]:
    """Batches of all `questions` about at most `size` pictures, with whatever is asked about one together."""
    about: dict[tuple[str, int], list[Question]] = {}
    for q in questions:
        about.setdefault((q.request, q.frame), []).append(q)
    cut = batches(list(about.values()), size, key=lambda _: None)
    return [[q for asked in batch for q in asked] for batch in cut]


def _reuse(folder: RunFolder, cache: AnswerCache, questions: Sequence[Question]) -> list[list[Question]]:
    """Answer those of `questions` whose answers are kept; each of the others as a batch of its own."""
    kept = [(q, cache.get(q)) for q in questions]
    folder.verdict_journal.append([v for _, v in kept if v is not None])
    return [[q] for q, v in kept if v is None]


def open_questions(data: RunData, judging: Judging) -> tuple[int, list[Question]]:
    """How many questions a judge is asked about the pictures of `data`, as far as that is known before it is
    asked; and those that it has not answered. Its card is no panel."""
    questions, answered = _questions(data, judging), answered_by(data, judging.identity)
    return len(questions), [q for q in questions if not answered(q)]


@contextmanager
def _open_worker(card: JudgeCard, path: Path, ledger: Ledger, device: str) -> Iterator[Asking]:
    """Asks the judge of `card` about pictures in the run folder `path`."""
    with load_judge(card, device) as judge_:
        judge_.charge(ledger)
        yield Asking(path, judge_)


def _count_votes(folder: RunFolder, panel: Judging, members: Sequence[Judging]) -> None:
    """A panel's verdicts from its members' rows; then those on what its own verdicts leave open."""
    _count(folder, panel, members)
    if doubts_of(folder.data(), panel):
        _count(folder, panel, members)


def _count(folder: RunFolder, panel: Judging, members: Sequence[Judging]) -> None:
    """A panel's verdicts from its members' rows; only those that changed are written."""
    data = folder.data()
    said = {(v.request, v.frame, v.kind, v.judge, v.question_hash): v for v in data.verdicts}
    ballots: dict[tuple[object, ...], list[Verdict]] = {}
    for member in members:
        identity = member.identity
        for q in _questions(data, member):
            v = said.get((q.request, q.frame, q.kind, identity, question_hash(q)))
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


def _questions(data: RunData, judging: Judging, *, settle: bool = True) -> list[Question]:
    """What a judge is asked about the run's pictures, in the plan's order; no question twice.

    With `settle`, also those that settle what an answer leaves open.
    """
    card = judging.card
    asked: dict[tuple[object, ...], Question] = {}
    doubted = doubts_of(data, judging) if settle else set()
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
