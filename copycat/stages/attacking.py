"""Attacking: the searches that attacks make while a run is planned; a part of plan.

A search draws single pictures of the guarded model, as the run would, and asks a judge about them. What it
came to is kept in the user's cache at once, by all that decides it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from copycat.attacks import Attack, Attacked, Attempt, Found, Outcome, Victim, kept
from copycat.attacks.search import Tally, search
from copycat.cards.hooks import Conditioning, variant_identity
from copycat.cards.judges import load_judge_card
from copycat.errors import MissingRequirement, UserError
from copycat.generators.base import CATALOG as GENERATORS
from copycat.generators.base import Generator, ImageOutcome, ModelVariant
from copycat.io.ledger import Ledger
from copycat.io.lifecycle import free_memory
from copycat.judges.base import identify
from copycat.mitigations.composition import TargetGuesser
from copycat.records import Request, digest, noise_seed
from copycat.resolve import ResolvedRun
from copycat.runtime.device import resolve_device
from copycat.runtime.progress import Progress
from copycat.stages.detecting import Detecting
from copycat.stages.engine import first_device
from copycat.stages.review import Reviewer


class Searches:
    """The searches of one run: which there are, what is kept of them, and those that are left to make."""

    def __init__(
        self,
        run: ResolvedRun,
        attacked: Iterable[Attacked],
        guess: TargetGuesser | None,
        ledger: Ledger | None,
    ) -> None:
        """`attacked` are bound to the run; `guess` is what guardrails without the oracle guess by."""
        self._run, self._guess, self._ledger = run, guess, ledger
        self._attacked = {a.spec: a for a in attacked if a.attack.searches}
        self._outcomes: dict[str, Outcome] = {}
        self._keys: dict[Request, str] = {}

    def make(self, raws: Sequence[Request], progress: Progress) -> None:
        """Search for what is not kept yet of `raws`, requests before their mitigations; in the order of the
        guardrails' weights, since only one set of them is in memory."""
        models: _Models | None = None
        try:
            for spec, attacked in sorted(self._attacked.items(), key=lambda item: self._variant(item[1])):
                left = {self.key(r): r for r in raws if r.mitigation == spec and self.kept(r) is None}
                if left:
                    models = models or _Models(self._run, self._attacked, self._ledger)
                    self._make(attacked, left, models, progress)
        finally:
            if models is not None:
                models.close()

    def _make(
        self, attacked: Attacked, left: Mapping[str, Request], models: _Models, progress: Progress
    ) -> None:
        """The searches for the requests that are `left`, by their keys."""
        judge = self._judge(attacked.attack)
        models.guarded(attacked)  # what is erased is erased before searches are timed
        progress.start(f"search for {attacked.spec}", len(left))
        try:
            for key, raw in left.items():
                tally = Tally(attacked.attack.config.seconds)
                asked = self._asked(attacked, raw)
                victim = _Guarded(self._run, attacked, asked, models, judge, tally, self._guess)
                self._keep(key, attacked, raw, search(attacked.attack, victim, tally))
                progress.advance(1)
        finally:
            progress.done()

    def kept(self, raw: Request) -> Outcome | None:
        """What was found for `raw`, here or in another run; None where it is still to be searched."""
        key = self.key(raw)
        if key not in self._outcomes:
            found = kept.read(key)
            if found is None:
                return None
            self._outcomes[key] = found
        return self._outcomes[key]

    def concerns(self, raw: Request) -> bool:
        """Whether `raw` is under an attack that searches."""
        return raw.mitigation in self._attacked

    def key(self, raw: Request) -> str:
        """The same key, the same search: made of the picture as the guardrails alone would have it drawn, the
        attack, the character, and who judges."""
        if raw not in self._keys:
            self._keys[raw] = self._key(raw)
        return self._keys[raw]

    def _key(self, raw: Request) -> str:
        attacked = self._attacked[raw.mitigation]
        asked, attack = self._asked(attacked, raw), attacked.attack
        who = self._run.registry[raw.character]
        plain = asked.model_copy(update={"mitigation": attacked.guard.spec})
        return digest(
            {
                "plain": attacked.guard.apply(plain, who, self._guess).with_id().id,
                "attack": [attack.name, attack.version, attack.config.model_dump(mode="json")],
                "character": who.model_dump(mode="json"),
                "judge": identify(load_judge_card(self._judge(attack))),
            }
        )

    def _asked(self, attacked: Attacked, raw: Request) -> Request:
        """The picture that is searched with: of an attack that does not look at the noise always the same."""
        if attacked.attack.seeded:
            return raw
        seed = noise_seed(0, raw.character, raw.prompt_set, raw.prompt_index, 0)
        return raw.model_copy(update={"run_seed": 0, "index": 0, "seed": seed})

    def _keep(self, key: str, attacked: Attacked, raw: Request, outcome: Outcome) -> None:
        attack = attacked.attack
        kept.write(
            key,
            outcome,
            attack=f"{attack.name}-{attack.version} {attack.config.model_dump_json()}",
            model=raw.model,
            guard=attacked.guard.spec,
            character=raw.character,
            asked=raw.source_prompt,
        )
        self._outcomes[key] = outcome

    def _judge(self, attack: Attack[Any]) -> str:
        return attack.config.judge or self._run.config.judge

    def _variant(self, attacked: Attacked) -> str:
        return variant_identity(attacked.weight_edits(self._run.model))


class _Models:
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


class _Guarded(Victim):
    """One picture of the run's model under its guardrails."""

    def __init__(
        self,
        run: ResolvedRun,
        attacked: Attacked,
        raw: Request,
        models: _Models,
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
