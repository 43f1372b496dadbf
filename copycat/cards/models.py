"""Model cards: which weights, through which pipeline, sampled how."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator

from copycat.cards.catalog import Catalog
from copycat.cards.folders import is_pipeline, why_no_pipeline
from copycat.cards.shortcuts import Decoding, StepCache, Storage
from copycat.cards.weights import Card, Dtype, NameOrPath, Weights, torch_dtype
from copycat.errors import BadFile, UnknownName, UserError, first_fault
from copycat.io.paths import DATA, expand
from copycat.io.yaml_file import read_yaml
from copycat.records import Sampling, digest

Offload = Literal["none", "model", "sequential"]
BodyField = Literal["seed", "negative", "steps", "guidance"]
"""What of a request a server of one's own may be sent, beyond the fields of OpenAI's API."""
_OURS = frozenset(
    {"prompt", "negative_prompt", "num_inference_steps", "height", "width", "generator", "num_frames"}
)


class Part(Weights):
    """One pipeline of diffusers."""

    pipeline: str = ""
    """Class name in diffusers."""
    variant: str | None = None
    """Which weight files, e.g. `fp16`."""
    null_components: tuple[str, ...] = ()
    """Pipeline components to leave out, e.g. `safety_checker`."""
    scheduler: str | None = None
    """Class name in diffusers that replaces the pipeline's scheduler."""
    scheduler_options: dict[str, Any] = Field(default_factory=dict)
    """Settings of the scheduler that replaces it, where they are not to be those of the one replaced."""
    call: dict[str, Any] = Field(default_factory=dict)
    """Further arguments of every call, e.g. `max_sequence_length`."""
    component_dtypes: dict[str, Dtype] = Field(default_factory=dict)
    """Components with a precision of their own, e.g. `{vae: float32}`; the others have the card's."""

    @field_validator("call")
    @classmethod
    def _not_ours(cls, value: dict[str, Any]) -> dict[str, Any]:
        taken = sorted(_OURS & set(value))
        if taken:
            raise ValueError(f"{taken[0]} is set by copycat itself")
        return value


class Stage(Part):
    """A pipeline that takes the picture of the one before it (`kind: diffusers-cascade`).

    Without its own `text_encoder` (see `null_components`) it is given the first pipeline's embeddings.
    """

    steps: int = Field(gt=0)
    guidance: float = Field(ge=0)


class Motion(Weights):
    """AnimateDiff's motion modules (Guo et al. 2024)."""

    variant: str | None = None


