"""Things that hold weights or connections, and hand them back when they are closed."""

from __future__ import annotations

import gc
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self


class Closing:
    """A model, near or far, that is used in a `with` block: what it holds is gone when the block ends.

    ::

        with load_generator(card, device) as generator:
            outcomes = generator.generate(requests)
    """

    def close(self) -> None:
        """Close what has a `close` of its own, let go of everything else, and free the device's memory.

        Only public attributes stay, such as `identity`; a closed model cannot be asked again. Closing it
        twice does no harm.
        """
        held = {name: value for name, value in vars(self).items() if name.startswith("_")}
        for name, value in held.items():
            close_all(value)
            delattr(self, name)
        held.clear()
        value = None
        free_memory()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def close_all(value: Any) -> None:
    """Close `value`, or each member of a list or tuple; what has no `close` is left alone."""
    if isinstance(value, list | tuple):
        for member in value:
            close_all(member)
    elif callable(getattr(value, "close", None)):
        value.close()


def free_memory() -> None:
    """Collect reference cycles, as hooks of diffusers make around a denoiser, and empty a GPU's cache."""
    with _interrupts_deferred():
        gc.collect()
    if "torch" in sys.modules:
        from accelerate.utils.memory import clear_device_cache

        clear_device_cache()


@contextmanager
def _interrupts_deferred() -> Iterator[None]:
    """Ctrl-C is raised when this is over. Python drops what is raised in a callback of an object that is
    collected, so an interruption that came meanwhile would be lost."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        signal.raise_signal(signal.SIGINT)
