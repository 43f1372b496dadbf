"""The vision tower of a vision-language model, asked apart from its language model."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from PIL import Image

from copycat.errors import first_line
from copycat.judges.rendering import Look, Tensors, render
from copycat.runtime.batching import AdaptiveBatch
from copycat.runtime.engines import batches

Features = Any
"""What a model's `get_image_features` returns, of one look or of several in order."""
_UNUSED = {"hidden_states", "attentions"}
_TOLERANCE = 0.05
"""How far features may be off, of their length, when they are computed in other company in half precision."""


class Unshared(Exception):
    """A model's pictures cannot be encoded apart from its questions; the reason is the message."""


class Vision:
    """Encodes pictures by themselves, so that one encoding serves all questions about a picture.

    Which pictures share a pass follows from the given looks and their order alone: those of the same shapes
    go together, in order, as many as the batch size. So the same questions get the same bits again.
    """

    def __init__(self, model: Any, device: str, batch_size: int, who: str) -> None:
        """Raises Unshared for a model whose forward pass takes no features in the place of pictures."""
        if "mm_encoder_outputs" not in inspect.signature(model.forward).parameters:
            raise Unshared(f"{type(model).__name__} takes no encoded pictures")
        self._encode: Any = getattr(model.base_model, "get_image_features", None)
        if self._encode is None:
            raise Unshared(f"{type(model).__name__} has no encoder of pictures")
        self._arguments = inspect.signature(self._encode).parameters.keys() - {"kwargs"}
        self._device = device
        self._batches = AdaptiveBatch(batch_size, what=f"The vision tower of {who}")

    def see(self, looks: Mapping[Look, Tensors]) -> dict[Look, Features | str]:
        """The features of each look; the reason instead where it cannot be encoded."""
        seen: dict[Look, Features | str] = {}
        shapes = {look: tuple((k, tuple(t.shape)) for k, t in given.items()) for look, given in looks.items()}
        for alike in batches(list(looks), max(len(looks), 1), key=lambda look: shapes[look]):
            found = self._batches.map(alike, lambda some: self._look([looks[x] for x in some]), _reason)
            seen.update(zip(alike, found, strict=True))
        return seen

    def _look(self, given: Sequence[Tensors]) -> list[Features]:
        arguments = {
            k: torch.cat([g[k] for g in given]).to(self._device) for k in given[0] if k in self._arguments
        }
        with torch.inference_mode():
            return parted(self._encode(**arguments, return_dict=True), len(given))

    def check(self, processor: Any, dtype: torch.dtype) -> None:
        """Compare the features of three small pictures, alone and as they are grouped here, with those that
        the model makes of them in one batch of questions. Raises Unshared where they are others."""
        try:
            *ours, theirs = map(_tensors, self._tried(processor, dtype))
        except Exception as e:
            raise Unshared(first_line(e)) from e
        if not all(_alike(mine, theirs) for mine in ours):
            raise Unshared("the features of a picture depend on its neighbours")

    def _tried(self, processor: Any, dtype: torch.dtype) -> list[Features]:
        rows = [render(processor, [[p]], [_TRIAL_TEXT], dtype) for p in _TRIAL]
        alone = [features for row in rows for features in self._look([row])]
        grouped = self.see({(str(i),): row for i, row in enumerate(rows)})
        together = self._look([render(processor, [[p] for p in _TRIAL], [_TRIAL_TEXT] * len(_TRIAL), dtype)])
        return [joined(list(grouped.values())), joined(alone), *together]


def _alike(ours: Sequence[torch.Tensor], theirs: Sequence[torch.Tensor]) -> bool:
    """Whether the numbers differ by no more than rounding."""
    if [t.shape for t in ours] != [t.shape for t in theirs]:
        return False
    far = [
        torch.linalg.vector_norm((a - b).float()) <= _TOLERANCE * torch.linalg.vector_norm(b.float())
        for a, b in zip(ours, theirs, strict=True)
    ]
    return all(map(bool, far))


def _reason(_: Look, why: str) -> Features | str:
    return why


def _striped(size: tuple[int, int], left: str, right: str) -> Image.Image:
    picture = Image.new("RGB", size, right)
    picture.paste(left, (0, 0, size[0] // 3, size[1]))
    return picture


_TRIAL_TEXT = "Answer Yes or No."
_TRIAL = (
    _striped((64, 64), "red", "navy"),
    _striped((64, 64), "blue", "yellow"),
    _striped((96, 64), "green", "indigo"),
)


def parted(output: Features, looks: int) -> list[Features]:
    """The output of the vision tower for so many looks of the same shapes, one for each.

    Raises ValueError where it does not fall into equal parts.
    """
    kept = {
        k: v
        for k, v in output.items()
        if v is not None and k not in _UNUSED and (k != "last_hidden_state" or "pooler_output" not in output)
    }
    return [type(output)(**{k: _part(v, number, looks) for k, v in kept.items()}) for number in range(looks)]


def joined(features: Sequence[Features]) -> Features:
    """The features of several looks as the vision tower would have given them at once."""
    first = features[0]
    return type(first)(**{k: _join([f[k] for f in features]) for k in first})


def _part(value: Any, number: int, of: int) -> Any:
    if not isinstance(value, torch.Tensor) and not _of_tensors(value):
        # One list of pictures a level, as of a tower that hands features of several layers over.
        return [_part(level, number, of) for level in value]
    size, rest = divmod(len(value), of)
    if rest:
        raise ValueError(f"{len(value)} features of {of} pictures cannot be told apart")
    return value[number * size : (number + 1) * size]


def _join(values: Sequence[Any]) -> Any:
    first = values[0]
    if isinstance(first, torch.Tensor):
        return torch.cat(list(values))
    if _of_tensors(first):
        return tuple(t for value in values for t in value)
    return [_join(level) for level in zip(*values, strict=True)]


def _of_tensors(value: Any) -> bool:
    return all(isinstance(v, torch.Tensor) for v in value)


def _tensors(output: Features) -> list[torch.Tensor]:
    """All numbers of an output, a tensor a field."""

    def flat(value: Any) -> list[torch.Tensor]:
        if isinstance(value, torch.Tensor):
            return [value.flatten()]
        return [t for part in value for t in flat(part)]

    return [torch.cat(flat(value)) for _, value in sorted(output.items())]
