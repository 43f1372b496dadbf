"""Processors of vision-language models, without the part that reads videos."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import transformers
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING
from transformers.utils.import_utils import is_torchvision_available


def load_processor(source: str, revision: str) -> Any:
    """What AutoProcessor would load. Where its video part needs torchvision, which is not installed, that
    part is left out: judges look at pictures only."""
    auto: Any = transformers.AutoProcessor
    given = {"revision": revision, "trust_remote_code": False}
    if is_torchvision_available():
        return auto.from_pretrained(source, **given)
    config = transformers.AutoConfig.from_pretrained(source, **given)
    kind: Any = PROCESSOR_MAPPING.get(type(config), None)
    if kind is None or "video_processor" not in kind.get_attributes():
        return auto.from_pretrained(source, **given)
    return _pictures_only(kind).from_pretrained(source, **given)


def _pictures_only(kind: Any) -> Any:
    parts = [a for a in kind.get_attributes() if a != "video_processor"]

    def without_video(cls: Any, /, args: Any, settings: dict[str, Any], **kwargs: Any) -> Any:
        make = super(made, cls).from_args_and_dict
        return make(args, {**settings, "video_processor": None}, **kwargs)

    def pictures(cls: Any, /) -> list[str]:  # noqa: ARG001
        return parts

    changes = {
        "get_attributes": classmethod(pictures),
        "from_args_and_dict": classmethod(without_video),
        # SmolVLM's asks it how many frames to take, even of a picture.
        "video_processor": SimpleNamespace(num_frames=None, fps=None),
    }
    # The name stays, since processors look themselves up by it.
    made: Any = type(kind.__name__, (kind,), changes)
    return made
