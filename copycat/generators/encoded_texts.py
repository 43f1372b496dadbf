"""What a pipeline's text encoders make of texts, computed once for each distinct text.

Every row that a text encoder is given (token numbers, mask and whatever else it takes) is encoded by itself,
so what comes of it does not depend on the texts beside it: a resumed run gets the bits of an uninterrupted
one, whether or not it encodes the same texts again. Only the numbers that a pipeline reads are kept, for most
one layer of many.
"""

from __future__ import annotations

import functools
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

_MOST = 1 << 30
"""Bytes of main memory for what is kept."""
_PLAIN = (str, int, float, bool, type(None))
Path = tuple[Any, ...]
"""Where a tensor stands in an encoder's output: a field, and in a field of several tensors its number."""


class EncodedTexts:
    """Tensors of single texts, in main memory; the least recently used go when there are more than `most`
    bytes of them."""

    def __init__(self, most: int = _MOST) -> None:
        self.bytes, self.most = 0, most
        self._kept: OrderedDict[tuple[str, Path], torch.Tensor] = OrderedDict()

    def get(self, key: tuple[str, Path]) -> torch.Tensor | None:
        """What was kept under `key`; None for nothing."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: tuple[str, Path], tensor: torch.Tensor) -> None:
        """Keep `tensor`, of which a copy is made in main memory; one that is too large alone is not kept."""
        size = tensor.numel() * tensor.element_size()
        if key in self._kept or size > self.most:
            return
        self._kept[key] = tensor.detach().to("cpu", copy=True)
        self.bytes += size
        while self.bytes > self.most:
            _, oldest = self._kept.popitem(last=False)
            self.bytes -= oldest.numel() * oldest.element_size()


def encode_once(pipeline: Any) -> None:
    """Have each text encoder of `pipeline` encode a distinct text once, as long as its memory suffices.

    It is to be called before parts of the pipeline are offloaded: what an offloaded encoder makes of a text
    is not kept, as its weights come and go, but each text is encoded by itself all the same. Only where
    something acts inside the encoder, such as a hook that replaces a token's embedding, are texts encoded
    together as the pipeline gives them, and where gradients are wanted. Weights that are changed afterwards
    are noticed, unless they are changed through `.data`.
    """
    kept = EncodedTexts()
    for name, module in pipeline.components.items():
        if name.startswith("text_encoder") and isinstance(module, torch.nn.Module):
            # As an attribute of the instance it goes before the class's own method.
            object.__setattr__(module, "forward", _remembering(name, module, kept))


def _remembering(name: str, module: torch.nn.Module, kept: EncodedTexts) -> Callable[..., Any]:
    """A `forward` for `module` that looks among what was `kept` first."""
    forward = module.forward
    layouts: dict[str, _Layout] = {}

    @functools.wraps(forward)
    def remembering(*args: Any, **kwargs: Any) -> Any:
        count = _rows(args, kwargs)
        # Who trains wants the way back to the weights.
        if count is None or torch.is_grad_enabled() or _is_hooked(module):
            return forward(*args, **kwargs)
        given, chosen = _parted(args, kwargs, count), repr(_plain(args, kwargs))
        offloaded = _is_offloaded(module)
        state = f"{name}|{'' if offloaded else _stamp(module)}|{chosen}"
        keys = [_digest(state, row) for row in given]
        layout = layouts.setdefault(chosen, _Layout())
        memory = EncodedTexts(most=0) if offloaded else kept
        answer = _Answer(forward, (args, kwargs), keys, given, layout, memory)
        if offloaded:
            answer.encode()  # as long as the weights are on the device
        return answer

    return remembering


@dataclass
class _Layout:
    """What an encoder's output consists of; filled by the first text of all."""

    kind: type = object
    """Its class."""
    fields: dict[Any, int] = field(default_factory=dict)
    """How many tensors each of its fields has: 0 for one by itself, -1 for something else."""

    def learn(self, output: Any) -> None:
        fields = output.items() if hasattr(output, "items") else enumerate(output)
        self.kind, self.fields = type(output), {name: _tensors(value) for name, value in fields}


class _Answer:
    """What an encoder makes of several texts, put together from that of each; read like its own output."""

    def __init__(
        self,
        forward: Callable[..., Any],
        call: tuple[tuple[Any, ...], dict[str, Any]],
        keys: Sequence[str],
        rows: Sequence[tuple[tuple[Any, ...], dict[str, Any]]],
        layout: _Layout,
        kept: EncodedTexts,
    ) -> None:
        self._forward, self._call, self._kept = forward, call, kept
        self._rows, self._layout = dict(zip(keys, rows, strict=True)), layout
        self._keys = keys
        self._fresh: dict[str, Any] = {}
        if not layout.fields:
            layout.learn(self._encoded(keys[0]))

    def encode(self) -> None:
        """Encode all texts now, and not when they are read."""
        for key in self._rows:
            self._encoded(key)

    def __getattr__(self, name: str) -> Any:
        if name in self._layout.fields:
            return self._field(name)
        if name.startswith("__") or not hasattr(self._layout.kind, name):
            raise AttributeError(name)
        return getattr(self._together, name)

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, str):
            return getattr(self, item)
        fields = list(self._layout.fields)[item]
        return tuple(map(self._field, fields)) if isinstance(item, slice) else self._field(fields)

    def __iter__(self) -> Iterator[Any]:
        return map(self._field, self._layout.fields)

    def __len__(self) -> int:
        return len(self._layout.fields)

    @functools.cached_property
    def _together(self) -> Any:
        """The encoder's own output for all texts together, for what cannot be put together."""
        args, kwargs = self._call
        return self._forward(*args, **kwargs)

    def _field(self, name: Any) -> Any:
        count = self._layout.fields[name]
        if count < 0:
            return _at(self._together, (name,))
        return _Layers(self._tensor, name, count) if count else self._tensor((name,))

    def _tensor(self, path: Path) -> torch.Tensor:
        """Shape (texts, …), on the device of the encoder's inputs."""
        parts = {}
        for key in self._rows:
            part = self._kept.get((key, path))
            if part is None:
                parts[key] = _at(self._encoded(key), path)
                self._kept.put((key, path), parts[key])
            else:
                parts[key] = part.to(self._device)
        return torch.cat([parts[key] for key in self._keys])

    def _encoded(self, key: str) -> Any:
        """The output for one text; computed once for this answer."""
        if key not in self._fresh:
            args, kwargs = self._rows[key]
            self._fresh[key] = self._forward(*args, **kwargs)
        return self._fresh[key]

    @property
    def _device(self) -> torch.device:
        args, kwargs = self._call
        return next(v.device for v in (*args, *kwargs.values()) if isinstance(v, torch.Tensor))


