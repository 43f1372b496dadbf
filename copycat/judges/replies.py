"""Finding the one JSON object in a model's reply, whatever else it wrote."""

from __future__ import annotations

import json
from typing import Any


def the_object(reply: str) -> dict[str, Any]:
    """The JSON object that `reply` is, or the only one that it holds, in a code fence or in prose.

    Raises ValueError when there is none, when two differ (a reply that quotes what is written in a
    picture, say), or when one gives a key twice: then it is not clear which answer is the model's own.
    """
    decoder = json.JSONDecoder(object_pairs_hook=_unambiguous)
    found: list[dict[str, Any]] = []
    at = reply.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(reply, at)
        except json.JSONDecodeError:
            end = at + 1
        else:
            if value not in found:
                found.append(value)
        at = reply.find("{", end)
    if len(found) != 1:
        raise ValueError("no JSON object in it" if not found else "several JSON objects that differ")
    return found[0]


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({k for k, _ in pairs}) < len(pairs):
        raise ValueError("a key stands twice in it")
    return dict(pairs)
