"""What a mitigation is: up to four hooks by the place where it acts, and compositions of them."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from copycat.catalog import Catalog
from copycat.characters import Character, Registry
from copycat.errors import UnknownName, UserError
from copycat.intent.embedding import Embed
from copycat.llms.base import Chat
from copycat.llms.card import LLMCard
from copycat.mitigations.aliases import ALIASES
from copycat.records import Request, Step

Action = Literal["keep", "redraw", "refuse"]
"""What a gate behind the model does with a picture."""


class Options(BaseModel):
    """A mitigation's configuration: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class World:
    """The run that a mitigation is part of."""

    registry: Registry
    judge: str = ""
    """The run's own judge: a card's name or a folder."""
    identify: Callable[[str], str] | None = None
    """Card name and weights identity of a judge; raises a UserError for one that cannot be asked here. None
    where no picture is made."""
    encoder: str = ""
    """Identity of the model whose text encoder `embed` is."""
    embed: Callable[[], Embed] | None = None
    """Loads the text encoder; None where it is not open, as that of a hosted model."""
    chat: Callable[[LLMCard], Chat] | None = None
    """A language model, which is loaded when it is first asked; None where none may be asked."""


@dataclass(frozen=True)
class Sight:
    """What a judge sees in a finished picture."""

    characters: frozenset[str] | None
    """Slugs of the registry's characters that it named; None when it did not answer."""
    redrawn: int
    """How many pictures were drawn before this one and thrown away."""


@dataclass(frozen=True)
class Decision:
    """What a gate in front makes of a request."""

    open: bool
    character: Character | None
    """Its guess of who is meant."""
    note: str


Tell = Callable[[Request], tuple[Step, Character | None]]
"""Guesses from the prompt alone who is meant; the step says how."""


class Mitigation(ABC):
    """One guardrail. Hooks are pure and do nothing unless overridden."""

    name: ClassVar[str]
    options: ClassVar[type[Options]] = Options

    def __init__(self, config: Options | None = None) -> None:
        self.config = config or self.options()

    def bound(self, world: World) -> Mitigation:  # noqa: ARG002
        """This mitigation with what it needs of the run; raises a UserError for what is not there."""
        return self

    @property
    def knows_target(self) -> bool:
        """Whether it is told which character is meant, as the oracle of He et al. 2024 tells it."""
        return True

    @property
    def judge(self) -> str | None:
        """The judge to be asked which characters a finished picture shows; None for a hook not used."""
        return None

    @property
    def calls(self) -> int:
        """How many questions it may have open at a time with a language model; 0 when it asks none."""
        return 0

    def edit_prompt(self, request: Request, character: Character) -> Request:  # noqa: ARG002
        """Place 1: the words."""
        return request

    def edit_sampling(self, request: Request, character: Character) -> Request:  # noqa: ARG002
        """Place 2: negative prompt and sampler settings."""
        return request

    def edit_model(self, pipeline: Any) -> Any:
        """Place 3: the weights."""
        return pipeline

    def reviews(self, request: Request) -> bool:  # noqa: ARG002
        """Whether it looks at this request's picture. Raises RunConflict when it would look differently
        from what the request was planned with."""
        return False

    def review(self, request: Request, seen: Sight) -> Action:  # noqa: ARG002
        """Place 4: the finished picture, as `judge` sees it."""
        return "keep"

    def traced(self, request: Request, note: str = "", **changes: Any) -> Request:
        """`request` with `changes`, and a step in its trail."""
        step = Step(name=self.name, config=self.config.model_dump(mode="json"), note=note)
        return request.model_copy(update={**changes, "trail": (*request.trail, step)})


class Gatekeeper(Mitigation):
    """A gate in front: the parts to its right act only on the requests that it opens for."""

    @property
    def knows_target(self) -> bool:
        return False

    @abstractmethod
    def decide(self, request: Request) -> Decision:
        """From the prompt as it stands, and the registry."""


_NOBODY = Character(slug="nobody", name="nobody", owner="nobody", key="nothing", generic="nothing")
"""What a part that needs no target is told when none is known."""


