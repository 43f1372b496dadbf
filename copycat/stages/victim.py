"""The guarded model as a search reaches it: as the run would draw and judge; a part of attacking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from copycat.attacks import Attacked, Attempt, Found, Outcome, Victim
from copycat.attacks.search import Tally
from copycat.cards.hooks import Conditioning
from copycat.errors import MissingRequirement, UserError
from copycat.generators.base import CATALOG as GENERATORS
from copycat.generators.base import Generator, ImageOutcome
from copycat.mitigations.composition import TargetGuesser
from copycat.records import Request
from copycat.resolve import ResolvedRun
from copycat.stages.attack_models import AttackModels


class GuardedVictim(Victim):
    """One picture of the run's model under its guardrails."""

    def __init__(
        self,
        run: ResolvedRun,
        attacked: Attacked,
        raw: Request,
        models: AttackModels,
        judge: str,
        tally: Tally,
        guess: TargetGuesser | None,
    ) -> None:
        self.card, self.request, self.character = run.card, raw, run.registry[raw.character]
        self._attacked, self._models, self._guess = attacked, models, guess
        self._judge, self._tally = judge, tally

    def attempt(self, attempt: Attempt) -> bool | None:
        self._tally.queries += 1
        given: dict[str, Conditioning] = {}
        request = self._shaped(attempt, lambda made: given.update({made.sha: made}))
        generator, denoise = self._models.guarded(self._attacked), self._attacked.denoiser(request)

        def draw(requests: Sequence[Request]) -> list[ImageOutcome]:
            return generator.generate(requests, conditionings=given, denoise=denoise)

        ((outcome, _),) = self._models.reviewer.review([request], draw([request]), draw)
        with self._tally.paused():
            judge = self._models.judge(self._judge)
        seen = judge.detects(request, outcome)
        self._tally.unanswered += seen is None
        return seen

    def reads(self, attempt: Attempt) -> bool:
        request = self._shaped(attempt, lambda _: None)
        try:
            GENERATORS.get(self.card.kind).check_texts(self.card, [request])
        except MissingRequirement:
            raise
        except UserError:
            return False
        return True

    def _shaped(self, attempt: Attempt, keep: Callable[[Conditioning], None]) -> Request:
        """The picture's request, asked for by `attempt`, as the run would send it."""
        given = attempt.conditioning
        found = Found(
            prompt=attempt.prompt,
            conditioning=given.sha if given else "",
            settings=dict(attempt.settings),
            success=False,
            queries=self._tally.queries,
        )
        outcome = Outcome(found, given)
        return self._attacked.strike(self.request, self.character, outcome, self._guess, keep).with_id()

    def step(self, count: int = 1) -> None:
        self._tally.step(count)

    @property
    def pipeline(self) -> Any:
        return self._open(self._models.guarded(self._attacked))

    @property
    def original(self) -> Any:
        with self._tally.paused():
            original = self._models.original()
        return self._open(original)

    def _open(self, generator: Generator) -> Any:
        pipeline = generator.pipeline
        if pipeline is None:
            raise UserError(
                f"{self._attacked.attack.name} needs a model of one diffusers pipeline, and "
                f"{self.card.title} is none; use an attack on the prompt alone, such as typo."
            )
        return pipeline
