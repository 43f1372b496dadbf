"""The manifest: what was run, with what, on what, and how far it got."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field

from copycat.config import RunConfig
from copycat.io.ledger import Spent
from copycat.io.paths import ROOT
from copycat.io.version import __version__
from copycat.records import SCHEMA
from copycat.runtime import environment

Status = Literal["running", "complete", "interrupted"]
NEEDED = ("generate", "judge", "score")
"""Stages that must be complete for a run to be finished; the report can be made at any time."""

RECORDED = "recorded:"
"""How the identity of a judge begins whose answers were imported from a table."""
UPSTREAM_JUDGE = "gpt-4-vision-preview@binary_result.json"
"""Who the verdicts of the original scripts are signed with: the model that they ask, by their record."""


def now() -> str:
    """This moment in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Cited(BaseModel):
    """The calibration that a run's numbers are read with, as it was when it was cited."""

    model_config = ConfigDict(frozen=True)
    file: str
    """Path, as it was given."""
    sha256: str
    judge: str
    """Identity of the judge that was measured."""
    rates: dict[str, Any]
    """As `JudgeCard.rates` gives them."""


class Origin(BaseModel):
    """Where a run comes from whose pictures were not drawn in its folder."""

    model_config = ConfigDict(frozen=True)
    how: Literal["imported", "pulled"]
    source: str
    """Of imported pictures their folder's name, of a pulled run its dataset."""
    revision: str | None = None
    """Of a pulled run: the dataset's commit, or the hash of its list of files."""
    withheld: bool = False
    """Whether the pictures stayed with the publisher; the rows keep their hashes and verdicts."""
    before: Origin | None = None
    """Where the publisher had it from."""

    @property
    def words(self) -> str:
        """How it came here, for a sentence."""
        if self.how == "imported":
            return f"holds pictures made elsewhere (imported from {self.source})"
        return f"was pulled from {self.source}"


class StageRecord(BaseModel):
    """How one stage went."""

    model_config = ConfigDict(frozen=True)
    status: Status
    started: str
    finished: str | None = None
    seconds: float = 0.0
    """Wall time, summed over all resumptions."""


class Manifest(BaseModel):
    """One run's `manifest.json`."""

    model_config = ConfigDict(frozen=True)
    schema_version: int = SCHEMA
    config: RunConfig
    copycat: str = __version__
    git_commit: str | None = None
    git_dirty: bool | None = None
    packages: dict[str, str] = Field(default_factory=dict)
    python: str = ""
    platform: str = ""
    hardware: dict[str, str] = Field(default_factory=dict)
    device: str | None = None
    """Torch device the pictures were made on; fixed by the first batch."""
    batch_size: int | None = None
    """Pictures drawn together, where that was found on the device; None where the settings say it."""
    model: str
    """Card name and weights identity."""
    without_negative: str = ""
    """What the model gets where a request has no negative prompt, in words; empty where it takes none, and in
    runs of earlier versions."""
    judge: str | None = None
    """Identity of the judge that the metrics come from."""
    calibration: Cited | None = None
    """By `copycat score --calibration`; without it a judge's card says what is known of its errors."""
    seeds: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader of the numbers must know, as prompts that the model did not read to their end."""
    taken: tuple[str, ...] = ()
    """What was taken or left out where the user named nothing, with the reason."""
    served: tuple[str, ...] = ()
    """What the model's server was found to do when it was probed, before the first picture."""
    created: str = ""
    finished: str | None = None
    stages: dict[str, StageRecord] = Field(default_factory=dict)
    peak_rss_mb: float = 0.0
    spent: Spent | None = None
    """What its hosted calls came to; None for a run without any, and of earlier versions."""
    origin: Origin | None = None
    """None for a run whose pictures were drawn in its folder."""

    @property
    def judged_elsewhere(self) -> str:
        """The judge of the numbers, where its answers were recorded elsewhere and it cannot be asked; else
        empty."""
        judge = self.judge or ""
        return judge if judge == UPSTREAM_JUDGE or judge.startswith(RECORDED) else ""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def status(self) -> Status:
        """`complete` when all needed stages are."""
        states = {name: record.status for name, record in self.stages.items()}
        if all(states.get(name) == "complete" for name in NEEDED):
            return "complete"
        return "interrupted" if "interrupted" in states.values() else "running"

    @classmethod
    def fresh(
        cls, config: RunConfig, model: str, taken: tuple[str, ...] = (), served: tuple[str, ...] = ()
    ) -> Manifest:
        """The manifest of a run that is about to begin on this machine."""
        commit, dirty = environment.git_state(ROOT)
        return cls(
            config=config,
            git_commit=commit,
            git_dirty=dirty,
            packages=environment.packages(),
            python=sys.version.split()[0],
            platform=platform.platform(),
            hardware=environment.hardware(),
            model=model,
            seeds=config.seeds,
            taken=taken,
            served=served,
            created=now(),
        )
