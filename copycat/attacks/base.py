"""What an attack is: somebody who wants a character out of a model in spite of its guardrails.

An attack has the hooks of a mitigation (:mod:`copycat.mitigations.base`), and may search for what gets past a
guardrail by drawing and judging pictures of the guarded model. How it acts together with a guardrail is in
`attacked.py`, how a search runs in `search.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeVar

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from copycat.cards.catalog import Catalog
from copycat.cards.hooks import Conditioning
from copycat.cards.models import ModelCard
from copycat.errors import UserError
from copycat.mitigations.base import Mitigation, Options, RunContext
from copycat.records import Request, Row
from copycat.subjects.characters import Character, Registry

Setting = str | int | float | bool


class AttackOptions(Options):
    """What every attack is told."""

    queries: int = Field(default=12, ge=1)
    """Budget of one search: the most pictures that are drawn of the guarded model and judged, that of the
    plain prompt among them."""
    seconds: float = Field(default=0, ge=0)
    """Budget of one search in seconds of wall time; 0 for none. What a search finds that it ends depends on
    the machine."""
    judge: str = ""
    """Who says whether an attempt has succeeded: a judge's card or folder; the run's own when empty."""


A = TypeVar("A", bound=AttackOptions)


@dataclass(frozen=True)
class Attempt:
    """One way to ask for the character. What is not named stays as the run's prompt has it."""

    prompt: str | None = None
    """In place of the run's prompt."""
    conditioning: Conditioning | None = None
    """Embeddings in place of words or tokens."""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    """What the attack's own hooks act by; they find it with :meth:`Attack.found`."""


