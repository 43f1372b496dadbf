"""Language models behind the OpenAI chat API (`/chat/completions`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from copycat.cards.llms import LLMCard
from copycat.cards.metering import LedgerMeter
from copycat.cards.prices import tariff
from copycat.errors import CopycatError, MissingRequirement
from copycat.io.hosted import Api, Calls, check_options, connect, explain, refusal
from copycat.io.ledger import Ledger
from copycat.io.words import whole, words
from copycat.llms.base import Chat, Message, Reply

_OURS = frozenset({"model", "messages", "n", "temperature", "max_completion_tokens", "max_tokens"})


class OpenAIChat(Chat):
    """One call a reply, at the card's temperature, 0 by default."""

    charges = True

    def __init__(self, card: LLMCard, device: str) -> None:  # noqa: ARG002  runs elsewhere
        self.identity = card.identity()
        self._card, self._api = card, card.api or Api()
        self._who = f"The language model {card.name}"
        check_options(self._api, _OURS, card.name)
        client = connect(self._api, self._who)
        # Typed as Any: the options are the card's.
        self._send: Any = client.chat.completions.create
        self._calls = Calls(self._api, self._who, card.batch_size, hang_up=client.close)

    def charge(self, ledger: Ledger) -> None:
        self._calls.meter = LedgerMeter(tariff(self._card), "reply", ledger)

    def ask(self, messages: Sequence[Message]) -> Reply:
        """Raises MissingRequirement for a wrong key, no money, no network, and a server that stays broken:
        without a rewrite there is nothing to plan."""
        try:
            answered = self._calls.call(lambda: self._ask(messages), self.call(self._card, messages))
            choice = answered.reply.choices[0]
        except CopycatError:
            raise
        except Exception as e:
            declined = refusal(e)
            if declined:
                return Reply(refusal=whole(declined))
            raise MissingRequirement(
                f"{self._who} did not answer ({explain(e)}); what it answered before is kept, and the same "
                "command asks for the rest."
            ) from e
        if getattr(choice.message, "refusal", None):
            return Reply(refusal=whole(str(choice.message.refusal)))
        if choice.finish_reason == "content_filter":
            return Reply(refusal="the provider's content filter stopped it")
        try:
            return Reply(text=words(choice.message.content))
        except ValueError as e:
            raise MissingRequirement(
                f"{self._who} did not answer ({e}); what it answered before is kept, and the same command "
                "asks for the rest."
            ) from e

    async def _ask(self, messages: Sequence[Message]) -> Any:
        cold = {} if self._card.temperature is None else {"temperature": self._card.temperature}
        return await self._send(
            model=self._card.source,
            messages=[m.model_dump() for m in messages],
            max_completion_tokens=self._card.max_tokens,
            **cold,
            **self._api.options,
        )
