"""Questions and their pictures as the tensors that a vision-language model reads."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from PIL import Image

from copycat.judges.references import open_reference
from copycat.records import Question

Tensors = dict[str, torch.Tensor]
Look = tuple[str, ...]
"""What the vision tower looks at in one piece: the hash of a picture, or of several that belong together."""


def render(
    processor: Any, shown: Sequence[Sequence[Image.Image]], texts: Sequence[str], dtype: torch.dtype
) -> Tensors:
    """What a model is given for a batch: for each row the pictures of `shown`, and then its text.

    Rows are padded to one length; numbers with a fraction are of `dtype`, and all is on the CPU.
    """
    messages = []
    for pictures, text in zip(shown, texts, strict=True):
        images = [{"type": "image", "image": picture} for picture in pictures]
        messages.append([{"role": "user", "content": [*images, {"type": "text", "text": text}]}])
    inputs = processor.apply_chat_template(
        messages,
        tokenize=True,
        add_generation_prompt=True,
        return_dict=True,
        return_tensors="pt",
        processor_kwargs={"padding": len(messages) > 1},
    )
    return {
        k: v.to(dtype) if v.is_floating_point() else v
        for k, v in inputs.items()
        if isinstance(v, torch.Tensor)
    }


@dataclass(frozen=True)
class Rendered:
    """One question."""

    tokens: Tensors
    """Of shape (1, length): ids, mask, and which tokens stand for a picture."""
    looks: tuple[Look, ...]
    """What it shows, in the order of the tokens."""
    beside: Tensors
    """What the language model is told of the pictures besides their features, such as their grids; of shape
    (pictures, …)."""


@dataclass(frozen=True)
class Prepared:
    """Questions that are ready for the model, on the CPU."""

    rows: tuple[Rendered | str, ...]
    """One a question; the reason instead where its pictures cannot be read or processed."""
    looks: Mapping[Look, Tensors]
    """The arguments of the vision tower for each look that a row has."""


class Renderer:
    """Turns questions into tensors, and each distinct picture among them once."""

    def __init__(self, processor: Any, dtype: torch.dtype) -> None:
        """`processor` is of transformers, and its image processor is wrapped here for good; `dtype` is the
        model's."""
        self._processor, self._dtype = processor, dtype
        self._once = _Once(processor.image_processor)
        processor.image_processor = self._once
        self._one = Lock()

    def prepare(
        self, questions: Sequence[Question], images: Sequence[Image.Image], tokenizing: Lock
    ) -> Prepared:
        """Rows for `questions`, of which the i-th is about image i.

        `tokenizing` is held while the tokenizer is used, which does not bear two threads.
        """
        with self._one:
            work = _Work(self._processor, self._once, self._dtype, tokenizing)
            try:
                rows = tuple(work.row(q, i) for q, i in zip(questions, images, strict=True))
            finally:
                self._once.forget()
        used = {look for row in rows if isinstance(row, Rendered) for look in row.looks}
        return Prepared(rows, {look: t for look, t in work.looks.items() if look in used})


class _Work:
    """The questions of one batch on their way to tensors."""

    def __init__(self, processor: Any, once: _Once, dtype: torch.dtype, tokenizing: Lock) -> None:
        self._processor, self._once, self._dtype, self._tokenizing = processor, once, dtype, tokenizing
        self.looks: dict[Look, Tensors] = {}
        self._references: dict[str | Path, Image.Image] = {}
        self._first: dict[str, Image.Image] = {}
        self._hashes: dict[int, str] = {}
        self._pixels: dict[tuple[str, ...], Tensors] = {}
        self._tokens: dict[tuple[str, object], Tensors] = {}

    def row(self, question: Question, image: Image.Image) -> Rendered | str:
        try:
            pictures = [*map(self._reference, question.references), image]
            return self._rendered([self._hash(p) for p in pictures], question.text)
        except Exception as e:  # noqa: BLE001  whatever a processor raises becomes a row
            return f"{type(e).__name__}: {e}"

    def _reference(self, path: str) -> Image.Image:
        if path not in self._references:
            self._references[path] = open_reference(path)
        return self._references[path]

    def _hash(self, picture: Image.Image) -> str:
        """Of its pixels: the same picture may come in several objects."""
        if id(picture) not in self._hashes:
            content = hashlib.sha256(f"{picture.mode}{picture.size}".encode())
            content.update(picture.tobytes())
            self._hashes[id(picture)] = content.hexdigest()
        found = self._hashes[id(picture)]
        self._first.setdefault(found, picture)
        return found

    def _rendered(self, hashes: Sequence[str], text: str) -> Rendered:
        tokens, pixels = self._processed(hashes, text)
        # The tensors of pictures with a fraction or of many dimensions are the vision tower's own.
        beside = {k: v for k, v in pixels.items() if not v.is_floating_point() and v.ndim <= 2}
        return Rendered(tokens, self._looks(hashes, pixels, text), beside)

    def _processed(self, hashes: Sequence[str], text: str) -> tuple[Tensors, Tensors]:
        """The tensors of one row: of its tokens, and of its pictures."""
        pictures, key = [self._first[h] for h in hashes], tuple(hashes)
        if key in self._pixels:
            known = self._tokens.get((text, self._once.layout(pictures)))
            if known is not None:
                return known, self._pixels[key]
        with self._tokenizing:
            made = render(self._processor, [pictures], [text], self._dtype)
        length = made["input_ids"].shape
        of_tokens = {k for k, v in made.items() if v.shape == length and k not in self._once.names}
        tokens = {k: v for k, v in made.items() if k in of_tokens}
        self._pixels.setdefault(key, {k: v for k, v in made.items() if k not in of_tokens})
        self._tokens[text, self._once.layout(pictures)] = tokens
        return tokens, self._pixels[key]

    def _looks(self, hashes: Sequence[str], pixels: Tensors, text: str) -> tuple[Look, ...]:
        """Each picture by itself where that comes to the same as all of a row together."""
        if len(hashes) > 1:
            apart = [self._alone(h, text) for h in hashes]
            if _same(apart, pixels):
                return tuple((h,) for h in hashes)
        self.looks.setdefault(tuple(hashes), pixels)
        return (tuple(hashes),)

    def _alone(self, picture: str, text: str) -> Tensors:
        if (picture,) not in self.looks:
            self.looks[(picture,)] = self._processed([picture], text)[1]
        return self.looks[(picture,)]


