"""What a failed call means: whether another attempt can succeed, and when."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from copycat.io.secrets import redact

REFUSALS = frozenset({"content_policy_violation", "moderation_blocked", "content_filter"})
"""Error codes with which a provider declines; few say whether the prompt or the picture was the reason."""
NO_MONEY = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "account_deactivated"}
)
"""Error codes of an account that cannot pay, whatever the status: OpenAI sends 429 and 400 with them."""
_FATAL = frozenset({401, 402, 403, 404})
"""No key, no money, no access, no such model: the next call would fail in the same way."""
_TRANSIENT = frozenset({408, 409})
"""A time-out on the server, and a lock that another request held; with all of 5xx."""
_LOST = frozenset({"TransportError", "APIConnectionError", "TimeoutError", "ConnectionError"})
"""Classes of errors of a connection; by name, since neither client has to be installed."""
_NEVER_SENT = frozenset({"ConnectError", "ConnectTimeout", "ConnectionRefusedError", "PoolTimeout"})
"""Among them those where no connection came about."""
_TOO_LATE = frozenset({408, 504, 524})
"""Statuses with which a server, or one in front of it, says that the answer took too long."""
_MISDIRECTED = frozenset({"UnsupportedProtocol", "LocalProtocolError", "InvalidURL"})
"""Among them those of an address or a request that no server could answer."""


@dataclass(frozen=True)
class Failure:
    """A failed attempt."""

    kind: Literal["rate_limit", "transient", "permanent", "fatal"]
    """`permanent` for this request alone, `fatal` for every request to the same model."""
    words: str
    """What the provider said, in one line."""
    retry_after: float | None = None
    """Seconds until the next attempt, where the server told them."""
    perhaps_billed: bool = False
    """Whether the provider may have worked on it all the same: it was sent, and no answer came in time."""
    refused: bool = False
    """Whether the provider declined for what was asked or made."""


def classify(error: Exception) -> Failure:
    """What `error`, raised by any of the clients, means for further attempts."""
    words, response = _words(error), getattr(error, "response", None)
    status, headers = getattr(response, "status_code", None), getattr(response, "headers", {})
    codes = _codes(error, response)
    if codes & NO_MONEY or status in _FATAL:
        return Failure("fatal", words)
    if status is not None:
        told = _retry_after(headers)
        if status == 429:
            return Failure("rate_limit", words, told)
        transient = status in _TRANSIENT or status >= 500
        # OpenAI's servers know better in some cases.
        if headers.get("x-should-retry") == "false":
            transient = False
        late = status in _TOO_LATE
        declined = bool(codes & REFUSALS)
        kind: Literal["transient", "permanent"] = "transient" if transient else "permanent"
        return Failure(kind, words, told if transient else None, late, declined)
    classes = {c.__name__ for chain in _chain(error) for c in type(chain).__mro__}
    if classes & _MISDIRECTED:
        return Failure("fatal", words)
    sent = not classes & _NEVER_SENT
    return Failure("transient" if classes & _LOST else "permanent", words, perhaps_billed=sent)


def refusal(error: Exception) -> str | None:
    """The provider's words when it declined for what was asked or made; None for any other failure."""
    code = getattr(error, "code", None)
    return redact(str(error)) if code in REFUSALS else None


def explain(error: Exception) -> str:
    """One line for a row."""
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    return f"{type(error).__name__}: {_words(error)}{notes}"


def _words(error: Exception) -> str:
    body: Any = getattr(error, "body", None)
    message = body.get("message") if isinstance(body, dict) else None
    said = str(message or getattr(error, "server_message", None) or error)
    # Before it is cut, which might leave half a key.
    return redact(" ".join(said.split()))[:300] or type(error).__name__


def _codes(error: Exception, response: Any) -> set[str]:
    """The error codes and types that the server sent."""
    body = getattr(error, "body", None)
    if body is None and response is not None:
        try:
            body = response.json()
        except Exception:  # noqa: BLE001  no JSON, or a stream that was not read
            body = None
    if isinstance(body, Mapping) and isinstance(body.get("error"), Mapping):
        body = body["error"]
    found = (body.get("code"), body.get("type")) if isinstance(body, Mapping) else ()
    return {str(c) for c in (*found, getattr(error, "code", None)) if c}


def _chain(error: BaseException | None) -> list[BaseException]:
    """`error` and what it was raised from."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__
    return found


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait, given in milliseconds, in seconds or as a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        told = headers.get(name)
        if not told:
            continue
        try:
            seconds = float(told) * unit
        except ValueError:
            try:
                seconds = parsedate_to_datetime(told).timestamp() - time.time()
            except (ValueError, TypeError, OverflowError):
                continue
        if math.isfinite(seconds):
            return max(seconds, 0.0)
    return None
