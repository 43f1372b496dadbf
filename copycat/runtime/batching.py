"""Batches that shrink when memory runs out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from accelerate.utils.memory import should_reduce_batch_size

from copycat.io.lifecycle import free_memory

T = TypeVar("T")
R = TypeVar("R")
_LOG = logging.getLogger(__name__)


class AdaptiveBatch:
    """The largest batch that may fit: halved when memory runs out, which is logged as a warning, and kept so.

    Results of another batch size differ by rounding alone.
    """

    def __init__(self, size: int, what: str = "The model") -> None:
        """`what`: whose memory runs out, as the subject of a sentence."""
        self.size, self._what = size, what

    def map(
        self,
        items: Sequence[T],
        work: Callable[[Sequence[T]], Sequence[R]],
        failed: Callable[[T, str], R],
    ) -> list[R]:
        """`work` on all items, in batches; one result an item, in order.

        Only an item that fails alone is `failed`, with the reason: a batch that raises anything else than
        a lack of memory is worked on one by one.
        """
        done: list[R] = []
        alone = 0
        while len(done) < len(items):
            batch = items[len(done) : len(done) + (1 if alone else self.size)]
            try:
                done += work(batch)
                alone = max(0, alone - 1)
                continue
            except Exception as e:  # noqa: BLE001  whatever a model raises becomes a row
                why, short = f"{type(e).__name__}: {e}", out_of_memory(e)
            # Out here the exception is gone, and with it the tensors that its traceback held.
            if short:
                free_memory()
            if len(batch) == 1:
                done.append(failed(batch[0], why))
                alone = max(0, alone - 1)
            elif short:
                self.size = len(batch) // 2
                _LOG.warning(
                    "%s ran out of memory with %d at a time; it goes on with %d.",
                    self._what,
                    len(batch),
                    self.size,
                )
            else:
                alone = len(batch)
        return done


def out_of_memory(error: Exception) -> bool:
    """Whether a GPU's or the machine's memory did not suffice."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or should_reduce_batch_size(error)
