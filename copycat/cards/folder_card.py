"""The card of a diffusers folder that has none: what its files, and the class of its pipeline, say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from copycat.cards import folders
from copycat.cards.distillation import Taken, guidance_argument, sampling_of, takes_negative
from copycat.cards.models import ModelCard
from copycat.cards.pipeline_folder import PipelineFolder, read_folder
from copycat.cards.pipelines import parts_of, usual
from copycat.records import Sampling

REGISTRY, JUDGE = "copycat", "qwen2.5-vl-7b"
"""Who is asked for, and who is asked, where nothing else is said: the protected characters, and the judge of
general knowledge that the cards of their models name."""
_AS_ITS_CARD = {"packages", "scheduler", "scheduler_options", "component_dtypes"}
_BATCH = 8
_SIDE, _FRAMES, _FPS = 1024, 16, 8


def folder_card(path: Path) -> ModelCard:
    """The card of the diffusers folder `path`.

    Raises BadFile for one that is not whole, whose pipeline is unknown here, or does not draw from words.
    """
    folder = read_folder(path)
    taken = sampling_of(folder)
    like = taken.card or folder.like(taken.negative) or next(iter(folder.akin), None)
    height, width, sized = _size(folder, like)
    frames = _frames(folder, taken.card, like) if "num_frames" in folder.call else {}
    sampling = Sampling(steps=taken.steps, guidance=taken.guidance, height=height, width=width, **frames)
    guided = _guidance_facts(folder, like, taken)
    variant = folders.needed_variant(path)
    own = taken.card
    return ModelCard(
        name=path.name,
        title=path.name,
        kind="diffusers-video" if frames else "diffusers-image",
        pipeline=folder.class_name,
        source=str(path),
        variant=variant,
        dtype=own.dtype if own and own.folder else folders.drawn_precision(path, variant),
        batch_size=1 if frames else _BATCH,
        sampling=own.sampling if own and taken.same else sampling,
        null_components=_left_out(folder),
        settings_source=f"{taken.why}{sized}{_first_of_several(folder)}",
        registry=own.registry if own and taken.same else REGISTRY,
        judge=own.judge if own and taken.same else JUDGE,
        call=_unclean(folder) | (own.call if own else {}),
        **(own.model_dump(include=_AS_ITS_CARD) if own else {}),
        **guided,
    )


def _unclean(folder: PipelineFolder) -> dict[str, bool]:
    """Captions as they are: cleaning, which is some pipelines' default, empties prompts in Chinese."""
    return {"clean_caption": False} if "clean_caption" in folder.call else {}


def _guidance_facts(folder: PipelineFolder, like: ModelCard | None, taken: Taken) -> dict[str, Any]:
    """How guidance and negative prompts are passed, which is a fact of the pipeline's class."""
    argument = (
        taken.card.guidance_argument if taken.card else guidance_argument(folder, embedded=taken.embedded)
    )
    negative = taken.negative and takes_negative(folder)
    told: dict[str, Any] = {"guidance_argument": argument, "negative_prompt": negative}
    if not negative:
        told["negative_advice"] = taken.advice or f"{folder.class_name} has no argument for one"
    elif "negative_prompt" not in folder.call:
        told["negative_argument"] = "negative_prompt_embeds"
    if like:
        told |= {"guidance_off": like.guidance_off, "empty_negative": like.empty_negative}
    elif argument == "true_cfg_scale":
        told["empty_negative"] = ""
    return told


def _left_out(folder: PipelineFolder) -> tuple[str, ...]:
    """Components that a shipped card of the class leaves out, where the folder's index names them."""
    named = dict.fromkeys(part for card in folder.akin for part in card.null_components)
    return tuple(part for part in named if part in folder.index or part in parts_of(folder.kind))


def _size(folder: PipelineFolder, like: ModelCard | None) -> tuple[int, int, str]:
    """Height and width in pixels, and what to say where the folder does not tell them.

    What the pipeline itself takes: the default of its call, else the latent's size times the autoencoder's
    factor. One that draws pixels has no autoencoder.
    """
    height, width = usual(folder.call, "height"), usual(folder.call, "width")
    if height and width:
        return int(height), int(width), ""
    told = folder.drawn_by
    latent = told.get("sample_size")
    sides = [told.get("sample_height"), told.get("sample_width")] if latent is None else latent
    tall, wide = sides if isinstance(sides, list) else (sides, sides)
    factor = _factor(folder)
    if factor and tall and wide:
        return int(tall) * factor, int(wide) * factor, ""
    if like:
        return like.sampling.height, like.sampling.width, f"; the size of {like.name}"
    return _SIDE, _SIDE, f"; {_SIDE} pixels are a guess"


def _factor(folder: PipelineFolder) -> int | None:
    """How many pixels wide a latent's is; 1 without an autoencoder, None where it does not say."""
    if not (folder.path / "vae").is_dir():
        return 1
    vae = folders.config(folder.path, "vae")
    blocks = vae.get("block_out_channels") or vae.get("encoder_block_out_channels")
    return 1 << (len(blocks) - 1) if blocks else None


def _frames(folder: PipelineFolder, own: ModelCard | None, like: ModelCard | None) -> dict[str, int]:
    """Frames, and how many a second: of `own`, the card whose settings are taken, else of the pipeline."""
    s, of_class = own.sampling if own else None, like.sampling if like else None
    frames = usual(folder.call, "num_frames") or folder.drawn_by.get("sample_frames")
    fps = usual(folder.call, "frame_rate")
    return {
        "frames": int((s and s.frames) or frames or (of_class and of_class.frames) or _FRAMES),
        "fps": int((s and s.fps) or fps or (of_class and of_class.fps) or _FPS),
    }


def _first_of_several(folder: PipelineFolder) -> str:
    """What to say of the first of several pipelines, where the others are not in the folder."""
    whole = next((card.name for card in folder.akin if card.stages), None)
    return f"; this is the first stage of {whole} alone, whose pictures are small" if whole else ""
