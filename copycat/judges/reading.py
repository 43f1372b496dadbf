"""How a vision-language model is given questions: with pictures encoded once, or anew in each batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

import torch
from PIL import Image

from copycat.judges.references import open_reference
from copycat.judges.rendering import Look, Prepared, Rendered, Renderer, padded, render
from copycat.judges.vision import Features, Vision, joined
from copycat.records import Question


class Inputs(ABC):
    """The questions of one call, as far as they can be read."""

    failed: Mapping[int, str]
    """Why a question cannot be asked, by its place."""

    @abstractmethod
    def of(self, places: Sequence[int]) -> dict[str, Any]:
        """What the model is given to answer the questions at `places` in one batch, on its device."""


class Reading(ABC):
    """One way of turning questions into what a model is given."""

    @abstractmethod
    def prepare(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> Prepared | None:
        """What can be made of them without the device."""

    @abstractmethod
    def open(
        self, questions: Sequence[Question], images: Sequence[Image.Image], prepared: Prepared | None
    ) -> Inputs:
        """The inputs of `questions`; `prepared` is what :meth:`prepare` made of them, if it was called."""


class SharedReading(Reading):
    """Each distinct picture is processed once and encoded once, whatever is asked about it."""

    def __init__(self, renderer: Renderer, vision: Vision, device: str, pad: int, tokenizing: Lock) -> None:
        self._renderer, self._vision = renderer, vision
        self._device, self._pad, self._tokenizing = device, pad, tokenizing

    def prepare(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> Prepared:
        return self._renderer.prepare(questions, images, self._tokenizing)

    def open(
        self, questions: Sequence[Question], images: Sequence[Image.Image], prepared: Prepared | None
    ) -> Inputs:
        ready = self.prepare(questions, images) if prepared is None else prepared
        return _SharedInputs(ready, self._vision.see(ready.looks), self._device, self._pad)


class _SharedInputs(Inputs):
    def __init__(
        self, prepared: Prepared, seen: Mapping[Look, Features | str], device: str, pad: int
    ) -> None:
        self._seen, self._device, self._pad = seen, device, pad
        self._rows: dict[int, Rendered] = {}
        self.failed = failed = {}
        for place, row in enumerate(prepared.rows):
            why = row if isinstance(row, str) else self._unseen(row)
            if why is not None:
                failed[place] = why
            elif not isinstance(row, str):
                self._rows[place] = row

    def _unseen(self, row: Rendered) -> str | None:
        return next((s for look in row.looks if isinstance(s := self._seen[look], str)), None)

    def of(self, places: Sequence[int]) -> dict[str, Any]:
        rows = [self._rows[place] for place in places]
        features = joined([self._seen[look] for row in rows for look in row.looks])
        beside = {name: torch.cat([row.beside[name] for row in rows]) for name in rows[0].beside}
        told = {**padded([row.tokens for row in rows], self._pad), **beside}
        return {**{k: v.to(self._device) for k, v in told.items()}, "mm_encoder_outputs": {"image": features}}


class PlainReading(Reading):
    """The processor makes a batch of questions, and the model encodes the pictures of each batch anew."""

    def __init__(self, processor: Any, dtype: torch.dtype, device: str, tokenizing: Lock) -> None:
        self._processor, self._dtype, self._device = processor, dtype, device
        self._tokenizing = tokenizing

    def prepare(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> None:  # noqa: ARG002
        return None

    def open(
        self,
        questions: Sequence[Question],
        images: Sequence[Image.Image],
        prepared: Prepared | None,  # noqa: ARG002
    ) -> Inputs:
        return _PlainInputs(self._rendered, questions, images)

    def _rendered(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> dict[str, Any]:
        shown = [[*map(open_reference, q.references), i] for q, i in zip(questions, images, strict=True)]
        with self._tokenizing:
            inputs = render(self._processor, shown, [q.text for q in questions], self._dtype)
        return {k: v.to(self._device) for k, v in inputs.items()}


class _PlainInputs(Inputs):
    def __init__(self, rendered: Any, questions: Sequence[Question], images: Sequence[Image.Image]) -> None:
        self._rendered, self._questions, self._images = rendered, questions, images
        self.failed = {}

    def of(self, places: Sequence[int]) -> dict[str, Any]:
        found: dict[str, Any] = self._rendered(
            [self._questions[i] for i in places], [self._images[i] for i in places]
        )
        return found
