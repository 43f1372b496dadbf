"""What a mitigation is: up to four hooks by the place where it acts, and compositions of them."""

from __future__ import annotations

import re
from abc import ABC
from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from copycat.catalog import Catalog
from copycat.characters import Character
from copycat.errors import UserError
from copycat.records import ImageRow, Request, Step


class Options(BaseModel):
    """A mitigation's configuration: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Mitigation(ABC):
    """One guardrail. Hooks are pure and do nothing unless overridden."""

    name: ClassVar[str]
    options: ClassVar[type[Options]] = Options

    def __init__(self, config: Options | None = None) -> None:
        self.config = config or self.options()

    def edit_prompt(self, request: Request, character: Character) -> Request:  # noqa: ARG002
        """Place 1: the words."""
        return request

    def edit_sampling(self, request: Request, character: Character) -> Request:  # noqa: ARG002
        """Place 2: negative prompt and sampler settings."""
        return request

    def edit_model(self, pipeline: Any) -> Any:
        """Place 3: the weights."""
        return pipeline

    def review(self, request: Request, image: ImageRow) -> ImageRow:  # noqa: ARG002
        """Place 4: the finished picture."""
        return image

    def traced(self, request: Request, note: str = "", **changes: Any) -> Request:
        """`request` with `changes`, and a step in its trail."""
        step = Step(name=self.name, config=self.config.model_dump(mode="json"), note=note)
        return request.model_copy(update={**changes, "trail": (*request.trail, step)})


class Composition:
    """Mitigations applied together; at each place from left to right."""

    def __init__(self, spec: str, parts: Sequence[Mitigation]) -> None:
        self.spec, self.parts = spec, tuple(parts)

    def apply(self, request: Request, character: Character) -> Request:
        """Places 1 and 2: the request as it will be sent."""
        for part in self.parts:
            request = part.edit_prompt(request, character)
        for part in self.parts:
            request = part.edit_sampling(request, character)
        return request

    def edit_model(self, pipeline: Any) -> Any:
        """Place 3."""
        for part in self.parts:
            pipeline = part.edit_model(pipeline)
        return pipeline

    def review(self, request: Request, image: ImageRow) -> ImageRow:
        """Place 4."""
        for part in self.parts:
            image = part.review(request, image)
        return image


CATALOG: Catalog[type[Mitigation]] = Catalog(
    "mitigations",
    singular="mitigation",
    builtin={
        "none": "copycat.mitigations.none:NoMitigation",
        "negprompt": "copycat.mitigations.negprompt:NegativePrompt",
        "rewrite": "copycat.mitigations.rewrite:Rewrite",
    },
)

_PART = re.compile(r"\s*([\w-]+)\s*(?:\[([^\[\]]*)\])?\s*")


def parse(spec: str) -> Composition:
    """Read `rewrite+negprompt[keywords=3]`; raises UnknownName or UserError."""
    return Composition(spec, [_part(text) for text in spec.split("+")])


def _part(text: str) -> Mitigation:
    match = _PART.fullmatch(text)
    if not match:
        raise UserError(
            f"'{text}' is not a mitigation; write a name, or a name with options: name[key=value]."
        )
    name, inside = match.groups()
    kind = CATALOG.get(name)
    given: dict[str, str] = {}
    for pair in filter(None, map(str.strip, (inside or "").split(","))):
        key, equals, value = (s.strip() for s in pair.partition("="))
        if not equals or not value:
            raise UserError(f"'{pair}' in '{text}' is not an option; write key=value.")
        if key in given:
            raise UserError(f"'{text}' gives the option {key} twice.")
        given[key] = value
    try:
        return kind(kind.options.model_validate(given))
    except ValidationError as e:
        first = e.errors()[0]
        known = ", ".join(kind.options.model_fields) or "none"
        key = ".".join(map(str, first["loc"]))
        raise UserError(f"Option {key} of {name}: {first['msg']} (its options: {known}).") from e
