"""Whether a server of one's own is there, and serves the model that a card asks for."""

from __future__ import annotations

from typing import Any

from copycat.errors import MissingRequirement, require
from copycat.io.hosted.api import Api, key
from copycat.io.hosted.failures import classify
from copycat.io.secrets import redact

_PATIENCE = 5.0
"""Seconds in which a server must say what it serves: it is asked before a run, and by `copycat doctor`."""
_SHOWN = 5
"""Most models that a message names."""


def check_serving(api: Api, model: str, who: str) -> None:
    """Raise MissingRequirement where no server answers at `api.base_url`, it refuses the key, or the models
    that it lists are others than `model`. A server that lists none may serve it, so that is no fault."""
    openai = require("openai", "openai>=2.0", who)
    client = openai.OpenAI(
        api_key=key(api, who), base_url=api.base_url, timeout=min(api.timeout, _PATIENCE), max_retries=0
    )
    with client:
        try:
            listed: Any = client.models.list()
        except openai.APIConnectionError as e:
            raise MissingRequirement(
                f"{who}: no server answers at {api.base_url} ({_words(e)}); start it, or say in the card's "
                "`api: {base_url: …}` where it is (docs/servers.md)."
            ) from e
        except (openai.AuthenticationError, openai.PermissionDeniedError) as e:
            raise MissingRequirement(
                f"{who}: the server at {api.base_url} refuses the key ({_words(e)}); name in the card's "
                "`api: {key_env: …}` the environment variable that holds it."
            ) from e
        except Exception:  # noqa: BLE001  it is there, and does not list its models
            return
    names = [_name(found) for found in _items(listed)]
    if names and model not in names:
        shown = ", ".join(map(str, names[:_SHOWN])) + (" and others" if len(names) > _SHOWN else "")
        raise MissingRequirement(
            f"{who}: the server at {api.base_url} serves {redact(shown)[:300]} and not {model}; start it "
            "with that model, or say in the card's `source` what it is called there (docs/servers.md)."
        )


def _words(error: Exception) -> str:
    return classify(error).words.rstrip(".")


def _items(listed: Any) -> list[Any]:
    data = getattr(listed, "data", None)
    return data if isinstance(data, list) else []


def _name(found: Any) -> str | None:
    name = getattr(found, "id", None)
    return name if isinstance(name, str) else None