class _Layers(tuple[Any, ...]):
    """A field of several tensors, as the hidden states of all layers; each is put together when read.

    It is a tuple, since torch takes no other sequence for one of tensors; as torch reads a tuple's items
    without asking the tuple, they are :class:`_Layer`.
    """

    __slots__ = ()

    def __new__(cls, read: Callable[[Path], torch.Tensor], name: Any, count: int) -> _Layers:
        return super().__new__(cls, (_Layer(read, (name, i)) for i in range(count)))

    def __getitem__(self, item: Any) -> Any:
        found = super().__getitem__(item)
        return _real(found)

    def __iter__(self) -> Iterator[torch.Tensor]:
        return map(_real, super().__iter__())


@dataclass(frozen=True)
class _Layer:
    """Stands for one tensor of several until torch is given it."""

    read: Callable[[Path], torch.Tensor]
    path: Path

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], _: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return function(*_real(args), **_real(kwargs or {}))


def _real(value: Any) -> Any:
    """`value` with tensors in place of what stands for them."""
    if isinstance(value, _Layer):
        return value.read(value.path)
    if isinstance(value, tuple | list):
        return (list if isinstance(value, list) else tuple)(map(_real, value))
    return {k: _real(v) for k, v in value.items()} if isinstance(value, dict) else value


def _rows(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:
    """How many texts a call is about; None where it cannot be parted into texts."""
    values = [*args, *kwargs.values()]
    tensors = [v for v in values if isinstance(v, torch.Tensor)]
    others = [v for v in values if not isinstance(v, torch.Tensor)]
    ids = args[0] if args else kwargs.get("input_ids")
    if not isinstance(ids, torch.Tensor) or ids.ndim != 2 or not len(ids):
        return None
    parted = all(t.ndim and len(t) == len(ids) for t in tensors)
    return len(ids) if parted and all(isinstance(o, _PLAIN) for o in others) else None


def _parted(
    args: tuple[Any, ...], kwargs: dict[str, Any], count: int
) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """The arguments of a call for each text alone."""

    def one(value: Any, i: int) -> Any:
        return value[i : i + 1] if isinstance(value, torch.Tensor) else value

    return [
        (tuple(one(v, i) for v in args), {name: one(v, i) for name, v in kwargs.items()})
        for i in range(count)
    ]


def _plain(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """A call without its numbers: which arguments it has, and the values of those that are no tensors."""
    named = [*enumerate(args), *sorted(kwargs.items())]
    return [(name, "tensor" if isinstance(value, torch.Tensor) else value) for name, value in named]


def _digest(state: str, row: tuple[tuple[Any, ...], dict[str, Any]]) -> str:
    content = hashlib.sha256(state.encode())
    args, kwargs = row
    for value in (*args, *(kwargs[name] for name in sorted(kwargs))):
        if isinstance(value, torch.Tensor):
            content.update(f"|{value.dtype}|{tuple(value.shape)}|".encode())
            content.update(value.cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return content.hexdigest()


def _stamp(module: torch.nn.Module) -> str:
    """Changes when a weight is replaced, moved or changed in place."""
    weights = [*module.parameters(), *module.buffers()]
    told = [(w.data_ptr(), 0 if w.is_inference() else w._version) for w in weights]
    return hashlib.sha256(repr((module.training, told)).encode()).hexdigest()


def _is_hooked(module: torch.nn.Module) -> bool:
    """Whether something acts inside `module`; what transformers collects hidden states with does not."""
    return any(
        not getattr(hook, "__module__", "").startswith("transformers.")
        for part in module.modules()
        for hook in (*part._forward_hooks.values(), *part._forward_pre_hooks.values())
    )


def _is_offloaded(module: torch.nn.Module) -> bool:
    """Whether accelerate moves weights of `module` to the device and away again."""
    return any(hasattr(part, "_hf_hook") for part in module.modules())


def _tensors(value: Any) -> int:
    if isinstance(value, torch.Tensor):
        return 0 if value.ndim and len(value) == 1 else -1
    several = isinstance(value, tuple | list) and bool(value)
    return len(value) if several and all(_tensors(v) == 0 for v in value) else -1


def _at(output: Any, path: Path) -> Any:
    name, *number = path
    found = output[name]
    return found[number[0]] if number else found
