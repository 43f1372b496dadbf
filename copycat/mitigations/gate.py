"""The gate in front: lets the guardrail to its right act only where a character seems to be meant."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from copycat.characters import Character, Registry
from copycat.errors import UserError
from copycat.intent.base import Detector, Guess
from copycat.intent.embedding import Embedding
from copycat.intent.lexical import Lexical
from copycat.intent.llm import Asked
from copycat.intent.neutral import load_neutral
from copycat.intent.threshold import DEFAULT_FPR, measured_threshold
from copycat.llms.card import load_llm_card
from copycat.mitigations.base import Decision, Gatekeeper, Options, World
from copycat.records import Request


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


class Gate(Gatekeeper):
    """What follows it acts only where a registry character seems to be meant."""

    name = "gate"
    options = GateOptions

    def __init__(self, config: Options | None = None, senses: Senses | None = None) -> None:
        super().__init__(config)
        self._options = GateOptions.model_validate(self.config.model_dump())
        self._senses = senses
        self._card = load_llm_card(self._options.model) if self._options.by == "llm" else None

    @property
    def calls(self) -> int:
        return self._card.batch_size if self._card else 0

    def bound(self, world: World) -> Gate:
        senses = Senses(world.registry, detector(self._options, world))
        threshold = self._options.threshold
        if threshold is None:
            name = world.registry.name
            threshold = measured_threshold(senses.detector, load_neutral(name), name, self._options.fpr)
        return Gate(self._options.model_copy(update={"threshold": threshold}), senses)

    def decide(self, request: Request) -> Decision:
        if self._senses is None or self._options.threshold is None:
            raise UserError("A gate must be bound to a registry before it can decide.")
        guess, who = self._senses(request.prompt)
        opens = guess.score >= self._options.threshold
        return Decision(opens, who if opens else None, f"{'open' if opens else 'shut'}: {told(guess, who)}")


class Senses:
    """A detector with the registry it speaks of; asks about each prompt once."""

    def __init__(self, registry: Registry, detector: Detector) -> None:
        self.detector, self._registry = detector, registry
        self._known: dict[str, Guess] = {}

    def __call__(self, prompt: str) -> tuple[Guess, Character | None]:
        if prompt not in self._known:
            self._known[prompt] = self.detector.guess([prompt])[0]
        guess = self._known[prompt]
        return guess, self._registry[guess.slug] if guess.slug else None


def told(guess: Guess, who: Character | None) -> str:
    """A guess in the words of a trail."""
    return f"{who.name} ({guess.score:.3f}: {guess.why})" if who else guess.why or "nobody"


def detector(options: GateOptions, world: World) -> Detector:
    """What a gate with `options` asks; raises a UserError where `world` lacks what it needs."""
    if options.by == "lexical":
        return Lexical(world.registry)
    if options.by == "llm":
        if world.chat is None:
            raise UserError("Language models are not asked here; take gate[by=lexical].")
        card = load_llm_card(options.model)
        return Asked(world.registry, world.chat(card), card.batch_size)
    if world.embed is None:
        raise UserError(
            "The text encoder of this model is not open, so a gate by embedding cannot work; "
            "take gate[by=lexical]."
        )
    return Embedding(world.registry, world.embed(), world.encoder)
