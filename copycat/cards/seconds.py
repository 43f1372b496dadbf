"""How long pictures and questions take, as far as it was measured and published; see data/seconds.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from pydantic import BaseModel, ConfigDict

from copycat.io.paths import DATA
from copycat.io.yaml_file import read_yaml


class Seconds(BaseModel):
    """The table of seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    seconds: Mapping[str, float]
    """A picture or clip, by model."""
    judge_source: str
    judge_seconds: float
    """A question to a local judge."""


@cache
def seconds() -> Seconds:
    """The table that is shipped."""
    return read_yaml(DATA / "seconds.yaml", Seconds, "table of seconds")