class Found(Row):
    """What a search came to. It decides the picture, so it holds no times."""

    prompt: str | None = None
    """The prompt of the attempt that succeeded, or else of the last; None for the run's own."""
    conditioning: str = ""
    """Hash of that attempt's embeddings; empty where it has none."""
    settings: dict[str, Setting] = Field(default_factory=dict)
    """Those of that attempt."""
    success: bool
    """Whether the judge saw the character in that attempt's picture."""
    clean: bool = False
    """Whether that attempt is the run's own prompt, which is tried first: then there was nothing to attack,
    or no attempt was left."""
    queries: int = Field(ge=0)
    """Pictures that were drawn of the guarded model and judged."""
    unanswered: int = Field(default=0, ge=0)
    """Those of them that failed, or that the judge gave no answer about."""
    unreadable: int = Field(default=0, ge=0)
    """Attempts that were not tried, since the model cannot read what they ask."""
    steps: int = Field(default=0, ge=0)
    """Steps of optimisation, as the attack counts them."""

    @model_serializer(mode="wrap")
    def _bare(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As most are written: without attempts that were not tried where there are none."""
        row: dict[str, Any] = dump(self)
        return row if self.unreadable else {k: v for k, v in row.items() if k != "unreadable"}


class BudgetSpent(Exception):
    """Ends a search whose time is over; no error."""


class Victim(ABC):
    """The guarded model as one search reaches it: one picture of the run, with its character."""

    card: ModelCard
    """Of the model."""
    request: Request
    """The picture that is wanted, before anything has shaped it: its prompt, sampling and noise seed."""
    character: Character
    """Who is to be seen in it."""
    answer: bool | None = None
    """What the latest attempt came to, for an attack that goes by it: whether the picture showed the
    character. None where that is not known, or the attempt was not tried."""

    @abstractmethod
    def attempt(self, attempt: Attempt) -> bool | None:
        """Draw the picture by `attempt`, with the guardrails on and with the run's own noise, and have it
        judged: whether it shows the character. None where there is no answer. Counts as one query."""

    def reads(self, attempt: Attempt) -> bool:  # noqa: ARG002
        """Whether the model can read what it is asked by `attempt`, as the guardrails leave it: a model whose
        tokenizer does not know a letter would draw something else. What it cannot read is not tried."""
        return True

    @abstractmethod
    def step(self, count: int = 1) -> None:
        """`count` further steps of optimisation are done. Raises BudgetSpent when the time is over."""

    @property
    @abstractmethod
    def pipeline(self) -> Any:
        """The diffusers pipeline with the guardrails' weights, which must be left as it is. Raises UserError
        for a model that has none here."""

    @property
    @abstractmethod
    def original(self) -> Any:
        """The diffusers pipeline without any guardrail, loaded when it is first asked for."""


class Attack(Mitigation[A]):
    """One attack with its options.

    An attack that :attr:`searches` overrides :meth:`attempts`; any other acts by the hooks of a mitigation
    alone. Both may wrap the denoiser: an attacker who has the sampler is outermost.
    """

    options: ClassVar[type[Options]] = AttackOptions
    version: ClassVar[int] = 1
    """Raised when the same options find something else."""
    white_box: ClassVar[bool] = False
    """Whether it needs the model's weights or text encoder, and not only its pictures."""
    seeded: ClassVar[bool] = True
    """Whether what it finds depends on the picture's noise; else one search serves all seeds of a prompt."""

    needs_text_encoder: ClassVar[bool] = False
    """Whether the model must read prompts by a text encoder."""
    needs_pictures: ClassVar[bool] = False
    """Whether it cannot be used on models that make videos."""
    needs_schedule: ClassVar[bool] = False
    """Whether the model must have been trained on a schedule of noise levels, unlike those of flow
    matching."""

    @property
    def searches(self) -> bool:
        """Whether it looks at the guarded model before the run's pictures are planned."""
        return self.queried()

    @classmethod
    def queried(cls) -> bool:
        """Whether it is of a kind that may look at pictures of the guarded model."""
        return cls.attempts is not Attack.attempts

    def check(self, card: ModelCard) -> None:
        """Raise UserError, with what to use instead, for a model that it cannot be used on. Nothing is
        loaded."""
        if self.white_box and card.api is not None:
            raise UserError(
                f"{self.name} needs the weights of the model, and {card.title} runs elsewhere; use an attack "
                "on the prompt alone, such as typo."
            )
        if self.needs_pictures and card.sampling.frames:
            raise UserError(
                f"{self.name} is for pictures, and {card.title} makes videos; use an attack on the prompt "
                "alone, such as typo."
            )

    def examine(self, card: ModelCard, pipeline: Any) -> None:
        """Raise UserError, with what to use instead, for a diffusers `pipeline` that it cannot be used on, as
        far as that shows only once it is loaded. It is the model of `card` without guardrails, or None where
        that is not one pipeline."""

    @property
    def examines(self) -> bool:
        """Whether it looks at the pipeline before guardrails change the weights."""
        return type(self).examine is not Attack.examine

    def sources(self, character: Character) -> Any:  # noqa: ARG002
        """What it reads about `character` beside its options, the request and the registry's entry, such as
        keywords that were mined: values of JSON, which are part of what a kept search is found by. None for
        nothing."""
        return None

    def attempts(self, victim: Victim) -> Iterator[Attempt]:  # noqa: ARG002
        """Attempts in the order in which they are tried, best made one at a time: each is drawn and judged
        before the next is asked for, and after a success, or with the budget spent, none is.

        The run's own prompt is tried before any of them. The same victim and options give the same attempts.
        """
        return iter(())

    def found(self, request: Request) -> Found | None:
        """What its search found for this request; None where it did not search."""
        results = [s.result for s in self.steps(request) if s.result and "success" in s.result]
        return Found.model_validate(results[-1]) if results else None


class Informed(Attack[A]):
    """An attack that reads the run's registry, or what belongs to it."""

    def __init__(self, config: A, registry: Registry | None = None) -> None:
        super().__init__(config)
        self._registry = registry

    @property
    def registry(self) -> Registry:
        """The registry of the run that it is bound to."""
        if self._registry is None:
            raise RuntimeError(f"{self.name} must be bound to a run first")
        return self._registry

    def bind(self, context: RunContext) -> Self:
        return type(self)(self.config, context.registry)


CATALOG: Catalog[type[Attack[Any]]] = Catalog(
    "attacks",
    singular="attack",
    builtin={
        "anchors": "copycat.attacks.anchors:Anchors",
        "arc": "copycat.attacks.arc:Arc",
        "llm-rewrite": "copycat.attacks.llm_rewrite:LLMRewrite",
        "paraphrase": "copycat.attacks.paraphrase:Paraphrase",
        "random": "copycat.attacks.chance:Random",
        "ringabell": "copycat.attacks.ringabell:RingABell",
        "soft-prompt": "copycat.attacks.soft_prompt:SoftPrompt",
        "translate": "copycat.attacks.translate:Translate",
        "typo": "copycat.attacks.typo:Typo",
        "udatk": "copycat.attacks.udatk:UDAtk",
    },
)
