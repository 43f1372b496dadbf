"""Review: what gates behind the model do with pictures before they are kept; a part of generate."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache

from PIL.Image import Image

from copycat.config import RunConfig
from copycat.device import resolve_device
from copycat.errors import MissingRequirement
from copycat.generators.base import Generator, ImageOutcome
from copycat.judges.base import Judge, load_judge
from copycat.judges.card import JudgeCard, load_judge_card
from copycat.judges.questions import WHICH
from copycat.mitigations import Composition, Mitigation, Sight, parse
from copycat.mitigations.base import Action
from copycat.records import Question, Request, Review, Verdict, redraw_seed
from copycat.stages.plan import world

Reviewed = tuple[ImageOutcome, Review | None]
Names = frozenset[str] | None
"""Slugs seen in one picture; None when the judge did not answer."""


@dataclass
class _Case:
    """One picture under review."""

    request: Request
    outcome: ImageOutcome
    parts: tuple[Mitigation, ...]
    first_cost: float | None
    seed: int
    seen: list[Names] = field(default_factory=list)
    redrawn: int = 0
    answers: int = 0
    seconds: float = 0.0
    cost: float | None = 0.0
    failed: bool = False
    """Whether a hosted judge gave no answer, which is a failure and no evasion."""

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

    def __init__(self, config: RunConfig, generator: Generator, device: str) -> None:
        self._generator, self._device = generator, device
        self._world = world(config, ask=False)
        self._api = config.card().api
        self._judges: dict[str, Judge] = {}
        self._composition = cache(self._bound)

    def review(self, requests: Sequence[Request], outcomes: Sequence[ImageOutcome]) -> list[Reviewed]:
        """What is to be kept of one batch, in order; those without a gate behind pass as they are."""
        cases = {
            i: _Case(r, o, parts, o.cost_usd, r.seed)
            for i, (r, o) in enumerate(zip(requests, outcomes, strict=True))
            if o.outcome == "ok" and (parts := self._parts(r))
        }
        open_cases = list(cases.values())
        while open_cases:
            decided = list(zip(open_cases, self._decide(open_cases), strict=True))
            for case in (c for c, d in decided if d == "keep" and c.failed):
                case.outcome = ImageOutcome("error", error="the filter's judge did not answer")
            for case in (c for c, d in decided if d == "refuse"):
                shown = ", ".join(sorted(case.seen[-1] or ()))
                case.outcome = ImageOutcome("refused_output", error=f"withheld by the filter: {shown}")
            open_cases = self._redraw([c for c, d in decided if d == "redraw"])
        return [
            (cases[i].outcome, cases[i].row([self._ask(p).identity for p in cases[i].parts]))
            if i in cases
            else (o, None)
            for i, o in enumerate(outcomes)
        ]

    def _paid(self, outcome: ImageOutcome) -> float | None:
        """For a further picture; None when its price is not known."""
        if self._api is None:
            return 0.0
        free = outcome.outcome != "ok" and outcome.cost_usd is None and self._api.price_usd is not None
        return 0.0 if free else outcome.cost_usd

    def _bound(self, spec: str) -> Composition:
        # Of the others it needs nothing, and some would load a model.
        return Composition(spec, [p for p in parse(spec).parts if p.judge is not None]).bound(self._world)

    def _parts(self, request: Request) -> tuple[Mitigation, ...]:
        return self._composition(request.mitigation).reviewers(request)

    def _ask(self, part: Mitigation) -> Judge:
        name = part.judge or self._world.judge
        if name not in self._judges:
            card = load_judge_card(name)
            device = resolve_device(self._device, f"The judge {card.name}", card.min_gpu_gb)
            with _memory_for(card):
                self._judges[name] = load_judge(card, device)
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
                sight = Sight(found, cases[i].redrawn)
                asked = [p for p in cases[i].parts if (p.judge or "") == name]
                decisions[i] += [p.review(cases[i].request, sight) for p in asked]
        for case, found_by in zip(cases, seen, strict=True):
            answered = [f for f in found_by if f is not None]
            case.seen.append(frozenset().union(*answered) if answered else None)
        return ["refuse" if "refuse" in d else "redraw" if "redraw" in d else "keep" for d in decisions]

    def _look(self, part: Mitigation, cases: Mapping[int, _Case]) -> dict[int, Names]:
        """Which characters `part`'s judge sees; of a video in any of its judged frames."""
        judge = self._ask(part)
        card = load_judge_card(part.judge or self._world.judge)
        price = card.api
        shown = [(i, image) for i, case in cases.items() for image in _pictures(case)]
        found: dict[int, list[Names]] = {i: [] for i in cases}
        began = time.monotonic()
        for start in range(0, len(shown), judge.batch_size):
            batch = shown[start : start + judge.batch_size]
            asked = [_question(cases[i].request, image) for i, image in batch]
            with _memory_for(card):
                said = judge.ask(asked, [image for _, image in batch])
                if price is None:
                    _refuse_lack_of_memory(said)
            for (i, _), v in zip(batch, said, strict=True):
                named = None if v.names is None else [self._world.registry.mentioned(n) for n in v.names]
                found[i].append(None if named is None else frozenset().union(*named))
        share = (time.monotonic() - began) / len(cases)
        for i, case in cases.items():
            case.seconds += share
            case.answers += len(found[i])
            case.failed |= bool(price) and _together(found[i]) is None
            case.cost = _sum(case.cost, price.price_usd if price else 0.0, len(found[i]))
        return {i: _together(frames) for i, frames in found.items()}

    def _redraw(self, cases: Sequence[_Case]) -> list[_Case]:
        """Another picture for each of `cases`, from other noise; returns those that have one."""
        if not cases:
            return []
        for case in cases:
            case.redrawn += 1
            case.seed = redraw_seed(case.request.seed, case.redrawn)
        began = time.monotonic()
        drawn = self._generator.generate([c.request.model_copy(update={"seed": c.seed}) for c in cases])
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
        from copycat.generators.batching import out_of_memory

        if not out_of_memory(e):
            raise
        raise MissingRequirement(
            f"Memory ran out for the filter's judge {card.name} beside the model that draws; free some and "
            "run the same command again (what is finished is kept), or begin another run with --out and a "
            "smaller judge (filter[judge=NAME]), --offload model or --device cpu."
        ) from e


def _refuse_lack_of_memory(said: Sequence[Verdict]) -> None:
    """Raise what a judge made rows of: pictures that it had no room to look at would pass as filtered."""
    from copycat.generators.batching import out_of_memory

    for v in said:
        lack = RuntimeError(v.reason or "")
        if v.status == "unscored" and out_of_memory(lack):
            raise lack


def _pictures(case: _Case) -> list[Image]:
    outcome = case.outcome
    if outcome.frames:
        return [outcome.frames[i] for i in case.request.sampling.judged]
    return [outcome.image] if outcome.image is not None else []


def _question(request: Request, image: Image) -> Question:
    """The picture has no file yet."""
    sha256 = hashlib.sha256(image.tobytes()).hexdigest()
    return Question(kind="which", request=request.id, file="", sha256=sha256, text=WHICH)


def _together(frames: Sequence[Names]) -> Names:
    """What is seen in any frame; None when a frame has no answer and the others show nobody."""
    answered = frozenset[str]().union(*(f for f in frames if f is not None))
    return answered if answered or None not in frames else None


def _sum(total: float | None, price: float | None, times: int = 1) -> float | None:
    return None if total is None or price is None else round(total + price * times, 6)
