"""Victims: the run's model under its guardrails, as searches reach it; a part of plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from copycat.attacks import Attacked, Attempt, Found, Outcome, Victim
from copycat.attacks.search import Tally
from copycat.cards.hooks import Conditioning, variant_identity
from copycat.errors import MissingRequirement, UserError
from copycat.generators.base import CATALOG as GENERATORS
from copycat.generators.base import Generator, ImageOutcome, ModelVariant
from copycat.io.ledger import Ledger
from copycat.io.lifecycle import free_memory
from copycat.mitigations.composition import TargetGuesser
from copycat.records import Request
from copycat.resolve import ResolvedRun
from copycat.runtime.device import resolve_device
from copycat.stages.detecting import Detecting
from copycat.stages.engine import first_device
from copycat.stages.review import Reviewer


class Models:
    """What searches have in memory: the model with one set of weights, as it is, and judges. Each is loaded
    when it is first asked for."""

    def __init__(self, run: ResolvedRun, attacked: dict[str, Attacked], ledger: Ledger | None) -> None:
        self._run, self._ledger = run, ledger
        card, wanted = run.card, first_device(run.config.device, run.config)
        self._device = (
            "cpu" if card.api else resolve_device(wanted, card.title, card.min_gpu_gb, card.lighter())
        )
        self._guarded: Generator | None = None
        self._variant = ""
        self._plain: Generator | None = None
        self._judges: dict[str, Detecting] = {}
        self.reviewer = Reviewer(run, self._device, lambda spec: attacked[spec], ledger)

    def guarded(self, attacked: Attacked) -> Generator:
        """The model with the guardrails' weights."""
        edits = attacked.weight_edits(self._run.model)
        variant = variant_identity(edits)
        if self._guarded is None or variant != self._variant:
            if self._guarded is not None:
                self._guarded.close()
            self._guarded, self._variant = self._load(edits), variant
        return self._guarded

    def original(self) -> Generator:
        """The model with its own weights."""
        if self._guarded is not None and not self._variant:
            return self._guarded
        if self._plain is None:
            self._plain = self._load(())
        return self._plain

    def judge(self, name: str) -> Detecting:
        """The judge called `name`."""
        if name not in self._judges:
            self._judges[name] = Detecting(self._run, name, self._ledger)
        return self._judges[name]

    def close(self) -> None:
        """Let go of all of them."""
        for held in (self._guarded, self._plain, self.reviewer, *self._judges.values()):
            if held is not None:
                held.close()
        free_memory()

    def _load(self, edits: Sequence[Any]) -> Generator:
        generator = ModelVariant(self._run.card, tuple(edits)).load(self._device)
        if self._ledger is not None:
            generator.charge(self._ledger)
        return generator


class Guarded(Victim):
    """One picture of the run's model under its guardrails."""

    def __init__(
        self,
        run: ResolvedRun,
        attacked: Attacked,
        raw: Request,
        models: Models,
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
        seen = self._models.judge(self._judge).detects(request, outcome)
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
        return self._open(self._models.original())

    def _open(self, generator: Generator) -> Any:
        pipeline = generator.pipeline
        if pipeline is None:
            raise UserError(
                f"{self._attacked.attack.name} needs a model of one diffusers pipeline, and "
                f"{self.card.title} is none; use an attack on the prompt alone, such as typo."
            )
        return pipeline
