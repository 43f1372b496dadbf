"""Reading what the user writes: `rewrite+negprompt[keywords=3]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, TypeVar

from pydantic import ValidationError

from copycat.cards.catalog import Catalog
from copycat.errors import UnknownName, UserError
from copycat.mitigations.aliases import ALIASES
from copycat.mitigations.base import CATALOG, InputFilter, Mitigation, Options
from copycat.mitigations.composition import Composition
from copycat.subjects.characters import with_article


class Named(Protocol):
    """What is called by a name with options, and made of them."""

    options: ClassVar[type[Options]]

    def __init__(self, config: Any) -> None: ...


M = TypeVar("M", bound=Named)
_PART = re.compile(r"\s*([\w-]+)\s*(?:\[([^\[\]]*)\])?\s*")


def parse(spec: str) -> Composition:
    """The mitigations that `spec` names, not bound to a run yet; raises UnknownName or UserError."""
    parts = [part_of(text, CATALOG, ALIASES) for text in re.split(r"\+(?![^\[]*\])", spec)]
    if isinstance(parts[-1], InputFilter):
        raise UserError(f"'{spec}' ends in a gate with nothing behind it; write {parts[-1].name}+rewrite.")
    return Composition(spec, parts)


def rewrites(part: str) -> bool:
    """Whether one part of a mitigation is of a kind that changes the prompt; False for one unknown here."""
    name = part.partition("[")[0].strip()
    return name in CATALOG.names() and CATALOG.get(name).edit_prompt is not Mitigation.edit_prompt


def part_of(text: str, catalog: Catalog[type[M]], aliases: Mapping[str, str] | None = None) -> M:
    """What one name of `catalog`, with options in brackets, stands for: `negprompt[keywords=3]`.

    `aliases` are names for others with options. Raises UnknownName or UserError.
    """
    match, aliases = _PART.fullmatch(text), aliases or {}
    if not match:
        raise UserError(
            f"'{text}' is not {with_article(catalog.singular)}; write a name, or a name with options: "
            "name[key=value]."
        )
    name, inside = match.groups()
    preset = ""
    if name in aliases:
        name, _, preset = aliases[name].partition("[")
    elif name not in catalog.names():
        raise UnknownName(catalog.singular, name, [*catalog.names(), *aliases])
    kind = catalog.get(name)
    try:
        given = _options(preset.removesuffix("]"), text) | _options(inside or "", text)
        return kind(kind.options.model_validate(given))
    except ValidationError as e:
        first = e.errors()[0]
        known = ", ".join(kind.options.model_fields) or "none"
        key = ".".join(map(str, first["loc"]))
        what = f"Option {key} of {name}" if key else f"Options of {name}"
        raise UserError(f"{what}: {first['msg']} (its options: {known}).") from e


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
