"""Batches of a provider: many calls in one file, answered within a day, for about half the price.

A batch is a file of calls, one JSON object a line, which is uploaded; a job of that file, which is begun; and
files of answers and of errors, which are there once it has ended. Only a job that was begun costs anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from copycat.errors import CopycatError, MissingRequirement
from copycat.io.documents import parse_json
from copycat.io.hosted.api import Api, connect
from copycat.io.hosted.calls import Calls
from copycat.io.hosted.failures import Failure, classify, explain
from copycat.io.hosted.pace import Clock, backoff
from copycat.io.secrets import redact

MOST_BYTES: Final = 90_000_000
"""Of one file of calls. OpenAI takes 200 MB, others 100."""
MOST_CALLS: Final = 50_000
"""Of one file of calls, as OpenAI takes them."""
FULL: Final = "token_limit_exceeded"
"""The code of a batch that was refused since too many tokens wait in others."""
_SLOWEST: Final = 600.0
"""Seconds that a file may take to be sent or fetched."""
_AT_ONCE: Final = 4
_PATIENCE: Final = 5.0
"""Seconds that a rate limit may hold up the deletion of files."""
_ENDED: Final = frozenset({"completed", "failed", "expired", "cancelled"})
_NO_BATCHES: Final = frozenset({404, 405, 501})
"""Statuses of a server that has no batches."""


class NotBegun(MissingRequirement):
    """The provider refused to begin a batch, so nothing of it is paid."""


class NoSuchBatch(MissingRequirement):
    """The server knows no such batch or file, or has none at all."""


@dataclass(frozen=True)
class Batch:
    """A batch as its provider tells of it."""

    id: str
    status: str
    """`failed` where its file was refused; else `completed`, `expired` or `cancelled` at the end."""
    files: tuple[str, ...] = ()
    """Those of answers and of errors."""
    code: str = ""
    """Of a refusal, what kind it is."""
    why: str = ""
    """Of a refusal, the provider's words."""

    @property
    def ended(self) -> bool:
        return self.status in _ENDED


@dataclass(frozen=True)
class Item:
    """What came of one call of a batch."""

    name: str
    """The `custom_id` that it was sent with."""
    body: Mapping[str, Any] | None = None
    """The answer, as the same call alone would have had it; None where it failed."""
    failure: Failure | None = None
    expired: bool = False
    """Whether it was not reached in time."""


