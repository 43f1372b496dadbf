"""Batches that shrink when memory runs out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from accelerate.utils.memory import should_reduce_batch_size

from copycat.errors import MissingRequirement
from copycat.io.lifecycle import free_memory

T = TypeVar("T")
R = TypeVar("R")
_LOG = logging.getLogger(__name__)


class AdaptiveBatch:
    """The largest batch that may fit: halved when memory runs out, and kept so, which is logged.

    Results of another batch size differ by rounding alone. Where it is `padded`, every batch has the same
    size, as a compiled model wants it: a smaller one is filled up with copies of its last item, whose
    results are dropped.
    """

    def __init__(self, size: int, *, padded: bool = False, what: str = "The model") -> None:
        """`what` is who needs the memory, to begin a sentence."""
        self.size = size
        self._padded, self._what = padded, what

    def map(
        self,
        items: Sequence[T],
        work: Callable[[Sequence[T]], Sequence[R]],
        failed: Callable[[T, str], R],
    ) -> list[R]:
        """`work` on all items, in batches; one result an item, in order.

        Only an item that fails alone is `failed`, with the reason: a batch that raises anything else than
        a lack of memory is worked on one by one. A MissingRequirement, which no other batch would mend, is
        raised.
        """
        done: list[R] = []
        alone = 0
        while len(done) < len(items):
            batch = items[len(done) : len(done) + (1 if alone else self.size)]
            whole = self._filled(batch)
            try:
                done += list(work(whole))[: len(batch)]
                alone = max(0, alone - 1)
                continue
            except MissingRequirement:
                raise
            except Exception as e:  # noqa: BLE001  whatever a model raises becomes a row
                why, short = f"{type(e).__name__}: {e}", out_of_memory(e)
            # Out here the exception is gone, and with it the tensors that its traceback held.
            if short:
                free_memory()
            if short and len(whole) > 1:
                self.size = len(whole) // 2
                _LOG.warning(
                    "%s ran out of memory with %d at a time; it goes on with %d.",
                    *(self._what, len(whole), self.size),
                )
            elif len(batch) == 1:
                done.append(failed(batch[0], why))
                alone = max(0, alone - 1)
            else:
                alone = len(batch)
        return done

    def _filled(self, batch: Sequence[T]) -> Sequence[T]:
        missing = self.size - len(batch)
        return [*batch, *[batch[-1]] * missing] if self._padded and missing > 0 else batch


def out_of_memory(error: Exception) -> bool:
    """Whether a GPU's or the machine's memory did not suffice."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or should_reduce_batch_size(error)