class ModelCard(Card, Part):
    """One text-to-image or text-to-video model; see docs/add-a-model.md and docs/video.md."""

    title: str
    kind: str = "diffusers-image"
    """Name of a generator in the catalogue of generators."""
    sampling: Sampling
    stages: tuple[Stage, ...] = ()
    """The pipelines after the first, for `kind: diffusers-cascade`."""
    motion_adapter: Motion | None = None
    """For AnimateDiff: what moves the pictures of the image model that `source` names."""
    gated: bool = False
    """Whether the hub asks for an account that accepted the licence."""
    settings_source: str = ""
    guidance_argument: str = "guidance_scale"
    """The argument of the call that `sampling.guidance` is passed as."""
    guidance_off: float = 1.0
    """The largest guidance at which the pipeline makes no classifier-free guidance."""
    negative_prompt: bool = True
    """Whether the model takes one. Without classifier-free guidance none has an effect, and it is refused."""
    negative_argument: Literal["negative_prompt", "negative_prompt_embeds"] = "negative_prompt"
    """How the pipeline takes it: as text, or encoded by its own `encode_prompt`."""
    negative_advice: str = ""
    """For a model that takes none: why, and what there is instead."""
    empty_negative: str | None = None
    """What stands for no negative prompt, where a pipeline guides only when it is given one."""
    registry: NameOrPath = "menagerie"
    judge: NameOrPath = "menagerie"
    """The judge that is asked when the user names none; it must know the registry's characters."""
    body_fields: dict[BodyField, str] = Field(default_factory=dict)
    """Of `kind: openai-images` behind a server of one's own: what of a request is sent beyond OpenAI's API,
    and in which field of the body, e.g. `{seed: seed, negative: negative_prompt}`."""
    offload: Offload = "none"
    """What waits in main memory until it is needed: nothing, whole components, or single layers."""
    offload_gb: dict[Offload, float] = Field(default_factory=dict)
    """GPU memory in GB by `offload`."""
    compile: bool = False
    """Whether to `torch.compile` the denoiser: a slow first batch, faster ones after it. It rounds
    differently, so it is part of the identity."""
    find_batch_size: bool = False
    """Whether a GPU is tried for how many pictures to draw together, as `batch_size: auto` asks; a CPU draws
    `batch_size`."""
    decoding: Decoding = "whole"
    """How the autoencoder decodes a batch. Tiles have other pixels, and are part of the identity."""
    step_cache: StepCache | None = None
    """Which steps are not computed in full. Changes the pictures, and is part of the identity."""
    storage: Storage | None = None
    """What the denoiser's weights are kept in, to be computed with in its own precision: some half of the
    memory of 16-bit weights. Changes the pictures, and is part of the identity."""
    erasers: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Options of erasers that suit this model, by the eraser's name. They stand in place of the eraser's own
    defaults, and are part of the erasure's identity; what the user names goes before them."""
    packages: tuple[str, ...] = ()
    """Distributions that this model needs and copycat does not install."""
    presets: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Other settings by name, chosen as `name@preset`; each overrides fields of this card."""

    _file: Path | None = PrivateAttr(default=None)
    """Where the card was read from: what a preset's relative paths start from."""

    def model_post_init(self, context: Any) -> None:
        self._file = (context or {}).get("file")

    @model_validator(mode="before")
    @classmethod
    def _auto(cls, raw: Any) -> Any:
        """`batch_size: auto` as the fields that it means."""
        if not isinstance(raw, dict) or raw.get("batch_size") != "auto":
            return raw
        return {**{k: v for k, v in raw.items() if k != "batch_size"}, "find_batch_size": True}

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.guidance_argument in self.call:
            raise ValueError(f"call: {self.guidance_argument} is already what sampling.guidance is passed as")
        if self.stages and self.step_cache:
            raise ValueError("step_cache: there is none for several pipelines in a row")
        if self.compile and self.step_cache:
            raise ValueError("compile: blocks that a step cache skips cannot be compiled; choose one of them")
        for name in self.presets:
            try:
                self.preset(name)
            except ValidationError as e:
                raise ValueError(f"preset {name}: {first_fault(e)}") from e
        return self

    def preset(self, name: str) -> ModelCard:
        """This card with the preset's settings; KeyError for an unknown one."""
        changes = self.presets[name]
        base = self.model_dump(exclude={"presets"}, exclude_unset=True)
        named = {"name": f"{self.name}@{name}", "title": f"{self.title} @{name}"}
        told = {**base, **named, **_merged(base, changes)}
        return ModelCard.model_validate(told, context={"file": self._file})

    def identity(self) -> str:
        """The card's identity; where the call is not the plain one, with a digest of what it differs in."""
        identity = super().identity()
        plain = ModelCard.model_fields
        asked: dict[str, Any] = {
            field: getattr(self, field)
            for field in (
                *("scheduler", "scheduler_options", "call", "guidance_argument", "empty_negative"),
                *("component_dtypes", "compile", "storage", "body_fields"),
            )
            if getattr(self, field) != plain[field].get_default(call_default_factory=True)
        }
        if self.stages:
            told = {"steps", "guidance", "call", "scheduler"}
            asked["stages"] = [
                {
                    "weights": s.fingerprint(),
                    **s.model_dump(include=told),
                    **({"component_dtypes": s.component_dtypes} if s.component_dtypes else {}),
                }
                for s in self.stages
            ]
        if self.step_cache:
            asked["step_cache"] = self.step_cache.model_dump()
        if self.decoding == "tiled":
            asked["decoding"] = self.decoding
        if self.motion_adapter:
            asked["motion_adapter"] = self.motion_adapter.fingerprint()
        return f"{identity}+{digest(asked)[:6]}" if asked else identity

    def component_torch_dtypes(self, part: Part, device: str) -> Any:
        """The precision of `part`'s components, as diffusers' `from_pretrained` takes it."""
        usual = self.torch_dtype(device)
        if not part.component_dtypes:
            return usual
        own = {name: torch_dtype(dtype, device) for name, dtype in part.component_dtypes.items()}
        return {"default": usual, **own}

    def without_negative(self, guidance: float) -> str:
        """What the model gets where a request has no negative prompt, for a sentence; empty where it takes
        none at this guidance."""
        if not self.steers(guidance):
            return ""
        if self.empty_negative is None:
            return "what its pipeline puts there: an encoded empty text in most, zeros in the SDXL class"
        return f"the text “{self.empty_negative}”"

    def check_every_step(self, who: str) -> None:
        """Raise UserError where steps are skipped in which `who`, a guardrail, would have to act."""
        if self.step_cache is not None:
            raise UserError(
                f"{self.title} skips steps ({self.step_cache.kind}), so {who} that acts in each of them "
                "would not act; take step_cache out of its card."
            )

    def steers(self, guidance: float) -> bool:
        """Whether a negative prompt has an effect at this guidance."""
        return self.negative_prompt and guidance > self.guidance_off

    def ignores_negative(self, guidance: float) -> str:
        """Why a negative prompt has no effect at this guidance, to begin a sentence; empty where it has."""
        if self.steers(guidance):
            return ""
        if not self.negative_prompt:
            because = f" ({self.negative_advice})" if self.negative_advice else ""
            return f"{self.title} takes no negative prompt{because}"
        return f"{self.title} runs without classifier-free guidance (guidance {self.guidance_off:g} or less)"

    def gb_with(self, offload: Offload) -> float | None:
        """GPU memory in GB with that offloading."""
        return self.min_gpu_gb if offload == self.offload else self.offload_gb.get(offload, self.min_gpu_gb)

    def lighter(self) -> str:
        """How the model needs less GPU memory than `min_gpu_gb`; empty when there is no way."""
        ways = {o: gb for o, gb in self.offload_gb.items() if gb < (self.min_gpu_gb or 0)}
        return ", ".join(f"--offload {o} needs {gb:g} GB" for o, gb in ways.items())


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`changes`, where a mapping inside changes single keys of the one in `base`."""
    merged = dict(changes)
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), Mapping):
            merged[key] = {**base[key], **value}
    return merged


def _read(path: Path) -> ModelCard:
    return read_yaml(path, ModelCard, "valid card")


CATALOG: Catalog[ModelCard] = Catalog("models", singular="model", folder=DATA / "models", parse=_read)


_OF_THE_HUB = re.compile(r"\w[\w.-]*/\w[\w.-]*")
"""What may be a repository's name: OWNER/NAME."""


