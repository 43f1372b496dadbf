"""A folder of a diffusers pipeline: its configurations, the class that draws, and shipped cards of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copycat.cards import folders
from copycat.cards.models import ModelCard, shipped
from copycat.cards.pipelines import Parameters, call_of, parts_of, pipeline_class, unfit
from copycat.errors import BadFile


@dataclass(frozen=True)
class PipelineFolder:
    """A folder, its configurations, and the class of its pipeline."""

    path: Path
    index: Mapping[str, Any]
    kind: Any
    drawn_by: Mapping[str, Any]
    """Configuration of the denoiser."""
    scheduler: Mapping[str, Any]
    akin: tuple[ModelCard, ...]
    """Shipped cards of the same class."""

    @property
    def call(self) -> Parameters:
        return call_of(self.kind)

    @property
    def class_name(self) -> str:
        return str(self.kind.__name__)

    @property
    def names(self) -> tuple[str, ...]:
        """What its weights are called: the folder, and where its configurations say they were saved from."""
        told = (self.index.get("_name_or_path"), self.drawn_by.get("_name_or_path"))
        return (self.path.name, *(str(name) for name in told if name))

    def like(self, guided: bool) -> ModelCard | None:
        """A shipped card of the class that guides, or one that is distilled and does not."""
        return next((c for c in self.akin if c.steers(c.sampling.guidance) == guided), None)


def read_folder(path: Path) -> PipelineFolder:
    """The pipeline in the folder `path`.

    Raises BadFile for one that is not whole, whose class is unknown here, or does not draw from words.
    """
    index = folders.config(path)
    name = index.get("_class_name")
    if isinstance(name, list):
        raise BadFile(
            f"{path} brings code of its own ({name[-1]}), and code that comes with weights is never run."
        )
    if not isinstance(name, str):
        raise BadFile(f"{path} is not a complete diffusers folder: its model_index.json names no pipeline.")
    kind = pipeline_class(name)
    if kind is None:
        from diffusers import __version__

        raise BadFile(
            f"{path} names the pipeline {name}, which the installed diffusers {__version__} does not know; a "
            "newer one may."
        )
    why = unfit(kind)
    if why:
        raise BadFile(
            f"{path} holds the pipeline {name}, which {why}; copycat measures models that draw from words "
            "alone (docs/add-a-model.md)."
        )
    drawn_by = folders.config(path, folders.denoiser(path))
    if not drawn_by and set(folders.DENOISERS) & set(parts_of(kind)):
        raise BadFile(
            f"{path} is not a complete diffusers folder: the configuration of what draws is missing."
        )
    # The menagerie last: of the class of other models it says little.
    akin = sorted((c for c in shipped() if c.pipeline == name and not c.api), key=lambda c: bool(c.folder))
    spare = {part for card in akin for part in card.null_components}
    named = {part for part, kind in index.items() if isinstance(kind, list) and kind[-1]}
    missing = [part for part in sorted(named - spare) if not (path / part).is_dir()]
    if missing:
        raise BadFile(f"{path} is not a complete diffusers folder: it has no {missing[0]}.")
    return PipelineFolder(path, index, kind, drawn_by, folders.config(path, "scheduler"), tuple(akin))
