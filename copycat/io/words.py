"""Text that a server or a model sent, before it is kept."""

from __future__ import annotations

import re
from typing import Any

_LONE = re.compile("[\ud800-\udfff]")
"""Halves of characters, which JSON can tell and no file in UTF-8 can hold."""


def whole(text: str) -> str:
    """`text` with the replacement character in place of half characters (lone surrogates)."""
    return _LONE.sub("\ufffd", text)


def words(sent: Any) -> str:
    """The text that was sent: a string, nothing, or a list of parts, as chat APIs have them.

    Raises ValueError, which says what was sent in its place, for anything else.
    """
    if sent is None:
        return ""
    if isinstance(sent, str):
        return whole(sent)
    if isinstance(sent, list):
        return "".join(words(_part(part)) for part in sent)
    raise ValueError(f"the reply is no text but {type(sent).__name__}")


def words_or_none(sent: Any) -> str | None:
    """As :func:`words`; None where nothing was sent, or no text."""
    try:
        return None if sent is None else words(sent)
    except (ValueError, RecursionError):
        return None


def _part(part: Any) -> Any:
    """The text of one part, as a dict or as a client's object; of another kind than text nothing."""
    if isinstance(part, str):
        return part
    found = part.get("text") if isinstance(part, dict) else getattr(part, "text", None)
    return found if isinstance(found, str) else None
