"""Model cards: which weights, through which pipeline, sampled how."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import Field

from copycat.cards import Card, read_card
from copycat.catalog import Catalog
from copycat.errors import BadFile
from copycat.paths import DATA
from copycat.records import Sampling


class Part(Card):
    """Weights that join a pipeline from a place of their own."""

    variant: str | None = None


class ModelCard(Card):
    """One text-to-image or text-to-video model; see docs/add-a-model.md and docs/video.md."""

    title: str
    kind: str = "diffusers-image"
    """Name of a generator in the catalogue of generators."""
    pipeline: str = ""
    """Class name in diffusers."""
    variant: str | None = None
    sampling: Sampling
    licence: str = "unknown"
    settings_source: str = ""
    negative_prompt: bool = True
    """Whether the model takes one. With a guidance of 1 or less none has an effect, and it is refused."""
    registry: str = "menagerie"
    judge: str = "menagerie"
    """The judge that is asked when the user names none; it must know the registry's characters."""
    min_gpu_gb: float | None = None
    """GPU memory in GB; None for a model that a CPU runs well."""
    null_components: tuple[str, ...] = ()
    """Pipeline components to leave out, e.g. `safety_checker`."""
    scheduler: str | None = None
    """Class name in diffusers that replaces the pipeline's scheduler."""
    motion_adapter: Part | None = None
    """AnimateDiff's motion modules; `source` then names the image model that they move."""
    call: dict[str, bool | int | float | str] = Field(default_factory=dict)
    """Further arguments of every call of a video pipeline."""

    def identity(self) -> str:
        """As of any card, and `+` the motion adapter's where there is one."""
        own = super().identity()
        return f"{own}+{self.motion_adapter.identity()}" if self.motion_adapter else own


def _read(path: Path) -> ModelCard:
    return read_card(path, ModelCard)


CATALOG: Catalog[ModelCard] = Catalog("models", singular="model", folder=DATA / "models", parse=_read)


def load_card(name_or_folder: str) -> ModelCard:
    """A card by name, or one made on the fly for a diffusers folder."""
    folder = Path(name_or_folder)
    if (folder / "model_index.json").is_file():
        return _folder_card(folder.resolve())
    if folder.is_dir() and name_or_folder not in CATALOG.names():
        raise BadFile(f"{folder} is not a diffusers folder: it has no model_index.json.")
    return CATALOG.get(name_or_folder)


def _folder_card(folder: Path) -> ModelCard:
    try:
        pipeline = str(json.loads((folder / "model_index.json").read_text())["_class_name"])
        unet = json.loads((folder / "unet" / "config.json").read_text())
        vae = json.loads((folder / "vae" / "config.json").read_text())
        # As the pipelines derive it: the latent's size times the autoencoder's factor.
        size = int(unet["sample_size"]) * 2 ** (len(vae["block_out_channels"]) - 1)
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise BadFile(f"{folder} is not a complete diffusers folder ({type(e).__name__}: {e}).") from e
    return ModelCard(
        name=folder.name,
        title=folder.name,
        pipeline=pipeline,
        source=str(folder),
        batch_size=8,
        sampling=Sampling(steps=20, guidance=5.0, height=size, width=size),
        settings_source="copycat's defaults for a local folder",
        null_components=("safety_checker",) if pipeline == "StableDiffusionPipeline" else (),
    )