def names() -> list[str]:
    """All cards and their presets, sorted; a broken card has none."""
    found = []
    for name in CATALOG.names():
        found.append(name)
        try:
            found.extend(f"{name}@{preset}" for preset in CATALOG.get(name).presets)
        except BadFile:
            continue
    return sorted(found)


def load_card(name_or_folder: str) -> ModelCard:
    """A card by name or `name@preset`, or one made on the fly for a diffusers folder."""
    folder = expand(name_or_folder)
    if is_pipeline(folder):
        from copycat.cards.folder_card import folder_card  # it makes cards, and asks diffusers

        return folder_card(folder.resolve())
    known = CATALOG.names()
    if name_or_folder in known:
        return CATALOG.get(name_or_folder)
    if folder.exists():
        raise BadFile(why_no_pipeline(folder))
    name, _, preset = name_or_folder.rpartition("@")
    if name in known and preset in (card := CATALOG.get(name)).presets:
        return card.preset(preset)
    if _OF_THE_HUB.fullmatch(name_or_folder):
        raise BadFile(
            f"There is no folder {name_or_folder}; a model of the hub needs a card (docs/add-a-model.md), or "
            f"is downloaded first: hf download {name_or_folder} --local-dir FOLDER."
        )
    if "/" in name_or_folder:
        raise BadFile(f"There is no folder {name_or_folder}; name one with a pipeline, or a card's name.")
    raise UnknownName(CATALOG.singular, name_or_folder, names())


@cache
def shipped() -> tuple[ModelCard, ...]:
    """The shipped cards, by name."""
    return tuple(_read(path) for path in sorted((DATA / "models").glob("*.yaml")))
