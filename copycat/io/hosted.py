"""Talking to hosted models through the OpenAI client, and telling what went wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from copycat.errors import MissingRequirement, UserError, require
from copycat.io import secrets
from copycat.records import Row

if TYPE_CHECKING:
    from openai import OpenAI

Item = TypeVar("Item")
Answer = TypeVar("Answer")

REFUSALS = frozenset({"content_policy_violation", "moderation_blocked", "content_filter"})
"""Error codes with which a provider declines; few say whether the prompt or the picture was the reason."""


class Api(Row):
    """How a card's model is reached; any server that speaks the OpenAI API will do."""

    base_url: str | None = None
    """The provider's own when left out. Without a user's name, a password or a query: it is part of the
    model's identity, which stands in every row."""
    key_env: str | None = "OPENAI_API_KEY"
    """Environment variable that holds the key; None for a server that asks for none."""
    timeout: float = Field(default=120, gt=0)
    """Seconds for one attempt."""
    retries: int = Field(default=5, ge=0)
    """Further attempts after a rate limit (Retry-After is obeyed), a server error or a lost connection."""
    options: dict[str, str | int | float] = Field(default_factory=dict)
    """Passed on with every call, e.g. `quality`."""
    price_usd: float | None = Field(default=None, ge=0)
    """Of one picture or one answer; None when it is not known."""

    @field_validator("base_url")
    @classmethod
    def _check_address(cls, value: str | None) -> str | None:
        if value is None:
            return value
        parts = urlsplit(value)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ValueError("it must begin with https:// or http:// and name a server")
        if "@" in parts.netloc:
            raise ValueError(
                "it holds a user's name or a password, which would be written into results; put the key into "
                "the environment variable that key_env names"
            )
        if parts.query or parts.fragment:
            raise ValueError(
                "it holds a query or a fragment, which would be written into results; leave that out, and "
                "put a key into the environment variable that key_env names"
            )
        return value

    @field_validator("key_env")
    @classmethod
    def _check_variable(cls, value: str | None) -> str | None:
        if value is not None:
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
                raise ValueError("it is the name of an environment variable that holds the key, not the key")
            secrets.remember(value)
        return value


def key(api: Api, who: str) -> str:
    """The key for `who`; raises MissingRequirement when its variable is not set."""
    if api.key_env:
        # In a process of its own the card was not read but handed over.
        secrets.remember(api.key_env)
    found = os.environ.get(api.key_env) if api.key_env else "none"
    if not found:
        raise MissingRequirement(f"{who} needs an API key; set the environment variable {api.key_env}.")
    return found


def connect(api: Api, who: str) -> OpenAI:
    """A client for `who`. Raises MissingRequirement without the package or the key."""
    client: OpenAI = require("openai", "openai>=2.0", who).OpenAI(
        api_key=key(api, who), base_url=api.base_url, timeout=api.timeout, max_retries=api.retries
    )
    return client


class Calls:
    """Calls to one model, so many at a time; after a failure that is not retryable none is begun any more."""

    def __init__(self, at_a_time: int) -> None:
        self._at_a_time = at_a_time
        self._ended_by: MissingRequirement | None = None

    def map(
        self, call: Callable[[Item], Answer], items: Sequence[Item], failed: Callable[[Item, str], Answer]
    ) -> list[Answer]:
        """`call` on each item, in order; `failed` stands for an item whose call failed for good.

        Raises that when nothing succeeded, or at the next call of `map`: answers of the same batch, which
        were paid for, are handed over first.
        """
        if self._ended_by:
            raise self._ended_by
        answered = 0

        def one(item: Item) -> Answer:
            nonlocal answered
            try:
                answer = call(item)
            except MissingRequirement as e:
                self._ended_by = e
                return failed(item, str(e))
            answered += 1
            return answer

        with ThreadPoolExecutor(self._at_a_time) as pool:
            answers = list(pool.map(one, items))
        if self._ended_by and not answered:
            raise self._ended_by
        return answers


def refusal(error: Exception) -> str | None:
    """The provider's words when it declined for what was asked or made; None for any other failure."""
    code = getattr(error, "code", None)
    return secrets.redact(str(error)) if code in REFUSALS else None


def stop_if_not_retryable(error: Exception, who: str) -> None:
    """Raise what no further call can mend: a wrong key, no access, no model, no money."""
    import openai

    not_retryable = (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError)
    if isinstance(error, not_retryable) or getattr(error, "code", None) == "insufficient_quota":
        raise MissingRequirement(
            f"{who} cannot be used ({_words(error)}); what is finished is kept, and the same command resumes."
        ) from error


def explain(error: Exception) -> str:
    """One line for a row."""
    return f"{type(error).__name__}: {_words(error)}"


def _words(error: Exception) -> str:
    body: Any = getattr(error, "body", None)
    message = body.get("message") if isinstance(body, dict) else None
    # Before it is cut, which might leave half a key.
    return secrets.redact(" ".join(str(message or error).split()))[:300]


def check_options(api: Api, taken: frozenset[str], who: str) -> None:
    """Refuse options that would overrule what copycat sets itself."""
    clash = sorted(api.options.keys() & taken)
    if clash:
        raise UserError(f"The card of {who} sets {', '.join(clash)}, which copycat sets itself; remove it.")
