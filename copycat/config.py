"""What a run is: everything the user chose, in words; `copycat.resolve` finds what the words mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from copycat.cards.models import Offload
from copycat.io.paths import expand
from copycat.records import digest

NOT_THE_RESULT = {
    *("out", "device", "devices", "workers", "concurrency", "offload"),
    *("max_cost", "cache", "batch"),
    *("engine", "address", "gpus_per_worker"),
}
"""Settings that say where a run is written and computed, and for how much, and not what."""


class RunConfig(BaseModel):
    """One run, as the user asked for it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
    model: str = "menagerie"
    """Card name, with `@preset` for other settings, or a diffusers folder. Of a folder `registry` and `judge`
    are the protected characters and a judge of general knowledge, unless they are given."""
    registry: str = "menagerie"
    mitigations: tuple[str, ...] = Field(default=("none", "negprompt"), min_length=1)
    """What is compared; where they are not given, `none` alone for a model that takes no negative prompt."""
    prompts: tuple[str, ...] = Field(default=("name",), min_length=1)
    seeds: tuple[int, ...] = Field(default=(0, 1, 2), min_length=1)
    characters: tuple[str, ...] | None = None
    limit: int | None = Field(default=None, gt=0)
    """Only the first so many characters."""
    oracle: bool = True
    """Whether mitigations are told which character is meant; else they get a guess from the prompt."""
    also: tuple[Literal["neutral", "lookalikes"], ...] = ()
    """Innocent prompts that are drawn too, to see what guardrails cost there; see docs/mitigations.md."""
    features: str | None = None
    """Encoder with which the distance of those pictures from the unguarded ones is measured: a judge card or
    a transformers folder."""
    images_per_prompt: int = Field(default=1, gt=0, le=1_000_000)
    judge: str = "menagerie"
    measures: tuple[str, ...] | None = Field(default=None, min_length=1)
    """What is measured; all measures there are when left out."""
    device: str = "auto"
    devices: tuple[str, ...] = ()
    """A process on each of these, in place of one on `device`."""
    workers: int | None = Field(default=None, gt=0, le=1024)
    """Processes that share `device`. When left out one; on a Ray cluster one for each GPU, or without GPUs
    one for each machine."""
    engine: str = "local"
    """Where batches are worked on: `local` for this machine, `ray` for a Ray cluster; see docs/scale.md."""
    address: str | None = None
    """`host:port` of the Ray cluster's head node, or `auto` for the one on this machine; when left out what
    the variable RAY_ADDRESS says, else a cluster of this machine alone, for this run."""
    gpus_per_worker: float | None = Field(default=None, gt=0, le=1)
    """Share of a GPU that each worker on a Ray cluster takes; a whole one when left out."""
    concurrency: int | None = Field(default=None, gt=0, le=1024)
    """Calls in flight to a hosted model or judge; its card says how many when left out."""
    batch_size: Annotated[int, Field(gt=0, le=100_000)] | Literal["auto"] | None = None
    """Pictures drawn together; `auto` finds on a GPU how many."""
    dtype: str | None = Field(default=None, pattern="^(float32|float16|bfloat16)$")
    steps: int | None = Field(default=None, gt=0, le=100_000)
    guidance: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    height: int | None = Field(default=None, gt=0, le=65_536)
    """Of a picture, in pixels."""
    width: int | None = Field(default=None, gt=0, le=65_536)
    """Of a picture, in pixels."""
    frames: int | None = Field(default=None, gt=0, le=100_000)
    """Of a video."""
    variant: str | None = Field(default=None, pattern=r"^[\w.-]+$")
    """Which weight files, such as `fp16`; `none` for the plain ones."""
    offload: Offload | None = None
    compile: bool | None = None
    max_cost: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """The most dollars that the run's hosted calls may cost, those of earlier commands among them."""
    cache: bool | None = None
    """Whether pictures and answers are taken from other runs and kept for them; None for those of hosted
    models alone."""
    batch: bool = False
    """Whether a hosted model and judge are asked in batches of their provider, for less and within a day; see
    docs/costs.md."""
    out: Path | None = None

    @field_validator("out")
    @classmethod
    def _from_home(cls, value: Path | None) -> Path | None:
        return expand(value) if value else value

    @field_validator("mitigations", "prompts", "seeds", "characters", "measures", "also")
    @classmethod
    def _deduplicate(cls, value: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        """What is listed twice counts once."""
        return None if value is None else tuple(dict.fromkeys(value))

    def computed_by(self, engine: str | None, address: str | None) -> RunConfig:
        """These settings with another engine, or another `address` of it, where one is named.

        Another engine takes nothing of what was said about the one before: how many workers, and where.
        """
        if engine is None or engine == self.engine:
            return self if address is None else self.model_copy(update={"address": address})
        other = {"engine": engine, "address": address, "gpus_per_worker": None, "workers": None}
        return self.model_copy(update={**other, "devices": ()})

    @property
    def shares_devices(self) -> bool:
        """Whether several processes are to have the same device."""
        if self.engine != "local":
            return self.gpus_per_worker is not None and self.gpus_per_worker <= 0.5
        if self.device == "auto" and self.devices:
            numbered = {d if ":" in d else f"{d}:0" for d in self.devices}
            return len(numbered) < len(self.devices)
        return (self.workers or 1) > 1

    @property
    def digest(self) -> str:
        """Hash of all that decides the result; not of where it is written or computed."""
        chosen = self.model_dump(mode="json", exclude=NOT_THE_RESULT)
        # Runs from before there was a choice keep their folders.
        if self.oracle:
            del chosen["oracle"]
        for later in ("measures", "height", "width", "frames", "variant", "compile"):
            if chosen[later] is None:
                del chosen[later]
        if not self.also:
            del chosen["also"], chosen["features"]
        return digest(chosen)
