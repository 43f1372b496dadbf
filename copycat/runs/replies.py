"""Language models' replies on disk: nothing is paid for twice, and a resumed run gets the same words."""

from __future__ import annotations

import fcntl
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from copycat.atomic import disk_guard
from copycat.device import resolve_device
from copycat.errors import CopycatError
from copycat.llms.base import Chat, Message, Reply, load_chat
from copycat.llms.card import LLMCard
from copycat.records import Row, digest
from copycat.runs.journal import Journal


class Unasked(CopycatError):
    """The reply is not on disk, and this is a dry run."""


class Kept(Row):
    """One reply, with what it is the reply to."""

    key: str
    """Content hash of the model's identity, its settings and every message."""
    model: str
    asked: tuple[Message, ...]
    reply: Reply


def replies_path() -> Path:
    """In `$COPYCAT_CACHE`, by default `.copycat` in the working folder, as `results` is."""
    return Path(os.environ.get("COPYCAT_CACHE") or ".copycat") / "replies.jsonl"


class Replies:
    """All replies in one file, appended one by one as they come. Threads and processes may share it."""

    def __init__(self, path: Path) -> None:
        self._path, self._journal = path, Journal(path, Kept)
        self._known = {kept.key: kept.reply for kept in self._journal.replay()}
        self._writing = Lock()

    def get(self, key: str) -> Reply | None:
        """The reply kept under `key`."""
        return self._known.get(key)

    def keep(self, kept: Kept) -> None:
        """On disk before it returns."""
        with self._writing, self._alone():
            self._journal.append([kept])
            self._known[kept.key] = kept.reply

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with disk_guard(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = self._path.with_suffix(".lock").open("a")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class CachedChat(Chat):
    """A language model that is loaded when the first reply is missing, and asked for each only once."""

    def __init__(
        self, card: LLMCard, device: str, replies: Replies | None = None, *, ask: bool = True
    ) -> None:
        """`device` may be `auto`. Without `ask` it raises Unasked for what is not kept."""
        self.identity = card.identity()
        self._card, self._device, self._ask = card, device, ask
        self._replies = replies or Replies(replies_path())
        self._model: Chat | None = None
        self._loading = Lock()
        self._turns: defaultdict[str, Lock] = defaultdict(Lock)

    def ask(self, messages: Sequence[Message]) -> Reply:
        key = self._key(messages)
        with self._turns[key]:
            kept = self._replies.get(key)
            if kept is None:
                if not self._ask:
                    raise Unasked(f"{self._card.name} was not asked.")
                kept = self._loaded().ask(messages)
                self._replies.keep(Kept(key=key, model=self.identity, asked=tuple(messages), reply=kept))
        return kept

    def _key(self, messages: Sequence[Message]) -> str:
        card = self._card
        return digest(
            {
                "model": self.identity,
                "settings": [card.max_tokens, card.temperature, card.dtype, card.api and card.api.options],
                "messages": [m.model_dump() for m in messages],
            }
        )

    def _loaded(self) -> Chat:
        with self._loading:
            if self._model is None:
                who = f"The language model {self._card.name}"
                device = "cpu" if self._card.api else resolve_device(self._device, who, self._card.min_gpu_gb)
                self._model = load_chat(self._card, device)
            return self._model
