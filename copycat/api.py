"""Talking to hosted models through the OpenAI client, and telling what went wrong."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from copycat.errors import MissingRequirement, UserError

if TYPE_CHECKING:
    from openai import OpenAI

REFUSALS = frozenset({"content_policy_violation", "moderation_blocked", "content_filter"})
"""Error codes with which a provider declines a prompt or withholds what it made."""


class Api(BaseModel):
    """How a card's model is reached; any server that speaks the OpenAI API will do."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    base_url: str | None = None
    """The provider's own when left out."""
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


def connect(api: Api, who: str) -> OpenAI:
    """A client for `who`. Raises MissingRequirement without the package or the key."""
    try:
        import openai
    except ImportError as e:
        raise MissingRequirement(
            f"{who} needs the package openai; install it with `pip install 'copycat-eval[hosted]'`."
        ) from e
    key = os.environ.get(api.key_env) if api.key_env else "none"
    if not key:
        raise MissingRequirement(f"{who} needs an API key; set the environment variable {api.key_env}.")
    return openai.OpenAI(api_key=key, base_url=api.base_url, timeout=api.timeout, max_retries=api.retries)


def refusal(error: Exception) -> str | None:
    """The provider's words when it declined for what was asked or made; None for any other failure."""
    code = getattr(error, "code", None)
    return str(error) if code in REFUSALS else None


def stop_if_hopeless(error: Exception, who: str) -> None:
    """Raise what no further call can mend: a wrong key, no access, no model, no money."""
    import openai

    hopeless = (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError)
    if isinstance(error, hopeless) or getattr(error, "code", None) == "insufficient_quota":
        raise MissingRequirement(
            f"{who} cannot be used ({_words(error)}); what is finished is kept, and the same command resumes."
        ) from error


def explain(error: Exception) -> str:
    """One line for a row."""
    return f"{type(error).__name__}: {_words(error)}"


def _words(error: Exception) -> str:
    body: Any = getattr(error, "body", None)
    message = body.get("message") if isinstance(body, dict) else None
    return " ".join(str(message or error).split())[:300]


def check_options(api: Api, taken: frozenset[str], who: str) -> None:
    """Refuse options that would overrule what copycat sets itself."""
    clash = sorted(api.options.keys() & taken)
    if clash:
        raise UserError(f"The card of {who} sets {', '.join(clash)}, which copycat sets itself; remove it.")
