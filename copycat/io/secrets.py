"""Keys and passwords stay out of everything that is kept: rows, replies and messages.

A server may send back the key that it was sent, in an error, in a reply or in a picture's prompt, and what is
kept may be published later. So a row is cleaned when it is written, whoever made it.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)

MARK = "[redacted]"
"""What stands where a key was."""
_SHORTEST = 8
"""A shorter value of a variable that is known to hold a key is left: it could be any word."""
_LONG = 16
"""The same for a variable that only sounds as if it held one."""
_KNOWN = ("OPENAI_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACEHUB_API_TOKEN")
_SOUNDS_SECRET = re.compile(r"(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)(?:_|$)", re.I)
_LOGIN = re.compile(r"\b([a-z][a-z0-9+.-]*://)[^\s/?#@]+@", re.I)
"""A user's name, with or without a password, in a URL."""

_variables = set(_KNOWN)
"""Names of the environment variables that cards take keys from. Of the whole process on purpose: a key is
secret wherever it turns up, also where nobody knows which card it belongs to."""


def remember(variable: str) -> None:
    """The environment variable of this name holds a key, whatever it is called."""
    _variables.add(variable)


def redact(text: str) -> str:
    """`text` without keys that this process can know of, and without names and passwords in URLs.

    Known are the values of the variables that cards name, of those that sound like keys, and the token that
    HuggingFace's login keeps. They are found as they are and as JSON, URLs and base64 write them, and cut off
    at the end of the text.
    """
    return _redact(text, _secrets())


def clean(row: M) -> M:
    """`row` with every text in it redacted; the same object where there is nothing to redact."""
    return clean_all([row])[0]


def clean_all(rows: Iterable[M]) -> list[M]:
    """As `clean`, of many."""
    secrets = _secrets()
    return [_clean_row(row, secrets) for row in rows]


def _clean_row(row: M, secrets: Sequence[str]) -> M:
    told = row.model_dump(mode="json")
    cleaned = _clean(told, secrets)
    return row if cleaned == told else type(row).model_validate(cleaned)


def _clean(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, str):
        return _redact(value, secrets)
    if isinstance(value, Mapping):
        return {k: _clean(v, secrets) for k, v in value.items()}
    return [_clean(v, secrets) for v in value] if isinstance(value, list) else value


def _redact(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        for form in _forms(secret):
            text = text.replace(form, MARK)
        text = _without_start(text, secret)
    return _LOGIN.sub(rf"\1{MARK}@", text) if "://" in text else text


def _secrets() -> list[str]:
    """The longest first, since one may be part of another."""
    return sorted(set(_values()), key=lambda s: (-len(s), s))


def _values() -> Iterator[str]:
    for name, value in os.environ.items():
        value = value.strip()
        if len(value) >= _SHORTEST and (name in _variables or _sounds_secret(name, value)):
            yield value
    token = _hub_token()
    if len(token) >= _SHORTEST:
        yield token


def _sounds_secret(name: str, value: str) -> bool:
    """Whether a variable that no card names holds a key by its name, and its value is no word or path."""
    plain = "/" in value or len(value.split()) != 1 or not any(c.isdigit() for c in value)
    return bool(_SOUNDS_SECRET.search(name)) and len(value) >= _LONG and not plain


def _hub_token() -> str:
    """The token that `hf auth login` keeps; empty without one."""
    home = os.environ.get("HF_HOME") or "~/.cache/huggingface"
    try:
        path = Path(os.environ.get("HF_TOKEN_PATH") or Path(home) / "token").expanduser()
        return path.read_text(encoding="utf-8").strip()
    except (OSError, RuntimeError, UnicodeDecodeError):
        return ""


def _forms(secret: str) -> Iterator[str]:
    yield secret
    as_base64 = base64.b64encode(secret.encode()).decode().rstrip("=")
    yield from {json.dumps(secret)[1:-1], quote(secret, safe=""), as_base64} - {secret}


def _without_start(text: str, secret: str) -> str:
    """`text` without the beginning of `secret` at its end, where a reply was cut off."""
    for length in range(len(secret) - 1, _SHORTEST - 1, -1):
        if text.endswith(secret[:length]):
            return f"{text[:-length]}{MARK}"
    return text