class Composition:
    """Mitigations applied together; at each place from left to right."""

    def __init__(self, spec: str, parts: Sequence[Mitigation]) -> None:
        self.spec, self.parts = spec, tuple(parts)

    def bound(self, world: World) -> Self:
        """The same parts, each bound to `world`."""
        return type(self)(self.spec, [part.bound(world) for part in self.parts])

    def apply(self, request: Request, character: Character, tell: Tell | None = None) -> Request:
        """Places 1 and 2: the request as it will be sent.

        With `tell` nobody knows `character`: the parts get its guess, or that of the last gate before
        them, and without a guess those that need one do not act.
        """
        told: Character | None = None if tell else character
        asks = (p for p in self.parts if p.knows_target or isinstance(p, Gatekeeper))
        if tell and not isinstance(next(asks, None), Gatekeeper | None):
            step, told = tell(request)
            request = request.model_copy(update={"trail": (*request.trail, step)})
        acting: list[tuple[Mitigation, Character]] = []
        for part in self.parts:
            if isinstance(part, Gatekeeper):
                decision = part.decide(request)
                request = part.traced(request, note=decision.note)
                if not decision.open:
                    break
                told = decision.character if tell else told
            elif told or not part.knows_target:
                acting.append((part, told or _NOBODY))
                request = part.edit_prompt(request, told or _NOBODY)
        for part, known in acting:
            request = part.edit_sampling(request, known)
        return request

    def edit_model(self, pipeline: Any) -> Any:
        """Place 3."""
        for part in self.parts:
            pipeline = part.edit_model(pipeline)
        return pipeline

    def reviewers(self, request: Request) -> tuple[Mitigation, ...]:
        """Place 4: the parts that look at this request's picture."""
        return tuple(p for p in self.parts if p.reviews(request))


CATALOG: Catalog[type[Mitigation]] = Catalog(
    "mitigations",
    singular="mitigation",
    builtin={
        "filter": "copycat.mitigations.filter:Filter",
        "gate": "copycat.mitigations.gate:Gate",
        "none": "copycat.mitigations.none:NoMitigation",
        "negprompt": "copycat.mitigations.negprompt:NegativePrompt",
        "rewrite": "copycat.mitigations.rewrite:Rewrite",
        "rewrite-llm": "copycat.mitigations.rewrite_llm:RewriteLLM",
    },
)

_PART = re.compile(r"\s*([\w-]+)\s*(?:\[([^\[\]]*)\])?\s*")


def parse(spec: str) -> Composition:
    """Read `rewrite+negprompt[keywords=3]`; raises UnknownName or UserError."""
    parts = [_part(text) for text in re.split(r"\+(?![^\[]*\])", spec)]
    if isinstance(parts[-1], Gatekeeper):
        raise UserError(f"'{spec}' ends in a gate with nothing behind it; write {parts[-1].name}+rewrite.")
    return Composition(spec, parts)


def _part(text: str) -> Mitigation:
    match = _PART.fullmatch(text)
    if not match:
        raise UserError(
            f"'{text}' is not a mitigation; write a name, or a name with options: name[key=value]."
        )
    name, inside = match.groups()
    if name in ALIASES:
        name, _, preset = ALIASES[name].partition("[")
        given = _options(preset.removesuffix("]"), text) | _options(inside or "", text)
    else:
        given = _options(inside or "", text)
    kind = _kind(name)
    if kind.edit_model is not Mitigation.edit_model:
        raise UserError(f"{name} changes the model's weights, which no stage does yet; it would do nothing.")
    try:
        return kind(kind.options.model_validate(given))
    except ValidationError as e:
        first = e.errors()[0]
        known = ", ".join(kind.options.model_fields) or "none"
        key = ".".join(map(str, first["loc"]))
        what = f"Option {key} of {name}" if key else f"Options of {name}"
        raise UserError(f"{what}: {first['msg']} (its options: {known}).") from e


def _kind(name: str) -> type[Mitigation]:
    if name not in CATALOG.names():
        raise UnknownName("mitigation", name, [*CATALOG.names(), *ALIASES])
    return CATALOG.get(name)


def _options(inside: str, text: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for pair in filter(None, map(str.strip, inside.split(","))):
        key, equals, value = (s.strip() for s in pair.partition("="))
        if not equals or not value:
            raise UserError(f"'{pair}' in '{text}' is not an option; write key=value.")
        if key in given:
            raise UserError(f"'{text}' gives the option {key} twice.")
        given[key] = value
    return given
