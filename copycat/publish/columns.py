"""Columns of a published table, derived from the rows that travel between the stages, and back.

A table is flat: scalars and lists of strings are columns of their own, `Sampling` and a judge's answer have
one column a field, and what is nested deeper is one column of JSON. So any reader of Parquet can use it, and
a row comes back equal to what it was.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import pyarrow as pa
from pydantic import AliasChoices, BaseModel, ValidationError
from pydantic.fields import FieldInfo

from copycat.errors import BadFile, first_fault
from copycat.io.documents import parse_json
from copycat.records import Named, Number, Row, Sampling, Similarities, Unscored, YesNo

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


def kind_of(annotation: Any) -> Kind:
    """The kind of column that holds values of `annotation`, None aside."""
    if get_origin(annotation) in (Union, types.UnionType):
        (annotation,) = (a for a in get_args(annotation) if a is not type(None))
    if get_origin(annotation) is Literal:
        return "string"
    if get_origin(annotation) is tuple and get_args(annotation) == (str, ...):
        return "strings"
    return _SCALARS.get(annotation, "json")


def columns_of(model: type[BaseModel]) -> tuple[Column, ...]:
    """The columns of rows of `model`, described as its fields are."""
    found: list[Column] = []
    for name, field in model.model_fields.items():
        if field.annotation is Sampling:
            found += columns_of(Sampling)
        elif name == "answer":
            found += ANSWER
        else:
            found.append(_column(name, field))
    return tuple(found)


def _column(name: str, field: FieldInfo) -> Column:
    # A docstring says None and links; a table has null, and nothing to link to.
    told = re.sub(r":\w+:`", "`", " ".join((field.description or "").split()))
    return Column(name, kind_of(field.annotation), re.sub(r"\bNone\b", "null", told))


_NAMES = {"p_yes": "score", "answer_probability": "mass"}
"""Columns of an answer that are called as in the first datasets."""
_FORMS: tuple[type[Row], ...] = (YesNo, Named, Similarities, Number, Unscored)
ANSWER = (
    Column("status", "string", "`scored`, or `unscored` when the judge did not answer; that is never a no."),
    *(
        _column(_NAMES.get(name, name), field)
        for form in _FORMS
        for name, field in form.model_fields.items()
        if name != "form"
    ),
)
"""The columns of a judge's answer; those that belong to answers of another form are null."""


def to_cells(row: BaseModel) -> dict[str, Any]:
    """`row` as the cells of its columns."""
    cells: dict[str, Any] = {}
    told = row.model_dump(mode="json")
    for name, field in type(row).model_fields.items():
        if field.annotation is Sampling:
            cells |= {n: _cell(told[name].get(n), f) for n, f in Sampling.model_fields.items()}
        elif name == "answer":
            cells |= _answer_cells(getattr(row, name), told[name])
        else:
            # A field that says nothing may be left out of a row; its column is there all the same.
            cells[name] = _cell(told.get(name, field.default), field)
    return cells


def _answer_cells(answer: BaseModel, told: Mapping[str, Any]) -> dict[str, Any]:
    fields = {n: f for n, f in type(answer).model_fields.items() if n != "form"}
    return {
        **dict.fromkeys(c.name for c in ANSWER),
        "status": "unscored" if isinstance(answer, Unscored) else "scored",
        **{_NAMES.get(n, n): _cell(told.get(n, f.default), f) for n, f in fields.items()},
    }


def _cell(value: Any, field: FieldInfo) -> Any:
    if value is None or kind_of(field.annotation) != "json":
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def from_cells(cells: Mapping[str, Any], model: type[M], what: str) -> M:
    """The row that `cells` were made of; BadFile where they are not `what` ("a verdict").

    A field that has no column, since the dataset is older than it, has its default.
    """
    given: dict[str, Any] = {}
    try:
        for name, field in model.model_fields.items():
            if field.annotation is Sampling:
                told = {n: _value(cells.get(n), f) for n, f in Sampling.model_fields.items()}
                given[name] = {n: v for n, v in told.items() if v is not None}
            elif name == "answer":
                given |= _answer_of(cells)
            else:
                column = next((n for n in _called(name, field) if n in cells), None)
                if column is not None or field.is_required():
                    given[name] = _value(cells[column or name], field)
        return model.model_validate(given)
    except ValidationError as e:
        raise BadFile(f"The dataset holds a row that is not {what} ({first_fault(e)}).") from e
    except (KeyError, ValueError, TypeError, AttributeError) as e:
        raise BadFile(f"The dataset holds a row that is not {what} ({type(e).__name__}: {e}).") from e


def _called(name: str, field: FieldInfo) -> tuple[str, ...]:
    """What a field's column is called now, and was called in earlier datasets."""
    aliases = field.validation_alias
    return name, *(str(a) for a in (aliases.choices if isinstance(aliases, AliasChoices) else ()))


def _value(cell: Any, field: FieldInfo) -> Any:
    return parse_json(cell) if cell is not None and kind_of(field.annotation) == "json" else cell


def _answer_of(cells: Mapping[str, Any]) -> dict[str, Any]:
    """The answer as `Verdict` takes it: of the forms that the first datasets had, in the fields of those."""
    if cells["status"] not in ("scored", "unscored"):
        raise ValueError(f"status is {cells['status']!r}")
    for form in (Similarities, Number):
        told = {n: _value(cells.get(n), f) for n, f in form.model_fields.items() if n != "form"}
        if None not in told.values():
            return {"answer": form.model_validate(told)}
    if cells["status"] == "scored" and cells.get("names") is not None:
        named = {n: cells[n] for n in ("names", "partial") if cells.get(n) is not None}
        figures = cells.get("figures")
        return {
            "answer": Named.model_validate({**named, "figures": parse_json(figures) if figures else None})
        }
    return {n: cells.get(n) for n in ("status", "score", "mass", "names", "reason")}