def _same(apart: Sequence[Tensors], together: Tensors) -> bool:
    """Whether the tensors of pictures that were processed apart are those of all of them together."""
    if any(t.keys() != together.keys() for t in apart):
        return False
    return all(any(_joined([t[k] for t in apart], whole, d) for d in (0, 1)) for k, whole in together.items())


def _joined(parts: Sequence[torch.Tensor], whole: torch.Tensor, dimension: int) -> bool:
    rest = [(*p.shape[:dimension], *p.shape[dimension + 1 :]) for p in parts]
    if any(p.ndim <= dimension for p in parts) or len(set(rest)) > 1:
        return False
    return torch.equal(torch.cat(list(parts), dim=dimension), whole)


class _Once:
    """An image processor that processes a picture once, until it is told to forget."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._made: dict[tuple[int, ...], tuple[Any, Any]] = {}
        self.names: frozenset[str] = frozenset()
        """The names of what it made of the last pictures."""

    def __getattr__(self, name: str) -> Any:
        if name == "_inner":  # not there yet while it is copied
            raise AttributeError(name)
        return getattr(self._inner, name)

    def __call__(self, images: Any, *args: Any, **settings: Any) -> Any:
        key = tuple(map(id, _flat(images)))
        if key not in self._made:
            # The pictures are kept too, so that no other can come by their ids.
            self._made[key] = (images, self._inner(images, *args, **settings))
        made = self._made[key][1]
        self.names = frozenset(made)
        # A copy, since processors take out of it what the model does not read.
        return type(made)(dict(made))

    def layout(self, pictures: Sequence[Image.Image]) -> object:
        """What the tokens of a question can depend on in what was made of `pictures`: sizes, counts."""
        made = self._made[tuple(map(id, pictures))][1]
        return tuple((name, _layout(value)) for name, value in sorted(made.items()))

    def forget(self) -> None:
        self._made.clear()


def _flat(images: Any) -> list[Any]:
    if isinstance(images, list | tuple):
        return [picture for part in images for picture in _flat(part)]
    return [images]


def _layout(value: Any) -> object:
    if isinstance(value, list | tuple):
        return tuple(map(_layout, value))
    if not hasattr(value, "shape"):
        return value
    # Pixels and their masks tell nothing but their shape; grids, sizes and counts are numbers to go by.
    shape, numbers = tuple(value.shape), torch.as_tensor(value)
    if numbers.is_floating_point() or numbers.ndim > 2:
        return shape
    return shape, tuple(numbers.flatten().tolist())


def padded(rows: Sequence[Tensors], pad_token: int) -> Tensors:
    """Rows of tokens, each of shape (1, length), as one batch, padded on the left: there the last position is
    the answer's for every row."""
    longest = max(r["input_ids"].shape[1] for r in rows)
    return {
        name: torch.cat(
            [
                torch.nn.functional.pad(
                    r[name],
                    (longest - r[name].shape[1], 0),
                    value=pad_token if name == "input_ids" else 0,
                )
                for r in rows
            ]
        )
        for name in rows[0]
    }
