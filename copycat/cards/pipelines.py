"""What the classes of diffusers say of themselves; the library is imported when it is asked, not before."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from copycat.io.loading import quiet_loading

Parameters = Mapping[str, inspect.Parameter]


def is_known(name: str) -> bool:
    """Whether the installed diffusers has a class called `name`; nothing is loaded to find out."""
    import diffusers

    return name in dir(diffusers)


def pipeline_class(name: str) -> Any:
    """The pipeline of diffusers called `name`; None where it has none."""
    with quiet_loading():  # diffusers imports a pipeline when it is first named
        import diffusers

        kind = getattr(diffusers, name, None)
    whole = isinstance(kind, type) and issubclass(kind, diffusers.DiffusionPipeline)
    return kind if whole else None


def call_of(kind: Any) -> Parameters:
    """The arguments of a pipeline's call."""
    return inspect.signature(kind.__call__).parameters


def parts_of(kind: Any) -> Parameters:
    """The components that a pipeline is made of."""
    return inspect.signature(kind.__init__).parameters


def usual(call: Parameters, name: str) -> Any:
    """What a pipeline takes for the argument `name` that it is not given; None where it does not say."""
    found = call.get(name)
    return None if found is None or found.default is inspect.Parameter.empty else found.default


@dataclass(frozen=True)
class Grid:
    """Which sizes a pipeline draws as they are asked; it refuses or rounds others."""

    side: int
    """Height and width are multiples of this."""
    frames: int = 1
    """Frames are one more than a multiple of this."""


_OWN_GRIDS = {
    "CogVideoXPipeline": Grid(16, 4),
    "HunyuanVideoPipeline": Grid(16, 4),
    "LTXPipeline": Grid(32, 8),
    "MochiPipeline": Grid(16, 6),
    "WanPipeline": Grid(16, 4),
}


def grid_of(kind: Any) -> Grid:
    """The sizes that the pipeline `kind` can draw.

    An autoencoder's cell is 8 pixels wide, and a transformer reads two of them at a time.
    """
    return _OWN_GRIDS.get(kind.__name__) or Grid(16 if "transformer" in parts_of(kind) else 8)


def unfit(kind: Any) -> str:
    """Why the pipeline `kind` does not draw from words alone as copycat asks it to, as the end of a sentence;
    empty for one that does.
    """
    call, parts = call_of(kind), parts_of(kind)
    if "prompt" not in call:
        return "takes no prompt"
    for given, why in _GIVEN:
        if given(kind, call, parts):
            return why
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [
        name
        for name, p in call.items()
        if p.default is inspect.Parameter.empty and p.kind not in optional and name not in {"self", "prompt"}
    ]
    if needed:
        return f"needs {needed[0]} besides a prompt"
    lacking = [n for n in ("num_inference_steps", "height", "width", "generator") if n not in call]
    if lacking:
        return f"takes no {lacking[0]}, as everything does that draws pictures here"
    if not {"guidance_scale", "true_cfg_scale"} & set(call):
        return "takes no guidance"
    return ""


def _from_words(kind: Any) -> bool:
    """Whether diffusers itself lists `kind` for drawing from words, though it can be given a picture too."""
    with quiet_loading():
        from diffusers.pipelines.auto_pipeline import AUTO_TEXT2IMAGE_PIPELINES_MAPPING as LISTED
    return kind in LISTED.values()


def _takes(*names: str) -> Callable[[Any, Parameters, Parameters], bool]:
    return lambda _, call, parts: bool({*call, *parts} & set(names))


def _pictured(call: Parameters) -> bool:
    return bool({"image", "images", "video"} & set(call))


_GIVEN: tuple[tuple[Callable[[Any, Parameters, Parameters], bool], str], ...] = (
    (_takes("controlnet", "control_image", "control_video"), "follows a control picture (ControlNet)"),
    (_takes("adapter"), "follows a control picture (T2I-Adapter)"),
    (_takes("mask_image", "mask"), "fills in a part of a picture (inpainting)"),
    (
        lambda kind, call, _: _pictured(call) and any(w in kind.__name__ for w in ("Upscale", "SuperRes")),
        "enlarges a picture that it is given (an upscaler)",
    ),
    (
        lambda kind, call, _: _pictured(call) and "num_frames" in call and not _from_words(kind),
        "sets a picture or video in motion that it is given",
    ),
    (
        lambda kind, call, _: _pictured(call) and not _from_words(kind),
        "changes a picture that it is given (image-to-image)",
    ),
    (_takes("video_length"), "makes videos in a way that copycat does not know"),
)
"""Pipelines that need a picture, or make something else, and what they do; the first that fits counts."""
