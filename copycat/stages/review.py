"""Review: what output filters do with pictures before they are kept; a part of generate."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from threading import RLock
from typing import Any

from PIL.Image import Image

from copycat.cards.judges import JudgeCard, load_judge_card
from copycat.cards.prices import tariff
from copycat.errors import MissingRequirement
from copycat.generators.base import ImageOutcome
from copycat.io.ledger import Ledger
from copycat.judges.base import Judge, answers, load_judge
from copycat.measures.detect import THRESHOLD
from copycat.measures.questions import IDENTIFY, VERIFY, Ask
from copycat.mitigations import Composition, JudgeFinding, Mitigation
from copycat.mitigations.base import Action
from copycat.records import (
    Outcome,
    Question,
    Request,
    Review,
    Unscored,
    Verdict,
    YesNo,
    redraw_seed,
)
from copycat.resolve import ResolvedRun
from copycat.runtime.device import resolve_device
from copycat.stages.cache import AnswerCache
from copycat.subjects.recognition import recognised

Draw = Callable[[Sequence[Request]], list[ImageOutcome]]
Reviewed = tuple[ImageOutcome, Review | None]
Names = frozenset[str] | None
"""Slugs seen in one picture; None when the judge did not answer."""


@dataclass
class _Case:
    """One picture under review."""

    request: Request
    outcome: ImageOutcome
    parts: tuple[Mitigation[Any], ...]
    first_cost: float | None
    seed: int
    seen: list[Names] = field(default_factory=list)
    redrawn: int = 0
    answers: int = 0
    seconds: float = 0.0
    cost: float | None = 0.0
    failed: bool = False
    """Whether a hosted judge gave no answer, which is a failure and no evasion."""

    def end(self, outcome: Outcome, why: str) -> None:
        """Keep no picture; that was paid all the same."""
        self.outcome = ImageOutcome(
            outcome,
            error=why,
            cost_usd=self.first_cost,
            told=self.outcome.told,
            reused=self.outcome.reused,
        )

    def row(self, judges: Sequence[str]) -> Review:
        return Review(
            judges=tuple(judges),
            seen=tuple(None if s is None else tuple(sorted(s)) for s in self.seen),
            seed=self.seed,
            extra_pictures=self.redrawn,
            answers=self.answers,
            extra_seconds=round(self.seconds, 4),
            extra_cost_usd=self.cost,
        )


class Reviewer:
    """Asks judges about pictures just drawn, and draws again what they recognise. Loads nothing before."""

    def __init__(
        self,
        run: ResolvedRun,
        device: str,
        composition: Callable[[str], Composition],
        ledger: Ledger | None,
    ) -> None:
        """`composition` gives the bound mitigation of a specification; what judges cost is entered in
        `ledger`, where there is one."""
        self._registry, self._device, self._ledger = run.registry, device, ledger
        self._local, self._priced = run.card.api is None, tariff(run.card).known
        self._own_judge, self._composition = run.config.judge, composition
        self._concurrency, self._reuse = run.config.concurrency, run.config.cache
        self._judges: dict[str, Judge] = {}
        self._one_at_a_time = RLock()
        """For judges that run here, where a hosted model's pictures come in several threads."""

    def close(self) -> None:
        """Let go of the judges."""
        for judge in self._judges.values():
            judge.close()
        self._judges.clear()

    def review(
        self, requests: Sequence[Request], outcomes: Sequence[ImageOutcome], draw: Draw
    ) -> list[Reviewed]:
        """What is to be kept of one batch, in order; those without an output filter pass as they are.

        `draw` draws further pictures of its requests, with other noise.
        """
        cases = {
            i: _Case(r, o, parts, o.cost_usd, r.seed)
            for i, (r, o) in enumerate(zip(requests, outcomes, strict=True))
            if o.outcome == "ok" and (parts := self._parts(r))
        }
        open_cases = list(cases.values())
        while open_cases:
            decided = list(zip(open_cases, self._decide(open_cases), strict=True))
            for case in (c for c, d in decided if d == "keep" and c.failed):
                case.end("error", "the filter's judge did not answer")
            for case in (c for c, d in decided if d == "refuse"):
                shown = ", ".join(sorted(case.seen[-1] or ()))
                case.end("refused_output", f"withheld by the filter: {shown}")
            open_cases = self._redraw([c for c, d in decided if d == "redraw"], draw)
        return [
            (cases[i].outcome, cases[i].row([self._ask(p).identity for p in cases[i].parts]))
            if i in cases
            else (o, None)
            for i, o in enumerate(outcomes)
        ]

    def _paid(self, outcome: ImageOutcome) -> float | None:
        """For a further picture; None when its price is not known."""
        free = self._local or (outcome.outcome != "ok" and outcome.cost_usd is None and self._priced)
        return 0.0 if free else outcome.cost_usd

    def _parts(self, request: Request) -> tuple[Mitigation[Any], ...]:
        return self._composition(request.mitigation).reviewers(request)

    def _ask(self, part: Mitigation[Any]) -> Judge:
        name = part.judge or self._own_judge
        with self._one_at_a_time:
            if name not in self._judges:
                card = load_judge_card(name).with_concurrency(self._concurrency)
                device = resolve_device(self._device, f"The judge {card.name}", card.min_gpu_gb)
                with _memory_for(card):
                    self._judges[name] = load_judge(card, device)
                if self._ledger is not None:
                    self._judges[name].charge(self._ledger)
            return self._judges[name]

    def _decide(self, cases: Sequence[_Case]) -> list[Action]:
        """One decision a case: the strictest of its parts'. Each judge is asked once for all of them."""
        decisions: list[list[Action]] = [[] for _ in cases]
        seen: list[list[Names]] = [[] for _ in cases]
        for case in cases:
            case.failed = False
        names = {part.judge or "": part for case in cases for part in case.parts}
        for name, asker in names.items():
            mine = [i for i, c in enumerate(cases) if any((p.judge or "") == name for p in c.parts)]
            for i, found in self._look(asker, {i: cases[i] for i in mine}).items():
                seen[i].append(found)
                sight = JudgeFinding(found, cases[i].redrawn)
                asked = [p for p in cases[i].parts if (p.judge or "") == name]
                decisions[i] += [p.review(cases[i].request, sight) for p in asked]
        for case, found_by in zip(cases, seen, strict=True):
            answered = [f for f in found_by if f is not None]
            case.seen.append(frozenset().union(*answered) if answered else None)
        return ["refuse" if "refuse" in d else "redraw" if "redraw" in d else "keep" for d in decisions]

    def _look(self, part: Mitigation[Any], cases: Mapping[int, _Case]) -> dict[int, Names]:
        """Which characters `part`'s judge sees; of a video in any of its judged frames."""
        judge = self._ask(part)
        card = load_judge_card(part.judge or self._own_judge)
        price, kept = card.api, AnswerCache(card, judge.identity, self._reuse)
        shown = [(i, image) for i, case in cases.items() for image in _pictures(case)]
        found: dict[int, list[Names]] = {i: [] for i in cases}
        put = dict.fromkeys(cases, 0)
        each = tariff(card).fixed

        def ask(questions: Sequence[tuple[int, Image, Question]]) -> list[Verdict]:
            had = [kept.get(q) for *_, q in questions]
            fresh = iter(put_anew([asked for asked, v in zip(questions, had, strict=True) if v is None]))
            said = [next(fresh) if v is None else v for v in had]
            for (i, _, q), v in zip(questions, said, strict=True):
                kept.keep(q, v)
                put[i] += 1
                cases[i].cost = _sum(cases[i].cost, each if v.cost_usd is None else v.cost_usd)
            return said

        def put_anew(questions: Sequence[tuple[int, Image, Question]]) -> list[Verdict]:
            said: list[Verdict] = []
            # A hosted judge is given all at once: it keeps its calls in flight itself.
            at_once = judge.batch_size if price is None else max(len(questions), 1)
            for start in range(0, len(questions), at_once):
                batch = questions[start : start + at_once]
                with _memory_for(card), self._one_at_a_time if price is None else nullcontext():
                    said += judge.ask([q for *_, q in batch], [image for _, image, _ in batch])
                    if price is None:
                        _refuse_lack_of_memory(said)
            return said

        began = time.monotonic()
        who = [(i, image, self._question(IDENTIFY, cases[i].request, image, card)) for i, image in shown]
        named = [recognised(v.answer, self._registry) for v in ask(who)]
        # What a reply leaves open, the question about that character settles.
        open_ = [
            (place, slug)
            for place, roles in enumerate(named)
            for slug, role in (roles or {}).items()
            if role == "doubtful" and answers(card, VERIFY.kind)
        ]
        whether = [
            (i, image, self._question(VERIFY, cases[i].request, image, card, slug))
            for (i, image), slug in ((shown[place], slug) for place, slug in open_)
        ]
        confirmed = {where for where, v in zip(open_, ask(whether), strict=True) if _confirms(v)}
        for place, (i, _) in enumerate(shown):
            roles = named[place]
            sure = (s for s, r in (roles or {}).items() if r == "shown" or (place, s) in confirmed)
            found[i].append(None if roles is None else frozenset(sure))
        share = (time.monotonic() - began) / len(cases)
        for i, case in cases.items():
            case.seconds += share
            case.answers += put[i]
            case.failed |= bool(price) and _merge_frames(found[i]) is None
        return {i: _merge_frames(frames) for i, frames in found.items()}

    def _question(
        self, ask: Ask, request: Request, image: Image, card: JudgeCard, slug: str | None = None
    ) -> Question:
        """Who is shown, or whether the character `slug` is; the picture has no file yet."""
        registry, slug_or_own = self._registry, slug or request.character
        return Question(
            kind=ask.kind,
            form=ask.form,
            request=request.id,
            file="",
            sha256=hashlib.sha256(f"{image.mode} {image.size} ".encode() + image.tobytes()).hexdigest(),
            text=ask.render(registry, registry[slug_or_own], None, 0, card.style),
            character=slug or "",
        )

    def _redraw(self, cases: Sequence[_Case], draw: Draw) -> list[_Case]:
        """Another picture for each of `cases`, from other noise; returns those that have one."""
        if not cases:
            return []
        for case in cases:
            case.redrawn += 1
            case.seed = redraw_seed(case.request.seed, case.redrawn)
        began = time.monotonic()
        drawn = draw([c.request.model_copy(update={"seed": c.seed}) for c in cases])
        share = (time.monotonic() - began) / len(cases)
        for case, outcome in zip(cases, drawn, strict=True):
            case.seconds += share
            case.cost = _sum(case.cost, self._paid(outcome))
            case.outcome = replace(outcome, cost_usd=case.first_cost)
        return [c for c in cases if c.outcome.outcome == "ok"]


