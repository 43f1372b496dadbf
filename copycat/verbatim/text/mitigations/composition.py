"""Several mitigations that act together: `block[n=8]+output-filter`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from copycat.mitigations.parse import part_of
from copycat.verbatim.text.mitigations.base import CATALOG, Encode, Protected, TextMitigation, TokenBlock

NONE = "none"


@dataclass(frozen=True)
class Composition:
    """Mitigations from left to right: any may forbid a token, and the first that objects withholds a text."""

    spec: str
    parts: tuple[TextMitigation[Any], ...]
    decoding: str = NONE
    """The spec of those parts alone that act while a model decodes: what is written depends on no other."""

    @property
    def decodes(self) -> bool:
        """Whether any part acts while a model decodes."""
        return any(part.decodes for part in self.parts)

    def blocks(self, protected: Protected, encode: Encode, vocabulary: int) -> list[TokenBlock]:
        """What forbids tokens."""
        found = (part.block(protected, encode, vocabulary) for part in self.parts)
        return [block for block in found if block is not None]

    def reviewer(self, protected: Protected) -> Callable[[str], str]:
        """Why a text is withheld, and by which part; empty for one that is not."""
        looking = [(p.name, look) for p in self.parts if (look := p.reviewer(protected)) is not None]

        def review(text: str) -> str:
            told = ((name, look(text)) for name, look in looking)
            return next((f"{name}: {why}" for name, why in told if why), "")

        return review


def parse(spec: str) -> Composition:
    """The mitigations that `spec` names; `none` for nothing. Raises UnknownName or UserError."""
    if spec.strip() == NONE:
        return Composition(spec, ())
    parts = [(text.strip(), part_of(text, CATALOG)) for text in re.split(r"\+(?![^\[]*\])", spec)]
    decoding = "+".join(text for text, part in parts if part.decodes)
    return Composition(spec, tuple(part for _, part in parts), decoding or NONE)


def parse_all(specs: Sequence[str]) -> dict[str, Composition]:
    """By what the user wrote, in that order."""
    return {spec: parse(spec) for spec in specs}