class Batches:
    """The batches of one model's calls at its provider; what it sends costs nothing but for :meth:`begin`."""

    def __init__(self, api: Api, who: str, endpoint: str, clock: Clock | None = None) -> None:
        """`endpoint` is where each call would go alone, such as `/v1/chat/completions`. Raises
        MissingRequirement without the package or the key."""
        self._who, self.endpoint, self._retries = who, endpoint, api.retries
        self._clock = clock or Clock()
        slow = api.model_copy(update={"timeout": max(api.timeout, _SLOWEST)})
        # A client of its own, since one belongs to the event loop that it is used in.
        client = connect(slow, who)
        self._client: Any = client
        self._calls = Calls(slow, who, _AT_ONCE, hang_up=client.close, clock=self._clock)
        # Apart, since a server that deletes nothing is still asked for everything else.
        tidying = connect(api, who)
        self._delete: Any = tidying.files.delete
        brief = api.model_copy(update={"patience": min(api.patience, _PATIENCE)})
        self._tidying = Calls(brief, who, _AT_ONCE, hang_up=tidying.close, clock=self._clock)

    def upload(self, path: Path) -> str:
        """The provider's name of the file `path`, sent to it."""
        sent = self._asked(lambda: self._client.files.create(file=path, purpose="batch"), "take the batch")
        return str(sent.id)

    def begin(self, file: str) -> str:
        """The name of the batch of the calls in `file`, begun now and paid from now on.

        Where no answer came it is looked up whether there is a batch by now, so that none is begun twice.
        Raises NotBegun where it was refused; after another MissingRequirement it may have been begun.
        """
        failed = 0
        while True:
            try:
                return str(self._calls.call(lambda: self._create(file), retries=0).reply.id)
            except CopycatError as e:
                if isinstance(e.__cause__, Exception) and classify(e.__cause__).kind == "fatal":
                    raise NotBegun(str(self._without_batches(e))) from e
                raise
            except Exception as e:
                failed += 1
                if classify(e).kind != "transient":
                    raise NotBegun(f"{self._who} did not take a batch ({explain(e)}).") from e
                self.rest(backoff(failed))
                found = self.find(file)
                if found is not None:
                    return found
                if failed > self._retries:
                    raise self._unreachable(e) from e

    def find(self, file: str) -> str | None:
        """The name of the batch that was begun of `file`; None for none."""
        found: str | None = self._asked(lambda: self._search(file), "say whether it has begun a batch")
        return found

    def look(self, batch: str) -> Batch:
        """How far `batch` is."""
        found = self._asked(lambda: self._client.batches.retrieve(batch), "tell of the batch")
        status = getattr(found, "status", None)
        if not isinstance(status, str):
            raise MissingRequirement(
                f"{self._who} did not tell how far the batch is; what is finished is kept, and the same "
                "command asks again."
            )
        files = (getattr(found, name, None) for name in ("output_file_id", "error_file_id"))
        errors = getattr(getattr(found, "errors", None), "data", None)
        first = errors[0] if isinstance(errors, list) and errors else None
        said = redact(" ".join(str(getattr(first, "message", "") or "").split()))[:300]
        return Batch(
            batch,
            status,
            tuple(str(f) for f in files if f),
            str(getattr(first, "code", "") or ""),
            said,
        )

    def items(self, batch: Batch) -> Iterator[Item]:
        """What came of the calls of an ended batch, in any order; nothing of those that its files do not tell
        of, and of one that they tell of twice, both."""
        for file in batch.files:
            content = self._asked(partial(self._fetch, file), "give the answers to the batch")
            for line in content.splitlines():
                item = read_item(line)
                if item is not None:
                    yield item

    def forget(self, files: Sequence[str]) -> None:
        """Have the provider delete `files`, which hold pictures or answers; one that it keeps is no fault."""
        for file in files:
            with suppress(Exception):
                self._tidying.call(partial(self._delete, file), retries=0)

    def rest(self, seconds: float) -> None:
        """Wait, as the clock goes; Ctrl-C breaks it off."""
        time.sleep(self._clock.real(seconds))

    def close(self) -> None:
        """Break off what is under way; batches go on at the provider."""
        self._calls.close()
        self._tidying.close()

    async def _create(self, file: str) -> Any:
        return await self._client.batches.create(
            input_file_id=file, endpoint=self.endpoint, completion_window="24h"
        )

    async def _search(self, file: str) -> str | None:
        async for batch in self._client.batches.list(limit=100):
            if getattr(batch, "input_file_id", None) == file:
                return str(batch.id)
        return None

    async def _fetch(self, file: str) -> bytes:
        return bytes((await self._client.files.content(file)).content)

    def _asked(self, send: Callable[[], Any], what: str) -> Any:
        """The reply to what `send` sends; MissingRequirement where there is none, which says what the
        provider did not do."""
        try:
            return self._calls.call(send).reply
        except CopycatError as e:
            raise self._without_batches(e) from e
        except Exception as e:
            if _status(e) in _NO_BATCHES:
                raise self._has_none(e) from e
            raise MissingRequirement(
                f"{self._who} did not {what} ({explain(e)}); what is finished is kept, and the same command "
                "goes on."
            ) from e

    def _without_batches(self, error: CopycatError) -> CopycatError:
        """`error`, or that there are no batches where the server knows none of their addresses."""
        cause = error.__cause__
        return self._has_none(cause) if isinstance(cause, Exception) and _status(cause) == 404 else error

    def _has_none(self, error: Exception) -> NoSuchBatch:
        return NoSuchBatch(
            f"{self._who}: its server has no such batch or takes none ({classify(error).words.rstrip('.')}); "
            "leave --batch out to ask one by one. What is finished is kept."
        )

    def _unreachable(self, error: Exception) -> MissingRequirement:
        return MissingRequirement(
            f"{self._who} did not begin a batch ({explain(error)}); the same command looks whether it did "
            "after all, and goes on."
        )


class _ItemError(Exception):
    """An item's error, as a client would have raised it of the call alone."""

    def __init__(self, status: int | None, said: object) -> None:
        self.body = said if isinstance(said, dict) else {}
        self.code = self.body.get("code")
        self.response = SimpleNamespace(status_code=status, headers={}) if status is not None else None
        super().__init__(str(self.body.get("message") or said or f"error {status}"))


def read_item(line: bytes) -> Item | None:
    """What one line of an answer file says; None for a line that tells of no call."""
    try:
        said = parse_json(line)
    except ValueError:
        return None
    name = said.get("custom_id") if isinstance(said, dict) else None
    if not isinstance(name, str):
        return None
    response, error = said.get("response"), said.get("error")
    answered = response if isinstance(response, dict) else {}
    status, body = answered.get("status_code"), answered.get("body")
    if status == 200 and isinstance(body, dict) and not error:
        return Item(name, body)
    inner = body.get("error", body) if isinstance(body, dict) else None
    failed = _ItemError(status if isinstance(status, int) else None, error or inner)
    return Item(name, failure=classify(failed), expired=failed.code == "batch_expired")


def _status(error: Exception) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)
