"""Cutting work into batches that an interruption cannot change."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

T = TypeVar("T")


def batches(items: Sequence[T], size: int, key: Callable[[T], Hashable]) -> list[list[T]]:
    """All of `items` in batches of at most `size` that share `key`, in the order of first appearance.

    The result follows from the whole list alone. A resumed run cuts the same list, skips the batches
    that are done and repeats any that is not, so that each picture is always computed among the same
    neighbours: batched arithmetic may round differently in other company.
    """
    groups: dict[Hashable, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return [group[i : i + size] for group in groups.values() for i in range(0, len(group), size)]
