"""What a language model is."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

from copycat.cards.catalog import Catalog
from copycat.cards.llms import LLMCard
from copycat.cards.metering import Charging
from copycat.cards.prices import Call
from copycat.io.lifecycle import Closing
from copycat.records import Row

_REFUSAL = re.compile(
    r"(?:i['’]m (?:sorry|unable)|sorry\b|i (?:can['’]?t|cannot|am unable)|as an ai\b)", re.I
)


class Message(Row):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Reply(Row):
    """What a model answered; a refusal is an answer too."""

    text: str = ""
    refusal: str | None = None
    """Why there is no text."""

    @property
    def plain(self) -> str:
        """The text in one line, without quotation marks around it."""
        return " ".join(self.text.split()).strip("\"'“”` ")

    @property
    def declined(self) -> str:
        """The refusal, said by the provider or in the text's own words; empty for an answer."""
        return self.refusal or (self.plain if _REFUSAL.match(self.plain) else "")


class Chat(Closing, Charging, ABC):
    """Answers conversations. Built from a language-model card and a device; closed as
    :class:`copycat.io.lifecycle.Closing` says."""

    identity: str
    """Card name and weights identity, or for a hosted model what it is called and where."""

    @abstractmethod
    def __init__(self, card: LLMCard, device: str) -> None: ...

    @classmethod
    def call(cls, card: LLMCard, messages: Sequence[Message]) -> Call:
        """What a hosted model is sent for a reply, for its price."""
        return Call.of((m.content for m in messages), most_out=card.max_tokens)

    @abstractmethod
    def ask(self, messages: Sequence[Message]) -> Reply:
        """The most likely reply. Raises a UserError where none can be had, and safe to call from threads
        where the card's `batch_size` is above 1."""


CATALOG: Catalog[type[Chat]] = Catalog(
    "llm-kinds",
    singular="language-model kind",
    builtin={
        "openai-chat": "copycat.llms.openai_chat:OpenAIChat",
        "transformers-lm": "copycat.llms.local:LocalChat",
    },
)


def load_chat(card: LLMCard, device: str) -> Chat:
    """The model that `card` asks for, on `device` (resolved, not `auto`). Raises MissingRequirement for one
    that its provider has shut down."""
    card.check_served(f"The language model {card.name}")
    return CATALOG.get(card.kind)(card, device)
