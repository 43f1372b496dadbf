"""Freeing memory: cycles go, and an interruption that comes meanwhile is not lost."""

from __future__ import annotations

import gc
import signal
import weakref
from collections.abc import Iterator

import pytest

from copycat.io.lifecycle import free_memory


class Cycle:
    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def by_hand() -> Iterator[None]:
    """No garbage is collected before the test asks for it, and Ctrl-C is heard in any shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.disable()
    yield
    gc.enable()
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("by_hand")
def test_ctrl_c_while_memory_is_freed_is_raised() -> None:
    cycle = Cycle()
    gone: list[str] = []

    def interrupted(_: object) -> None:
        gone.append("gone")
        signal.raise_signal(signal.SIGINT)

    watch = weakref.ref(cycle, interrupted)
    del cycle
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        free_memory()
    assert gone == ["gone"]
    assert watch() is None
    assert signal.getsignal(signal.SIGINT) is before
