"""A language model that translates, asked for each text only once."""

from __future__ import annotations

from copycat.cards.llms import load_llm_card
from copycat.errors import MissingRequirement
from copycat.io.cached import replies_path
from copycat.io.ledger import Ledger
from copycat.io.lifecycle import Closing
from copycat.llms.base import Chat, Message, load_chat
from copycat.llms.replies import CachedChat, Replies
from copycat.runtime.device import resolve_device
from copycat.verbatim.text.prompts import Unaskable

_MOST_TOKENS = 1024
_ASKED = (
    "Translate the text that you are given into {language}. Reply with the translation and nothing else: no "
    "remarks, no quotation marks around it."
)


class Translation(Closing):
    """Translates through the language-model card of that name; loads it when it is first asked. Without
    `ledger`, in which its costs are entered, it only repeats what was translated before."""

    def __init__(self, card: str, device: str, ledger: Ledger | None) -> None:
        self._chat: CachedChat | None = None
        if card:
            found = load_llm_card(card).model_copy(update={"max_tokens": _MOST_TOKENS})

            def load() -> Chat:
                made = load_chat(found, "cpu" if found.api else resolve_device(device, found.name))
                if ledger is not None:
                    made.charge(ledger)
                return made

            self._chat = CachedChat(found, load, Replies(replies_path()), ask=ledger is not None)

    def translate(self, text: str, language: str) -> str:
        """`text` in that language. Raises Unaskable where the model declines to translate it, another
        UserError where it cannot be asked, and Unasked for what is only to be repeated and is not there."""
        if self._chat is None:
            raise MissingRequirement(
                "There is no language model to translate with; name one with --translator."
            )
        asked = [
            Message(role="system", content=_ASKED.format(language=language)),
            Message(role="user", content=text),
        ]
        reply = self._chat.ask(asked)
        if reply.refusal or not reply.text.strip():
            raise Unaskable(f"the translator declined: {reply.refusal or 'it said nothing'}")
        return reply.text.strip()
