"""Lines of JSON decoded many at a time, far more quickly than rows are made of them.

What may stand in a line follows from the row's own model, and is less than that takes: what is written today,
and nothing that the model may yet accept, such as rows of earlier versions. There the model itself has the
word, so which lines are rows, and what is said of one that is none, does not depend on this module.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
import msgspec
import numpy as np
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

_BOUNDS: dict[type, str] = {
    annotated_types.Gt: "gt",
    annotated_types.Ge: "ge",
    annotated_types.Lt: "lt",
    annotated_types.Le: "le",
}
_NEWLINE, _OPEN, _CLOSE = b"\n{}"


class QuickDecoder:
    """Decodes whole lines of one kind of row to plain structs with the fields of `model`.

    Raises TypeError for a model with fields of a kind that is not known here.
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self._decoder = msgspec.json.Decoder(_struct(model))
        self._turned = {name: turn for name, field in model.model_fields.items() for turn in _turns(field)}

    def decode(self, content: bytes) -> Sequence[Any] | None:
        """One struct for each line of `content`, which ends in a newline, and in order. None where a line is
        blank or is not, to the letter, what is written today; then nothing is known of any of them."""
        ends = line_ends(content)
        if not _one_object_a_line(content, ends):
            return None
        try:
            rows: list[Any] = self._decoder.decode_lines(content)
        except (msgspec.MsgspecError, RecursionError):
            return None
        for name, turn in self._turned.items():
            # The model would read another value than the one that stands there.
            if any(turn(value) != value for value in {getattr(row, name) for row in rows}):
                return None
        return rows if len(rows) == len(ends) else None


def line_ends(content: bytes) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Where the newlines of `content` stand, in bytes from its beginning."""
    return np.flatnonzero(np.frombuffer(content, np.uint8) == _NEWLINE)


def _one_object_a_line(content: bytes, ends: np.ndarray[Any, np.dtype[np.int64]]) -> bool:
    """Whether each line begins with { and ends with }. The decoder alone does not mind where lines end, and a
    line that ends within an object does not end with } before one that begins with {."""
    letters = np.frombuffer(content, np.uint8)
    starts = np.concatenate(([0], ends[:-1] + 1))
    return bool(len(ends)) and bool((letters[starts] == _OPEN).all() and (letters[ends - 1] == _CLOSE).all())


def _turns(field: FieldInfo) -> list[Callable[[Any], Any]]:
    return [m.func for m in field.metadata if isinstance(m, BeforeValidator)]  # type: ignore[misc]


@cache
def _struct(model: type[BaseModel], tag: tuple[str, str] | None = None) -> type[msgspec.Struct]:
    """A struct with the fields of `model`; with a `tag`, its name and value, one of a union."""
    fields: list[Any] = []
    for name, field in model.model_fields.items():
        if tag and name == tag[0]:
            continue
        kind = _type(field.annotation, field)
        if field.is_required():
            fields.append((name, kind))
        elif field.default is PydanticUndefined:
            fields.append(
                (
                    name,
                    kind,
                    msgspec.field(default_factory=partial(field.get_default, call_default_factory=True)),
                )
            )
        else:
            fields.append((name, kind, field.default))
    return msgspec.defstruct(
        model.__name__,
        fields,
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,
        namespace={"numbers": getattr(model, "numbers", ())},
        tag_field=tag[0] if tag else None,
        tag=tag[1] if tag else None,
    )


def _type(told: Any, field: FieldInfo | None = None) -> Any:
    """What msgspec calls the type `told`, with the bounds that `field` sets to it."""
    members, origin = get_args(told), get_origin(told)
    if field is not None and field.discriminator:
        name = str(field.discriminator)
        return Union[tuple(_struct(m, (name, _tag(m, name))) for m in members)]  # noqa: UP007
    bounds: dict[str, Any] = {}
    for m in field.metadata if field else ():
        if type(m) in _BOUNDS:
            bounds[_BOUNDS[type(m)]] = getattr(m, _BOUNDS[type(m)])
        # JSON as it is decoded here has no NaN and no infinity.
        elif not isinstance(m, BeforeValidator) and getattr(m, "allow_inf_nan", None) is not False:
            raise TypeError(f"{m!r} is not known here")
    if origin in (Union, types.UnionType):
        inner = tuple(_bounded(_type(m), bounds) for m in members)
        return Union[inner]  # noqa: UP007
    if isinstance(told, type) and issubclass(told, BaseModel) and origin is None:
        return _struct(told)
    if origin in (tuple, dict):
        return origin[tuple(m if m is ... else _type(m) for m in members)]
    if origin is Literal or told in (str, int, float, bool, Any, type(None)):
        return _bounded(told, bounds)
    raise TypeError(f"{told!r} is not known here")


def _bounded(kind: Any, bounds: dict[str, Any]) -> Any:
    return Annotated[kind, msgspec.Meta(**bounds)] if bounds and kind in (int, float) else kind


def _tag(model: type[BaseModel], name: str) -> str:
    (tag,) = get_args(model.model_fields[name].annotation)
    return str(tag)
