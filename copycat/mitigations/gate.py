"""The input filter: lets the guardrail to its right act only where a character seems to be meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from copycat.cards.llms import load_llm_card
from copycat.errors import UserError
from copycat.intent.base import Detector, Guess
from copycat.intent.embedding import Embedding
from copycat.intent.evaluate import Measured, measure
from copycat.intent.lexical import Lexical
from copycat.intent.threshold import DEFAULT_FPR, measured_threshold
from copycat.mitigations.base import InputDecision, InputFilter, Options, RunContext
from copycat.mitigations.llm_detector import Asked
from copycat.records import Request, Row
from copycat.subjects.characters import Character, Registry
from copycat.subjects.neutral import CATALOG as NEUTRAL
from copycat.subjects.neutral import load_neutral, read_neutral
from copycat.subjects.prompts import available, load_prompts


class GateOptions(Options):
    by: Literal["lexical", "embedding", "llm"] = "lexical"
    """Names and marks in the prompt, the nearest registry entry in the target model's text encoder, or a
    language model that is shown the registry."""
    threshold: float | None = None
    """Least score that opens it; measured on the registry's neutral prompts when left out."""
    fpr: float = Field(default=DEFAULT_FPR, ge=0, lt=1)
    """The share of neutral prompts that may open it, when the threshold is measured."""
    model: str = "gpt-4o-mini"
    """The language model of by=llm: a card (copycat ls llms) or a transformers folder."""


class GuessResult(Row):
    """Who was taken to be meant by a prompt."""

    open: bool
    """Whether that was sure enough to act on."""
    slug: str | None
    """The nearest character; None when the prompt comes near to none."""
    score: float
    """On the detector's own scale; higher means more likely meant."""


class Gate(InputFilter[GateOptions]):
    """What follows it acts only where a registry character seems to be meant."""

    name = "gate"
    options = GateOptions

    def __init__(self, config: GateOptions, target_detector: TargetDetector | None = None) -> None:
        super().__init__(config)
        self._target_detector = target_detector
        self._card = load_llm_card(self.config.model) if self.config.by == "llm" else None

    @property
    def calls(self) -> int:
        return self._card.at_a_time if self._card else 0

    def bind(self, context: RunContext) -> Gate:
        target_detector = TargetDetector(context.registry, detector(self.config, context))
        threshold = self.config.threshold
        if threshold is None:
            name = context.registry.name
            threshold = measured_threshold(
                target_detector.detector, load_neutral(name), name, self.config.fpr
            )
        return Gate(self.config.model_copy(update={"threshold": threshold}), target_detector)

    def decide(self, request: Request) -> InputDecision:
        if self._target_detector is None or self.config.threshold is None:
            raise UserError("A gate must be bound to a registry before it can decide.")
        guess, who = self._target_detector(request.prompt)
        opens = guess.score >= self.config.threshold
        result = GuessResult(open=opens, slug=guess.slug, score=guess.score)
        note = f"{'open' if opens else 'shut'}: {describe(guess, who)}"
        return InputDecision(opens, who if opens else None, note, result)


class TargetDetector:
    """A detector with the registry it speaks of; asks about each prompt once."""

    def __init__(self, registry: Registry, detector: Detector) -> None:
        self.detector, self._registry = detector, registry
        self._known: dict[str, Guess] = {}

    def __call__(self, prompt: str) -> tuple[Guess, Character | None]:
        if prompt not in self._known:
            self._known[prompt] = self.detector.guess([prompt])[0]
        guess = self._known[prompt]
        return guess, self._registry[guess.slug] if guess.slug else None


def describe(guess: Guess, who: Character | None) -> str:
    """A guess in the words of a provenance step."""
    return f"{who.name} ({guess.score:.3f}: {guess.why})" if who else guess.why or "nobody"


def detector(options: GateOptions, context: RunContext) -> Detector:
    """What a gate with `options` asks; raises a UserError where `context` lacks what it needs."""
    if options.by == "lexical":
        return Lexical(context.registry)
    if options.by == "llm":
        if context.chat is None:
            raise UserError("Language models are not asked here; take gate[by=lexical].")
        card = load_llm_card(options.model)
        return Asked(context.registry, context.chat(card), card.at_a_time)
    if context.embed is None:
        raise UserError(
            "The text encoder of this model is not open, so a gate by embedding cannot work; "
            "take gate[by=lexical]."
        )
    return Embedding(context.registry, context.embed(), context.encoder)


def measured(
    options: GateOptions, context: RunContext, prompts: Sequence[str] = (), neutral: Path | None = None
) -> Measured:
    """How well a gate with `options` tells prompts that are after a character from neutral ones.

    `prompts` are sets of the context's registry, by default all of them; `neutral` is a file of neutral
    prompts, by default the registry's own. Raises UserError where there are no prompts of a kind.
    """
    people = context.registry
    nobody = read_neutral(neutral) if neutral else load_neutral(people.name)
    if not nobody:
        raise UserError(
            f"There are no neutral prompts in {neutral or NEUTRAL.own(people.name)}; write some, or "
            "name a file with --neutral."
        )
    read = {name: load_prompts(name, people.name) for name in prompts or available(people.name)}
    # Files of one set go by their paths, so that none takes the other's place.
    named = Counter(p[0].set for p in read.values())
    sets = {p[0].set if named[p[0].set] == 1 else name: p for name, p in read.items()}
    if not sets:
        raise UserError(f"{people.name} has no prompt sets; name some with --prompts.")
    return measure(detector(options, context), (people.name, people.version), nobody, sets)
