"""Counts from an index that somebody has made already, in place of reading the captions.

Two kinds are spoken to: Elasticsearch (or OpenSearch) over HTTP, as WIMBD's indices of LAION and of text
corpora are (Elazar et al. 2024), and infini-gram's API (Liu et al. 2024). Their rules are not the registry's,
so a counts file says whose rule it was counted by.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol
from urllib.parse import quote

from copycat.errors import MissingRequirement, UserError, first_line
from copycat.io import secrets
from copycat.io.documents import parse_json
from copycat.io.hosted import Api, Calls, classify, in_thread
from copycat.subjects.counts import Unit

_TIMEOUT = 60.0
_MOST = 2**20
"""Bytes of an answer; it holds a number."""


class Index(Protocol):
    """An index that says how often it holds names."""

    unit: ClassVar[Unit]
    rule: ClassVar[str]
    """When it finds a name, in words."""

    @property
    def identity(self) -> str:
        """Changes with where is asked, and how."""

    def total(self) -> int | None:
        """How many documents it holds; None where it does not say."""

    def count(self, names: Sequence[str]) -> int:
        """What holds at least one of `names`, spelt as people write them."""

    def beside(self, names: Sequence[str], word: str) -> int | None:
        """Documents that hold at least one of `names` and `word`; None where it cannot say."""


@dataclass
class Server:
    """An address that answers JSON with JSON; asked again where that can help, through
    :class:`copycat.io.hosted.Calls`."""

    url: str
    key_env: str | None = None
    """The variable that holds a key; it is sent as `authorization` says."""
    authorization: str = "ApiKey {key}"
    retries: int = 5
    _calls: Calls = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise UserError(
                f"--index {self.url}: an index has an address that begins with https:// or http://."
            )
        who = f"The index at {secrets.redact(self.url)}"
        api = Api(base_url=self.url, key_env=self.key_env, retries=self.retries, timeout=_TIMEOUT)
        self._who, self._calls = who, Calls(api, who, at_a_time=4)
        self._key = os.environ.get(self.key_env) if self.key_env else None
        if self.key_env and not self._key:
            raise MissingRequirement(f"{who} needs a key; set the environment variable {self.key_env}.")

    def ask(self, path: str, body: Mapping[str, Any]) -> Any:
        """What the server answers to `body`; raises MissingRequirement where it does not."""
        try:
            return self._calls.call(lambda: in_thread(lambda: self._once(path, body))).reply
        except _NoAnswer as e:
            raise MissingRequirement(f"{self._who} gave no count: {secrets.redact(first_line(e))}.") from e
        except OSError as e:
            raise MissingRequirement(f"{self._who} cannot be reached ({classify(e).words}).") from e

    def close(self) -> None:
        """End the thread in which calls are made."""
        self._calls.close()

    def _once(self, path: str, body: Mapping[str, Any]) -> Any:
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = self.authorization.format(key=self._key)
        told = urllib.request.Request(  # noqa: S310  the address was checked
            f"{self.url.rstrip('/')}{path}", json.dumps(body).encode(), headers, method="POST"
        )
        try:
            with _OPENER.open(told, timeout=_TIMEOUT) as reply:
                return parse_json(reply.read(_MOST))
        except urllib.error.HTTPError as e:
            raise _NoAnswer(e) from e
        except urllib.error.URLError as e:
            refused = isinstance(e.reason, ConnectionRefusedError)
            raise (ConnectionRefusedError if refused else ConnectionError)(str(e.reason)) from e
        except http.client.HTTPException as e:
            raise ConnectionError(f"the answer was cut off ({type(e).__name__})") from e
        except ValueError as e:
            raise _NoAnswer(None, f"its answer is no JSON ({first_line(e)})") from e


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else: the key would go along."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


class _Response:
    """What :func:`copycat.io.hosted.classify` looks at."""

    def __init__(self, error: urllib.error.HTTPError) -> None:
        self.status_code, self.headers = error.code, {k.lower(): v for k, v in error.headers.items()}
        self.content = error.read(_MOST)

    def json(self) -> Any:
        return parse_json(self.content)


class _NoAnswer(Exception):
    """A server that answers with an error, or with something else than it should."""

    def __init__(self, error: urllib.error.HTTPError | None, words: str = "") -> None:
        self.response = _Response(error) if error else None
        said = self.response.content.decode("utf-8", "replace")[:200] if self.response else ""
        super().__init__(words or f"{error} {said}".strip())


def _number(reply: Any, field: str) -> int:
    """The number that an answer holds under `field`; an error or anything else is no count, never 0."""
    found = reply.get(field) if isinstance(reply, dict) else None
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        told = reply.get("error", reply) if isinstance(reply, dict) else reply
        raise MissingRequirement(f"The index gave no count but {secrets.redact(json.dumps(told))[:200]}.")
    return found


class Elasticsearch:
    """Documents whose field holds a name as a phrase, by the analyzer that the index was made with."""

    unit: ClassVar[Unit] = "documents"
    rule: ClassVar[str] = (
        "A document names a character where Elasticsearch finds one of its names as a phrase, by the "
        "analyzer of the index."
    )

    def __init__(self, server: Server, name: str, field: str) -> None:
        self._server, self._field, self._path = server, field, f"/{quote(name, safe=',*')}/_count"

    @property
    def identity(self) -> str:
        return f"elasticsearch {secrets.redact(self._server.url)} {self._path} {self._field}"

    def total(self) -> int | None:
        return self._ask({"match_all": {}})

    def count(self, names: Sequence[str]) -> int:
        return self._ask(self._any(names))

    def beside(self, names: Sequence[str], word: str) -> int | None:
        return self._ask({"bool": {"must": [self._any(names), self._phrase(word)]}})

    def _phrase(self, text: str) -> dict[str, Any]:
        return {"match_phrase": {self._field: text}}

    def _any(self, names: Sequence[str]) -> dict[str, Any]:
        return {"bool": {"should": [self._phrase(n) for n in names], "minimum_should_match": 1}}

    def _ask(self, query: Mapping[str, Any]) -> int:
        reply = self._server.ask(self._path, {"query": query})
        shards = reply.get("_shards") if isinstance(reply, dict) else None
        if isinstance(shards, dict) and shards.get("failed"):
            raise MissingRequirement(
                f"{shards['failed']} shards of the index did not answer; try again later."
            )
        return _number(reply, "count")


class InfiniGram:
    """Occurrences of a name, as a sequence of tokens spelt exactly so."""

    unit: ClassVar[Unit] = "occurrences"
    rule: ClassVar[str] = (
        "Every place where a name stands, spelt exactly so, as infini-gram counts sequences of tokens; names "
        "that hold another of the same character are counted with that one."
    )

    def __init__(self, server: Server, name: str) -> None:
        self._server, self._name = server, name

    @property
    def identity(self) -> str:
        return f"infini-gram {secrets.redact(self._server.url)} {self._name}"

    def total(self) -> int | None:
        return None

    def count(self, names: Sequence[str]) -> int:
        # "Super Mario" is a place of "Mario" already.
        kept = [n for n in dict.fromkeys(names) if not any(o != n and _holds(n, o) for o in names)]
        return sum(self._of(n) for n in kept)

    def beside(self, names: Sequence[str], word: str) -> int | None:  # noqa: ARG002
        return None

    def _of(self, name: str) -> int:
        return _number(
            self._server.ask("", {"index": self._name, "query_type": "count", "query": name}), "count"
        )


def _holds(name: str, part: str) -> bool:
    """Whether `part` stands in `name` as whole words, spelt so."""
    return re.search(rf"(?<!\w){re.escape(part)}(?!\w)", name) is not None


KINDS: Mapping[str, Callable[[Server, str, str], Index]] = {
    "elasticsearch": Elasticsearch,
    "infini-gram": lambda server, name, _: InfiniGram(server, name),
}
