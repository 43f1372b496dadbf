"""What a folder of weights says of itself: its configurations, which files there are, in which precision."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import Any, get_args

from copycat.cards.weights import Dtype
from copycat.errors import BadFile
from copycat.io.documents import parse_json

DENOISERS = ("unet", "transformer")
_STORED: dict[str, Dtype] = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_SHARD = re.compile(r"-\d{5}-of-\d{5}")
_SINGLE = {".safetensors", ".ckpt", ".gguf", ".pt", ".pth", ".bin"}
_LORA = ("lora_", ".lora.")
_PIPELINE = "model_index.json"


def is_pipeline(path: Path) -> bool:
    """Whether `path` is a folder of a whole diffusers pipeline."""
    return (path / _PIPELINE).is_file()


def config(folder: Path, part: str = "") -> dict[str, Any]:
    """The configuration of one component of a pipeline, or of a whole model; empty where there is none."""
    names = (_PIPELINE,) if not part and is_pipeline(folder) else ("config.json", f"{part}_config.json")
    path = next((p for n in names if (p := folder / part / n).is_file()), None)
    if path is None:
        return {}
    try:
        return dict(parse_json(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as e:
        raise BadFile(f"{path} is no configuration that can be read ({e}).") from e


def denoiser(folder: Path) -> str:
    """The name of the component that draws."""
    return next((name for name in DENOISERS if (folder / name).is_dir()), DENOISERS[0])


def variants(folder: Path) -> dict[str, frozenset[str]]:
    """The variants of weight files by component, "" for the plain ones; components without weights are
    left out."""
    found = {p.name: _variants(p) for p in sorted(folder.iterdir()) if p.is_dir()}
    return {name: some for name, some in found.items() if some}


def needed_variant(folder: Path) -> str | None:
    """The variant that a pipeline cannot be loaded without, as `fp16` where nothing else was downloaded."""
    lacking = [some for some in variants(folder).values() if "" not in some]
    return min(lacking[0], key=lambda v: (v != "fp16", v)) if lacking else None


def _variants(part: Path) -> frozenset[str]:
    return frozenset(_variant(p) for p in part.glob("*.safetensors"))


def _variant(path: Path) -> str:
    return _SHARD.sub("", path.stem).partition(".")[2]


def named_precision(folder: Path) -> Dtype:
    """The precision that the configuration of a transformers model names, else that of its files."""
    told = config(folder)
    for source in (told, told.get("text_config") or {}):
        name = str(source.get("dtype") or source.get("torch_dtype") or "").removeprefix("torch.")
        if name in get_args(Dtype):
            return _known(name)
    return stored_precision(folder.glob("*.safetensors"))


def drawn_precision(folder: Path, variant: str | None) -> Dtype:
    """The precision in which a pipeline's denoiser is stored."""
    files = sorted((folder / denoiser(folder)).glob("*.safetensors"))
    mine = [f for f in files if _variant(f) == (variant or "")]
    return stored_precision(mine or files)


def stored_precision(files: Iterable[Path]) -> Dtype:
    """That of most weights in the first of `files`; float32 where it is none that we load in."""
    path = next(iter(sorted(files)), None)
    if path is None:
        return "float32"
    held: Counter[str] = Counter()
    for name, (kind, shape) in _tensors(path).items():
        held[kind] += prod(shape) if name else 0
    most = held.most_common(1)
    return _STORED.get(most[0][0], "float32") if most else "float32"


def _known(name: str) -> Dtype:
    return next(d for d in get_args(Dtype) if d == name)


def _tensors(path: Path) -> dict[str, tuple[str, list[int]]]:
    """Precision and shape of each tensor; nothing but the file's head is read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as f:
            found = {name: f.get_slice(name) for name in f.keys()}  # noqa: SIM118  no mapping
            return {name: (part.get_dtype(), part.get_shape()) for name, part in found.items()}
    except (OSError, SafetensorError) as e:
        raise BadFile(f"{path} is no safetensors file that can be read ({e}).") from e


def why_no_pipeline(path: Path) -> str:
    """What lies at `path`, which exists and is no folder of a whole pipeline, and what to do with it."""
    if path.is_file():
        return _of_file(path)
    files = sorted(path.glob("*.safetensors"))
    told = config(path)
    if (path / "adapter_config.json").is_file() or (files and all(map(_is_lora, files))):
        return f"{path} holds LoRA weights alone{_MERGE}"
    inside = next((p.parent for p in sorted(path.glob(f"*/{_PIPELINE}"))), None)
    if inside:
        return f"{path} is not a diffusers folder itself, but {inside} is; name that."
    if "_class_name" in told:
        return (
            f"{path} holds one component ({told['_class_name']}) and not a whole pipeline; name its folder."
        )
    if told:
        return (
            f"{path} is a model of transformers and not a diffusers folder: it has no {_PIPELINE}. "
            "A model that judges is named with --judge."
        )
    if len(files) == 1:
        return _of_file(files[0])
    return f"{path} is not a diffusers folder: it has no {_PIPELINE}."


_MERGE = (
    "; merge them into their base model and name that folder: pipeline.load_lora_weights(…), "
    "pipeline.fuse_lora(), pipeline.save_pretrained(FOLDER)."
)


def _of_file(path: Path) -> str:
    if path.suffix == ".safetensors" and _is_lora(path):
        return f"{path} holds LoRA weights alone{_MERGE}"
    if path.suffix in _SINGLE:
        return (
            f"{path} is a checkpoint in a single file, and copycat reads folders; convert it once with the "
            "class of its family, as in "
            f"diffusers.StableDiffusionXLPipeline.from_single_file({str(path)!r}).save_pretrained(FOLDER), "
            "and name FOLDER."
        )
    return f"{path} is a file; a model is a card's name (copycat ls models) or a diffusers folder."


def _is_lora(path: Path) -> bool:
    try:
        names = _tensors(path)
    except BadFile:
        return False
    return bool(names) and all(any(mark in f".{name}".lower() for mark in _LORA) for name in names)