@contextmanager
def _memory_for(card: JudgeCard) -> Iterator[None]:
    """Say in a sentence that memory ran out, and what to do."""
    try:
        yield
    except Exception as e:
        from copycat.runtime.batching import out_of_memory

        if not out_of_memory(e):
            raise
        raise MissingRequirement(
            f"Memory ran out for the filter's judge {card.name} beside the model that draws; free some and "
            "run the same command again (what is finished is kept), or begin another run with --out and a "
            "smaller judge (filter[judge=NAME]), --offload model or --device cpu."
        ) from e


def _refuse_lack_of_memory(said: Sequence[Verdict]) -> None:
    """Raise what a judge made rows of: pictures that it had no room to look at would pass as filtered."""
    from copycat.runtime.batching import out_of_memory

    for v in said:
        lack = RuntimeError(v.answer.reason if isinstance(v.answer, Unscored) else "")
        if out_of_memory(lack):
            raise lack


def _pictures(case: _Case) -> list[Image]:
    outcome = case.outcome
    if outcome.frames:
        return [outcome.frames[i] for i in case.request.sampling.judged]
    return [outcome.image] if outcome.image is not None else []


def _merge_frames(frames: Sequence[Names]) -> Names:
    """What is seen in any frame; None when a frame has no answer and the others show nobody."""
    answered = frozenset[str]().union(*(f for f in frames if f is not None))
    return answered if answered or None not in frames else None


def _confirms(verdict: Verdict) -> bool:
    return isinstance(verdict.answer, YesNo) and verdict.answer.p_yes > THRESHOLD


def _sum(total: float | None, price: float | None) -> float | None:
    return None if total is None or price is None else round(total + price, 9)
