"""Language models' replies on disk: nothing is paid for twice, and a resumed run gets the same words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock

from copycat.cards.llms import LLMCard
from copycat.errors import Unasked
from copycat.io.atomic import locked
from copycat.io.cached import lock_of
from copycat.io.journal import Journal
from copycat.io.secrets import clean
from copycat.llms.base import Chat, Message, Reply
from copycat.records import Row, digest


class Kept(Row):
    """One reply, with what it is the reply to."""

    key: str
    """Content hash of the model's identity, its settings and every message."""
    model: str
    asked: tuple[Message, ...]
    reply: Reply


class Replies:
    """All replies in one file, appended one by one as they come. Threads and processes may share it."""

    def __init__(self, path: Path) -> None:
        self._path, self._journal = path, Journal(path, Kept)
        self._known = {kept.key: kept.reply for kept in self._journal.rows()}
        self._writing = Lock()

    def get(self, key: str) -> Reply | None:
        """The reply kept under `key`."""
        return self._known.get(key)

    def keep(self, kept: Kept) -> None:
        """On disk before it returns."""
        with self._writing, locked(lock_of(self._path)):
            self._journal.append([kept])
            self._known[kept.key] = kept.reply


class CachedChat(Chat):
    """A language model that is loaded when the first reply is missing, and asked for each only once."""

    def __init__(
        self, card: LLMCard, load: Callable[[], Chat], replies: Replies, *, ask: bool = True
    ) -> None:
        """`load` gives the model of `card`. Without `ask` it raises Unasked for what is not kept."""
        self.identity = card.identity()
        self._card, self._load, self._replies, self._ask = card, load, replies, ask
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
                # Before it becomes part of a prompt.
                kept = clean(self._loaded().ask(messages))
                self._replies.keep(Kept(key=key, model=self.identity, asked=tuple(messages), reply=kept))
        return kept

    def close(self) -> None:
        """Close the model, where it was loaded; the next reply that is missing loads it again."""
        with self._loading:
            model, self._model = self._model, None
        if model is not None:
            model.close()

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
                self._model = self._load()
            return self._model
