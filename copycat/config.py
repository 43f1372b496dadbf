"""What a run is: everything the user chose, checked before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from copycat.characters import Character, Registry, load_registry
from copycat.errors import UserError
from copycat.generators.base import CATALOG as GENERATORS
from copycat.judges.base import check_judge
from copycat.judges.card import load_judge_card
from copycat.mitigations import parse
from copycat.models import ModelCard, Offload, load_card
from copycat.prompts import Prompt, available, load_prompts
from copycat.records import digest

NOT_THE_RESULT = {"out", "device", "offload", "compile"}
"""Settings that say where a run is written and computed, and not what."""


class RunConfig(BaseModel):
    """One run. Build it with :func:`make_config`, which also checks that every name exists."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    model: str = "menagerie"
    """Card name, with `@preset` for other settings, or a diffusers folder."""
    registry: str = "menagerie"
    mitigations: tuple[str, ...] = Field(default=("none", "negprompt"), min_length=1)
    prompts: tuple[str, ...] = Field(default=("name",), min_length=1)
    seeds: tuple[int, ...] = Field(default=(0, 1, 2), min_length=1)
    characters: tuple[str, ...] | None = None
    limit: int | None = Field(default=None, gt=0)
    """Only the first so many characters."""
    oracle: bool = True
    """Whether mitigations are told which character is meant; else they get a guess from the prompt."""
    images_per_prompt: int = Field(default=1, gt=0)
    judge: str = "menagerie"
    device: str = "auto"
    batch_size: int | None = Field(default=None, gt=0)
    dtype: str | None = Field(default=None, pattern="^(float32|float16|bfloat16)$")
    steps: int | None = Field(default=None, gt=0)
    guidance: float | None = Field(default=None, ge=0)
    offload: Offload | None = None
    compile: bool | None = None
    out: Path | None = None

    @field_validator("mitigations", "prompts", "seeds", "characters")
    @classmethod
    def _once(cls, value: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        """What is listed twice counts once."""
        return None if value is None else tuple(dict.fromkeys(value))

    @property
    def digest(self) -> str:
        """Hash of all that decides the result; not of where it is written or computed."""
        chosen = self.model_dump(mode="json", exclude=NOT_THE_RESULT)
        if self.oracle:
            # Runs from before there was a choice keep their folders.
            del chosen["oracle"]
        return digest(chosen)

    @property
    def folder(self) -> Path:
        """Where the run lies; follows from the settings, so that the same command finds its own run."""
        if self.out is not None:
            return self.out
        first = Path(self.prompts[0]).stem
        return Path("results") / f"{self.card().name}-{first}-{self.digest[:6]}"

    def card(self) -> ModelCard:
        """The model's card with this run's overrides."""
        card = load_card(self.model)
        sampling = {"steps": self.steps, "guidance": self.guidance}
        changes: dict[str, Any] = {
            "batch_size": self.batch_size,
            "dtype": self.dtype,
            "offload": self.offload,
            "compile": self.compile,
            "min_gpu_gb": card.gb_with(self.offload) if self.offload else None,
        }
        return card.model_copy(
            update={
                **{k: v for k, v in changes.items() if v is not None},
                "sampling": card.sampling.model_copy(
                    update={k: v for k, v in sampling.items() if v is not None}
                ),
            }
        )

    def model_identity(self) -> str:
        """Card name and weights identity, with the dtype where it is not the card's."""
        identity = self.card().identity()
        return f"{identity}:{self.dtype}" if self.dtype else identity

    def load_registry(self) -> Registry:
        return load_registry(self.registry)

    def chosen(self) -> tuple[Character, ...]:
        """The characters of this run, in the registry's order when all are meant."""
        return self.load_registry().select(self.characters)[: self.limit]

    def load_prompts(self) -> dict[str, tuple[Prompt, ...]]:
        """The prompts of each set."""
        registry = self.load_registry()
        return {s: self._prompts(s, registry) for s in self.prompts}

    @staticmethod
    def _prompts(name: str, registry: Registry) -> tuple[Prompt, ...]:
        if name == "name" and name not in available(registry.name):
            # A registry of the user's own has no sets, but every character has a name.
            return tuple(
                Prompt(set=name, character=c.slug, text=c.name, provenance="the registry's name")
                for c in registry.characters
            )
        return load_prompts(name, registry.name)


def make_config(**given: Any) -> RunConfig:
    """A checked RunConfig; None means the default. Every mistake is a UserError; nothing is written."""
    chosen = {k: v for k, v in given.items() if v is not None}
    try:
        card = load_card(chosen.get("model", "menagerie"))
        chosen = {"registry": card.registry, "judge": card.judge, **chosen}
        config = RunConfig.model_validate(chosen)
    except ValidationError as e:
        first = e.errors()[0]
        where = ".".join(str(part) for part in first["loc"][:1])
        raise UserError(f"Setting {where}: {first['msg']} (given: {first.get('input')!r}).") from e
    card = config.card()
    GENERATORS.get(card.kind).check(card)
    judge = load_judge_card(config.judge)
    registry = config.load_registry()
    for spec in config.mitigations:
        parse(spec)
    if config.characters is not None:
        slugs = tuple(c.slug for c in registry.select(config.characters))
        config = config.model_copy(update={"characters": slugs})
    check_judge(judge, registry, config.chosen())
    chosen_slugs = {c.slug for c in config.chosen()}
    for name, prompts in config.load_prompts().items():
        if not chosen_slugs & {p.character for p in prompts}:
            raise UserError(f"The prompt set {name} has no prompt for any of the chosen characters.")
    card.identity()
    return config
