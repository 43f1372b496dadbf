"""How a hosted model is reached."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from copycat.errors import MissingRequirement, UserError, require
from copycat.io import secrets
from copycat.records import Row

if TYPE_CHECKING:
    from openai import AsyncOpenAI


Scalar = str | int | float | bool
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
"""What this machine is called in addresses."""


class Api(Row):
    """How a card's model is reached; any server that speaks the OpenAI API will do."""

    base_url: str | None = None
    """The provider's own when left out. Without a user's name, a password or a query: it is part of the
    model's identity, which stands in every row."""
    key_env: str | None = "OPENAI_API_KEY"
    """Environment variable that holds the key; None or empty for a server that asks for none. Left out for a
    server on this machine it is None: no provider's key is sent there by mistake."""
    revision: str | None = Field(default=None, min_length=1)
    """Of a server of one's own: the commit of the weights that it was started with. The model's identity then
    names it in place of the address, so that a server that moves to another machine stays the same model."""
    probe: bool = False
    """Whether the server is asked what it can do before a run begins (see docs/servers.md). For a server of
    one's own, whose calls cost nothing: nothing that is paid is sent before a run has a ledger."""
    timeout: float = Field(default=120, gt=0, allow_inf_nan=False)
    """Seconds for one attempt as a whole, from connecting to the last byte of the answer."""
    retries: int = Field(default=5, ge=0)
    """Further attempts after a server error, a time-out or a lost connection. Rate limits are waited out
    instead, see `patience`."""
    patience: float = Field(default=600, gt=0, allow_inf_nan=False)
    """Seconds that a rate limit or an outage may last without any call getting through."""
    concurrency: int | None = Field(default=None, gt=0)
    """Calls in flight at a time; the card's `batch_size` when left out."""
    options: dict[str, Scalar | dict[str, Scalar]] = Field(default_factory=dict)
    """Passed on in the body of every call, e.g. `quality`, whether or not OpenAI's API has such a field."""
    price_usd: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Of one picture or one answer; None where `data/prices.yaml` says it, or nobody knows."""
    ceiling_usd: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """The most that one call can cost, for `--max-cost`; None where it follows from the price."""

    @model_validator(mode="before")
    @classmethod
    def _own_server(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        told = dict(raw)
        if "key_env" not in told and _is_here(told.get("base_url")):
            told["key_env"] = None
        if told.get("probe") is True and told.get("price_usd") is None:
            told["price_usd"] = 0.0
        return told

    @field_validator("probe")
    @classmethod
    def _has_address(cls, value: bool, info: ValidationInfo) -> bool:
        if value and "base_url" in info.data and info.data["base_url"] is None:
            raise ValueError("it is for a server of your own, so `base_url` must name it")
        return value

    @field_validator("price_usd")
    @classmethod
    def _free_where_probed(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value and info.data.get("probe"):
            raise ValueError("probe is for a server whose calls cost nothing; leave one of the two out")
        return value

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
        if value:
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
                raise ValueError("it is the name of an environment variable that holds the key, not the key")
            secrets.remember(value)
        return value


def _is_here(base_url: object) -> bool:
    """Whether that is an address of this machine."""
    try:
        return isinstance(base_url, str) and urlsplit(base_url).hostname in _HERE
    except ValueError:
        return False


def key(api: Api, who: str) -> str:
    """The key for `who`; raises MissingRequirement when its variable is not set."""
    if api.key_env:
        # In a process of its own the card was not read but handed over.
        secrets.remember(api.key_env)
    found = os.environ.get(api.key_env) if api.key_env else "none"
    if not found:
        raise MissingRequirement(f"{who} needs an API key; set the environment variable {api.key_env}.")
    return found


def connect(api: Api, who: str) -> AsyncOpenAI:
    """A client for `who`, which sends each call once: :class:`Calls` repeats what is worth repeating.

    Raises MissingRequirement without the package or the key.
    """
    client: AsyncOpenAI = require("openai", "openai>=2.0", who).AsyncOpenAI(
        api_key=key(api, who), base_url=api.base_url, timeout=api.timeout, max_retries=0
    )
    return client


def check_options(api: Api, taken: frozenset[str], who: str) -> None:
    """Refuse options that would overrule what copycat sets itself."""
    clash = sorted(api.options.keys() & taken)
    if clash:
        raise UserError(f"The card of {who} sets {', '.join(clash)}, which copycat sets itself; remove it.")
