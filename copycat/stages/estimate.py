"""What is left of a run, and what it will take: pictures, calls, tokens, dollars and hours. Asks nobody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from copycat.cards.judges import JudgeCard, load_judge_card
from copycat.cards.prices import Call, Tariff, tariff
from copycat.cards.seconds import seconds
from copycat.config import RunConfig
from copycat.generators.base import CATALOG as GENERATORS
from copycat.judges.base import CATALOG as JUDGES
from copycat.measures.questions import IDENTIFY
from copycat.records import ImageRow, Question, Request, Usage
from copycat.resolve import Judging, ResolvedRun
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import Manifest
from copycat.stages.affordable import check_judge_batches
from copycat.stages.cache import AnswerCache, PictureCache
from copycat.stages.generate import is_final
from copycat.stages.judge import find_judging, open_questions, refuse_withheld

_REFERENCE = (1024, 1024)
"""Pixels that a reference picture is taken to have."""


@dataclass(frozen=True)
class Estimate:
    """What one model is left to do. None is unknown."""

    who: str
    made: str
    """`pictures`, `videos` or `questions`."""
    left: int
    total: int
    reused: int = 0
    """Of those left, how many lie in the cache."""
    hosted: bool = False
    tokens_in: float | None = None
    """Of hosted calls, about."""
    tokens_out: float | None = None
    usd: float | None = None
    """About."""
    most: float | None = None
    """Dollars that are surely not passed, when each call is answered at the first attempt."""
    hours: float | None = None
    price: str = ""
    """Where the price comes from, and of when it is."""
    hours_by: str = ""
    """Where the hours come from."""
    open_ended: bool = False
    """Whether there may be more to do than that, as answers will tell."""

    @property
    def calls(self) -> int:
        """Hosted calls."""
        return self.left - self.reused if self.hosted else 0


def planned(run: ResolvedRun, requests: Sequence[Request], data: RunData | None) -> RunData:
    """The run as it would be with a picture for every request; `data` is what there is of it."""
    begun = data or RunData(
        path=run.folder,
        manifest=Manifest(config=run.config, model=run.model),
        registry=run.registry,
        requests=requests,
        image_rows=(),
        verdict_rows=(),
    )
    made = begun.frames
    missing = [r for r in requests if not is_final(begun.path, made.get(r.id))]
    coming = [
        ImageRow(request=r.id, frame=f, outcome="ok", file="to come", sha256="")
        for r in missing
        for f in r.sampling.judged
    ]
    return replace(begun, image_rows=(*begun.image_rows, *coming))


def drawing(run: ResolvedRun, requests: Sequence[Request], data: RunData | None) -> Estimate:
    """What is left to draw."""
    made = data.frames if data else {}
    left = [r for r in requests if not is_final(run.folder, made.get(r.id))]
    card, config = run.card, run.config
    paid, reused = left, 0
    if card.api:
        kept = PictureCache(card, "cpu", config.cache)
        paid = [r for r in left if not kept.holds(r)]
        reused = len(left) - len(paid)
    each, by = _seconds_a_picture(run, data)
    at_once = len(config.devices) or config.workers or 1
    found = Estimate(
        who=config.model,
        made="videos" if card.sampling.frames else "pictures",
        left=len(left),
        total=len(requests),
        reused=reused,
        hosted=card.api is not None,
        hours=None if each is None else each * len(paid) / (1 if card.api else at_once) / 3600,
        hours_by=_on_one_worker(by, config, alone=at_once == 1),
    )
    if card.api is None:
        return replace(found, usd=0.0, most=0.0)
    kind = GENERATORS.get(card.kind)
    prices = tariff(card, batch=config.batch and kind.batches)
    usages = [row.usage for row in data.image_rows if row.usage] if data else []
    return _priced(found, prices, [kind.call(card, r) for r in paid], usages)


def judging(asked: Judging, data: RunData) -> list[Estimate]:
    """What is left to ask about the pictures of `data`, by each judge that looks at them."""
    members = [Judging(card, asked.measures) for card in asked.card.asked()]
    return [_judging(member, data) for member in members]


def still_to_ask(
    folder: RunFolder, judge_name: str | None, reuse: bool | None, *, batch: bool = False
) -> list[str]:
    """What is left to ask of the judge `judge_name`, of the run's own by default, in lines. Raises UserError
    where it cannot be asked about that run, or not in a `batch`."""
    data = folder.open().data()
    paying = data.manifest.config.model_copy(update={"cache": reuse, "batch": batch})
    data = replace(data, manifest=data.manifest.model_copy(update={"config": paying}))
    found = find_judging(data, judge_name)
    refuse_withheld(data, found)
    if batch:
        check_judge_batches(found.card)
    return told(judging(found, data))


def _judging(judging: Judging, data: RunData) -> Estimate:
    card, config = judging.card, data.manifest.config
    total, left = open_questions(data, judging)
    cache = AnswerCache(card, judging.identity, config.cache)
    paid = [q for q in left if not q.sha256 or cache.get(q) is None]
    mine = [v for v in data.verdict_rows if v.judge == judging.identity and not v.reused]
    stage = data.manifest.stages.get("judge")
    each, by = None, ""
    measured = bool(mine and stage and stage.seconds)
    if mine and stage and stage.seconds:
        each, by = stage.seconds / len(mine), "as the run's answers took so far"
    elif card.api is None and card.min_gpu_gb:
        each, by = seconds().judge_seconds, seconds().judge_source
    found = Estimate(
        who=card.name,
        made="questions",
        left=len(left),
        total=total,
        reused=len(left) - len(paid),
        hosted=card.api is not None,
        hours=None if each is None else each * len(paid) / 3600,
        hours_by=by if card.api or measured else _on_one_worker(by, config, alone=True),
        open_ended=any(m.settled_by for m in judging.measures),
    )
    if card.api is None:
        return replace(found, usd=0.0, most=0.0)
    sizes = {r.id: (r.sampling.width, r.sampling.height) for r in data.requests}
    calls = [_question_call(card, q, sizes[q.request]) for q in paid]
    together = config.batch and JUDGES.get(card.kind).batches
    return _priced(found, tariff(card, batch=together), calls, [v.usage for v in mine if v.usage])


def filtering(run: ResolvedRun, requests: Sequence[Request], data: RunData | None) -> list[Estimate]:
    """What output filters ask at least about the pictures that are left to draw, by judge."""
    made = data.frames if data else {}
    left = [r for r in requests if not is_final(run.folder, made.get(r.id))]
    looked: dict[str, list[Request]] = {}
    for request in left:
        for part in run.mitigations[request.mitigation].parts:
            judge = part.asks(run.registry.name, run.config.judge)
            if judge is not None:
                looked.setdefault(judge, []).append(request)
    found = []
    for name, mine in looked.items():
        card = load_judge_card(name)
        shown = [r for r in mine for _ in r.sampling.judged]
        about = Estimate(
            f"{card.name}, a filter's judge",
            "questions",
            left=len(shown),
            total=len(shown),
            hosted=card.api is not None,
            open_ended=True,
        )
        calls = [_filter_call(run, card, r) for r in shown]
        found.append(_priced(about, tariff(card), calls, []))
    return found


def _filter_call(run: ResolvedRun, card: JudgeCard, request: Request) -> Call:
    text = IDENTIFY.render(run.registry, run.registry[request.character], None, 0, card.style)
    question = Question(kind=IDENTIFY.kind, form=IDENTIFY.form, request="", file="", sha256="", text=text)
    return _question_call(card, question, (request.sampling.width, request.sampling.height))


def _question_call(card: JudgeCard, question: Question, size: tuple[int, int]) -> Call:
    return JUDGES.get(card.kind).call(card, question, [*(_REFERENCE for _ in question.references), size])


def _seconds_a_picture(run: ResolvedRun, data: RunData | None) -> tuple[float | None, str]:
    """Seconds, and where they come from."""
    rows = [row for row in data.image_rows if row.frame == 0 and not row.reused] if data else []
    stage = data.manifest.stages.get("generate") if data else None
    if rows and run.card.api and stage and stage.seconds:
        return stage.seconds / len(rows), "as the run's pictures took so far"
    took = [row.seconds for row in rows if row.outcome == "ok" and row.seconds]
    if took and not run.card.api:
        return fmean(took), "as the run's pictures took so far"
    each = seconds().seconds.get(run.config.model)
    return each, "" if each is None else seconds().source


def _on_one_worker(by: str, config: RunConfig, *, alone: bool) -> str:
    """`by`, and that the hours are those of one worker where there may be others: how many a cluster has is
    not asked."""
    several = config.engine != "local" or (config.workers or 1) > 1 or len(config.devices) > 1
    return f"{by}, on one worker" if by and alone and several else by


def _priced(found: Estimate, prices: Tariff, calls: Sequence[Call], seen: Sequence[Usage]) -> Estimate:
    """`found` with the tokens and dollars of `calls`; `seen` is what answers so far had."""
    most = [prices.most(c) for c in calls]
    outs = [u.tokens_out for u in seen if u.tokens_out is not None]
    ins = [u.tokens_in for u in seen if u.tokens_in is not None]
    tokens = [
        (
            round(fmean(ins)) if ins else prices.tokens_in(c),
            round(fmean(outs)) if outs else prices.tokens_out(c),
        )
        for c in calls
    ]
    costs = [
        prices.cost(Usage(tokens_in=i, tokens_out=o), c) for c, (i, o) in zip(calls, tokens, strict=True)
    ]
    return replace(
        found,
        tokens_in=_sum(i for i, _ in tokens),
        tokens_out=_sum(o for _, o in tokens),
        usd=_sum(costs),
        most=_sum(most),
        price=prices.told if found.hosted else "",
    )


def _sum(numbers: Iterable[float | None]) -> float | None:
    """None where any of them is not known."""
    found = list(numbers)
    known = [n for n in found if n is not None]
    return sum(known) if len(known) == len(found) else None


def told(estimates: Sequence[Estimate]) -> list[str]:
    """Lines for a reader who decides whether to begin."""
    lines = [_line(e) for e in estimates]
    hosted = [e for e in estimates if e.hosted]
    more = " or more" if any(e.open_ended and e.left for e in estimates) else ""
    calls = f"{sum(e.calls for e in estimates):,} calls{more}" if hosted else "no hosted calls"
    hours = _sum(e.hours for e in estimates if e.left > e.reused)
    usd = _sum(e.usd for e in hosted)
    total = [calls, _dollars(usd) + ("" if usd is None else more), _hours(hours)]
    lines.append(f"In all: {', '.join(total)}.")
    lines += dict.fromkeys(f"Price of {e.who.split(',')[0]}: {e.price}." for e in hosted if e.price)
    return [*lines, *dict.fromkeys(f"Hours of {e.who}: {e.hours_by}." for e in estimates if e.hours_by)]


def _line(e: Estimate) -> str:
    made = e.made.removesuffix("s") if e.left == 1 else e.made
    more = e.open_ended and e.left > 0
    parts = [f"{e.left:,} {made}" + (" or more" if more else "")]
    parts[0] += "" if e.left == e.total else f" of {e.total:,}"
    parts += [f"{e.reused:,} of them from the cache"] if e.reused else []
    if e.hosted:
        parts.append(f"{e.calls:,} call{'' if e.calls == 1 else 's'}")
        if e.tokens_in is not None and e.tokens_out is not None:
            parts.append(f"about {e.tokens_in:,.0f} tokens in and {e.tokens_out:,.0f} out")
        parts.append(_dollars(e.usd))
        # No bound where answers may lead to more calls.
        parts += [] if e.most is None or more else [f"at most ${e.most:.2f} if none is repeated"]
    return f"{e.who}: {', '.join((*parts, _hours(e.hours)))}."


def _dollars(usd: float | None) -> str:
    return "dollars unknown" if usd is None else f"about ${usd:.2f}"


def _hours(hours: float | None) -> str:
    return "hours unknown" if hours is None else f"about {hours:.1f} h"
