"""A chat model that runs elsewhere, through the language-model cards."""

from __future__ import annotations

import time
from collections.abc import Sequence

from copycat.cards.llms import LLMCard
from copycat.errors import MissingRequirement
from copycat.io.ledger import Ledger
from copycat.llms import Message, load_chat
from copycat.verbatim.text.mitigations import TokenBlock
from copycat.verbatim.text.rows import Asked
from copycat.verbatim.text.writers.base import Draft, Writer


class HostedWriter(Writer):
    """Sends every prompt as one message."""

    def __init__(self, card: LLMCard) -> None:
        """`card` says the temperature and how long a reply may be."""
        self._chat = load_chat(card, "cpu")

    def charge(self, ledger: Ledger) -> None:
        self._chat.charge(ledger)

    def write(self, asked: Sequence[Asked], blocks: Sequence[TokenBlock]) -> list[Draft]:
        if blocks:
            raise MissingRequirement("A hosted model cannot be told which tokens not to write.")
        return [self._one(a) for a in asked]

    def _one(self, asked: Asked) -> Draft:
        began = time.monotonic()
        try:
            reply = self._chat.ask([message(asked)])
        except MissingRequirement as e:
            # Ten of these in a row end the run, see `study.py`.
            return Draft("error", reason=str(e))
        seconds = time.monotonic() - began
        if reply.declined:
            return Draft("refused", text=reply.text, reason=reply.declined, seconds=seconds)
        return Draft("ok", text=reply.text, seconds=seconds)


def message(asked: Asked) -> Message:
    """The one turn that a chat model is sent."""
    return Message(role="user", content=asked.prompt)
