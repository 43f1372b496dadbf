"""Columns of a published table, derived from the rows that travel between the stages, and back.

A table is flat: scalars and lists of strings are columns of their own, `Sampling` has one column a field,
and what is nested deeper is one column of JSON. So any reader of Parquet can use it, and a row comes back
equal to what it was.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import pyarrow as pa
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from copycat.errors import BadFile
from copycat.records import Sampling

Kind = Literal["string", "int64", "float64", "bool", "strings", "json"]
TYPES: dict[Kind, pa.DataType] = {
    "string": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "strings": pa.list_(pa.string()),
    "json": pa.string(),
}
_SCALARS: dict[Any, Kind] = {str: "string", int: "int64", float: "float64", bool: "bool"}

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Column:
    """One column."""

    name: str
    kind: Kind
    about: str
    """What it holds, with unit, range and what null means."""
    part: str | None = None
    """The field of the row whose part it is; None for a field of its own, or for none at all."""
    joined: bool = False
    """Whether it repeats what another table says, or the run's name; left out when rows are read back."""


def kind_of(annotation: Any) -> Kind:
    """The kind of column that holds values of `annotation`, None aside."""
    if get_origin(annotation) in (Union, types.UnionType):
        (annotation,) = (a for a in get_args(annotation) if a is not type(None))
    if get_origin(annotation) is Literal:
        return "string"
    if get_origin(annotation) is tuple and get_args(annotation) == (str, ...):
        return "strings"
    return _SCALARS.get(annotation, "json")


def columns_of(model: type[BaseModel], about: Mapping[str, str]) -> tuple[Column, ...]:
    """The columns of rows of `model`; `about` describes them by name."""
    found = []
    for name, field in model.model_fields.items():
        if field.annotation is Sampling:
            found += [
                Column(n, kind_of(f.annotation), about.get(n, ""), part=name)
                for n, f in Sampling.model_fields.items()
            ]
        else:
            found.append(Column(name, kind_of(field.annotation), about.get(name, "")))
    return tuple(found)


def to_cells(row: BaseModel) -> dict[str, Any]:
    """`row` as the cells of its columns."""
    cells: dict[str, Any] = {}
    told = row.model_dump(mode="json")
    for name, field in type(row).model_fields.items():
        if field.annotation is Sampling:
            cells |= {n: told[name].get(n) for n in Sampling.model_fields}
        else:
            cells[name] = _cell(told[name], field)
    return cells


def _cell(value: Any, field: FieldInfo) -> Any:
    if value is None or kind_of(field.annotation) != "json":
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def from_cells(cells: Mapping[str, Any], model: type[M], what: str) -> M:
    """The row that `cells` were made of; BadFile where they are not `what` ("a verdict")."""
    given: dict[str, Any] = {}
    try:
        for name, field in model.model_fields.items():
            if field.annotation is Sampling:
                given[name] = {n: cells[n] for n in Sampling.model_fields if cells[n] is not None}
            elif cells[name] is not None and kind_of(field.annotation) == "json":
                given[name] = json.loads(cells[name])
            else:
                given[name] = cells[name]
        return model.model_validate(given)
    except ValidationError as e:
        first = e.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadFile(f"The dataset holds a row that is not {what} ({where}: {first['msg']}).") from e
    except (KeyError, ValueError, TypeError, AttributeError) as e:
        raise BadFile(f"The dataset holds a row that is not {what} ({type(e).__name__}: {e}).") from e
