"""Compiling the denoiser of a pipeline: its repeated blocks where it has some, else all of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from copycat.diffusion.denoising import DENOISERS
from copycat.errors import MissingRequirement, first_line
from copycat.runtime.batching import out_of_memory

BACKEND = "inductor"
"""What makes machine code of the graphs, as torch calls it."""
_SHAPES = 64
"""Shapes that one function may be compiled for: blocks of several widths share their code, and each batch
size and resolution is another shape. Torch's own limit is 8."""


def compile_denoiser(pipeline: Any) -> None:
    """Have the denoiser of `pipeline` compiled when it is first called, which then takes seconds to minutes.

    The blocks that its class names as repeated are compiled once for all of their copies; only a denoiser
    without any is compiled as a whole, which takes far longer.
    """
    for name in DENOISERS:
        module = getattr(pipeline, name, None)
        if module is None:
            continue
        if has_repeated_blocks(module):
            module.compile_repeated_blocks(fullgraph=True, backend=BACKEND, recompile_limit=_SHAPES)
        else:
            module.compile(backend=BACKEND, recompile_limit=_SHAPES)


def has_repeated_blocks(module: Any) -> bool:
    """Whether diffusers knows blocks of `module` that can be compiled by themselves."""
    repeated = set(getattr(module, "_repeated_blocks", None) or ())
    return any(type(part).__name__ in repeated for part in module.modules())


def compiled_for(batch: int, size: int) -> AbstractContextManager[Any]:
    """While it lasts, a `batch` of fewer than `size` pictures runs uncompiled.

    For another size all would be compiled anew, and as the new code could serve later batches, their bits
    would depend on what was drawn before them.
    """
    return torch.compiler.set_stance("force_eager") if batch < size else nullcontext()


@contextmanager
def explained(model: str) -> Iterator[None]:
    """Turn a failure to compile `model` into a MissingRequirement that says what to do; a picture that fails
    for another reason, as lack of memory, goes its usual way."""
    try:
        yield
    except RuntimeError as e:
        if not _is_of_the_compiler(e) or out_of_memory(e):
            raise
        raise MissingRequirement(
            f"{model} cannot be compiled here ({first_line(e)}); run it with --no-compile."
        ) from e


def _is_of_the_compiler(error: Exception) -> bool:
    # Not at the top: it is imported by nobody who compiles nothing.
    from torch._dynamo.exc import TorchDynamoException, TorchRuntimeError

    # The second is what the model itself raises while it is traced.
    return isinstance(error, TorchDynamoException) and not isinstance(error, TorchRuntimeError)
