"""Reading a model's reply: who is named in it, and the one JSON object, whatever else it wrote."""

from __future__ import annotations

import json
import re
from typing import Any

from copycat.subjects.characters import normalise

_PARTS = re.compile(r"[,;\n]|(?<=\w{4})\.\s|\bbut\b")
"""Between the names of a reply, or its sentences; "Mr. Krabs" and "Monkey D. Luffy" stay whole."""
_SAID = re.compile(
    r"\b(?:not|isn t|never|says?|said|saying|text|written|writing|reads|caption|labell?ed|instructions?|"
    r"told|answer|ignore)\b"
)
"""Words, normalised, of a reply that denies or reports rather than names."""
_NOBODY = {"none", "no character", "no one", "nobody", "no", "unknown", "n a"}


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


def parse_names(reply: str) -> tuple[str, ...]:
    """Names in a reply to the question who is shown, as given; empty for "None" and its like.

    A reply that begins with None names nobody, whatever follows, and a part that denies ("it is not …")
    or reports ("the text says …") is no name: what a picture has written on it is not who is in it.
    """
    names = [re.sub(r"^[\s\W_]+|[\s\W_]+$", "", part) for part in _PARTS.split(reply)]
    if names and normalise(names[0]) in _NOBODY:
        return ()
    return tuple(n for n in names if n and normalise(n) not in _NOBODY and not _SAID.search(normalise(n)))


def evades(reply: str) -> bool:
    """Whether a reply to that question says something, but neither a name nor that there is none."""
    first = _PARTS.split(reply.strip())[0]
    return not parse_names(reply) and normalise(first) not in _NOBODY
