"""How long pictures and questions take, as far as it was measured and published; see data/seconds.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from pydantic import BaseModel, ConfigDict

from copycat.errors import BadFile
from copycat.io.paths import DATA
from copycat.io.yaml_file import read_yaml


@dataclass(frozen=True)
class Seconds:
    """How long things take."""

    source: str
    seconds: Mapping[str, float]
    """A picture or clip, by model."""
    judge_source: str
    judge_seconds: float
    """A question to a local judge."""


class _File(BaseModel):
    """data/seconds.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    published: str
    """The file in data/published/ that the seconds of pictures stand in."""
    models: tuple[str, ...]
    """Those of its models that are as they were measured."""
    judge_source: str
    judge_seconds: float


class _Measured(BaseModel):
    names: tuple[str, ...]
    seconds: float


class _Published(BaseModel):
    """What is needed of a published table of seconds."""

    rows: tuple[_Measured, ...]


@cache
def seconds() -> Seconds:
    """What is shipped. Raises BadFile where the table lacks a model that is to be taken from it."""
    file = read_yaml(DATA / "seconds.yaml", _File, "table of seconds")
    table = read_yaml(DATA / "published" / file.published, _Published, "published table of seconds")
    measured = {name: row.seconds for row in table.rows for name in row.names}
    if lacking := [m for m in file.models if m not in measured]:
        raise BadFile(f"{DATA / 'seconds.yaml'} names {', '.join(lacking)}, which {file.published} lacks.")
    return Seconds(file.source, {m: measured[m] for m in file.models}, file.judge_source, file.judge_seconds)
