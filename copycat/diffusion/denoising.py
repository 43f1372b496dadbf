"""Wrapping the denoiser, for methods that act while a picture is drawn."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from copycat.cards.hooks import Denoise, DenoiseStep
from copycat.records import Request

if TYPE_CHECKING:
    from torch import Tensor

DENOISERS = ("unet", "transformer")
"""The parts of a pipeline that predict noise (or velocity), one of which each pipeline has."""


@contextmanager
def denoising(
    pipeline: Any,
    requests: Sequence[Request],
    hook: Denoise | None,
    said: Mapping[str, Mapping[str, Any]] | None = None,
    places: Mapping[str, Sequence[range]] | None = None,
) -> Iterator[None]:
    """While it lasts, the denoiser of `pipeline` asks `hook`; afterwards it is as it was.

    `requests` are those of the batch, one a picture; none where the hook does not ask. `said` and `places`
    become the fields of those names of each step. A denoiser that was compiled as a whole runs uncompiled
    under a hook; blocks that were compiled by themselves stay so. Without a hook nothing is touched.
    """
    with ExitStack() as undo:
        for name in DENOISERS:
            module = getattr(pipeline, name, None)
            if module is not None and hook is not None:
                undo.callback(_set(module, "_compiled_call_impl", None))
                given: dict[str, Any] = {"said": said or {}, "places": places or {}, "memory": {}}
                given["scheduler"] = getattr(pipeline, "scheduler", None)
                wrapped = _wrapped(module, tuple(requests), hook, given)
                undo.callback(_set(module, "forward", wrapped))
        yield


def _set(module: Any, name: str, value: Any) -> Callable[[], None]:
    """Set an attribute of the instance; returns what puts it back, or lets the class's own show again."""
    had, before = name in vars(module), vars(module).get(name)
    object.__setattr__(module, name, value)

    def undo() -> None:
        if had:
            object.__setattr__(module, name, before)
        else:
            object.__delattr__(module, name)

    return undo


def _wrapped(
    module: Any, requests: tuple[Request, ...], hook: Denoise, known: Mapping[str, Any]
) -> Callable[..., Any]:
    """`known` are the fields of a step that stay the same while the pictures are drawn."""
    forward, signature = module.forward, inspect.signature(type(module).forward)
    _, first, *names = signature.parameters  # after self come the latents
    time = next(n for n in names if n in {"timestep", "t"})

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        given = dict(signature.bind(module, *args, **kwargs).arguments)
        del given["self"]
        answer: list[Any] = []
        separate = isinstance(given[first], list | tuple)

        def model(step: DenoiseStep) -> Tensor:
            latents = list(step.latents.unbind(0)) if separate else step.latents
            answer[:] = [forward(**step.arguments, **{first: latents, time: step.timestep})]
            return _stacked(answer[0][0])

        latents, timestep = _stacked(given.pop(first)), given.pop(time)
        rows = requests * (len(latents) // max(len(requests), 1))
        predicted = hook(DenoiseStep(latents, timestep, rows, given, model, **known))
        return _with_prediction(answer[0] if answer else (given,), predicted, separate)

    return wrapped


def _stacked(tensors: Any) -> Tensor:
    """One tensor with a row a picture, also of a model that takes and gives a list of pictures."""
    if not isinstance(tensors, list | tuple):
        found: Tensor = tensors
        return found
    import torch

    return torch.stack(list(tensors))


def _with_prediction(output: Any, predicted: Tensor, separate: bool) -> Any:
    """`output`, a tuple or an object with `sample`, with another prediction in it."""
    new = list(predicted.unbind(0)) if separate else predicted
    return (new, *output[1:]) if isinstance(output, tuple) else type(output)(sample=new)
