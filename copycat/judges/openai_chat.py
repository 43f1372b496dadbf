"""Vision-language models behind the OpenAI chat API (`/chat/completions`) as judges."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from PIL import Image
from pydantic import BaseModel, ConfigDict

from copycat.cards.judges import JudgeCard
from copycat.cards.metering import LedgerMeter, usage_of
from copycat.cards.prices import Call, Tariff, tariff
from copycat.errors import CopycatError, require
from copycat.io.hosted import Answered, Api, Batches, Calls, Told, check_options, connect, explain
from copycat.io.ledger import Ledger
from copycat.io.words import words
from copycat.judges.base import REFUSED, InBatches, Judge, unscored, verdict
from copycat.judges.references import open_reference
from copycat.judges.replies import read_names, read_yes_no
from copycat.records import Question, QuestionStyle, Verdict

_CUT_OFF = ("length", "content_filter")
"""Why a reply may have ended before its end."""


class _Names(BaseModel):
    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})
    names: list[str]


class _Figure(BaseModel):
    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})
    name: str
    work: str


class _Figures(BaseModel):
    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})
    characters: list[_Figure]


class _Answer(BaseModel):
    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})
    answer: Literal["yes", "no"]


_SHAPES: dict[QuestionStyle, type[BaseModel] | None] = {
    "plain": _Names,
    "name-and-work": _Figures,
    # He et al. 2024 ask for a form in words.
    "paper": None,
}
"""What the answer to who is shown has to look like, by the style of the questions."""


class OpenAIChatJudge(Judge):
    """One call a question; replies are JSON of a fixed schema, or the paper's form.

    A server that ignores the schema answers in words, which are read as well. Yes-or-no questions score 1
    for yes and 0 for no: hosted models rarely give the probabilities that VQAScore needs, so their CONS is a
    share of pictures and coarser than a local judge's.
    """

    shows_references = True
    charges = True
    batches = True
    ours: ClassVar[frozenset[str]] = frozenset({"model", "messages", "n", "response_format"})
    """Fields of a call that a card's options may not set."""

    def __init__(self, card: JudgeCard, device: str) -> None:  # noqa: ARG002  runs elsewhere
        self.identity, self.batch_size = self.identify(card), card.batch_size
        self._card, self._api = card, card.api or Api()
        check_options(self._api, self.ours, card.name)
        self._tariff = tariff(card)
        who = f"The judge {card.name}"
        client = connect(self._api, who)
        # Typed as Any: the options are the card's.
        self._send: Any = client.chat.completions.create
        self._calls = Calls(self._api, who, card.batch_size, hang_up=client.close)

    def charge(self, ledger: Ledger) -> None:
        self._calls.meter = LedgerMeter(self._tariff, "answer", ledger)

    @classmethod
    def call(cls, card: JudgeCard, question: Question, shown: Sequence[tuple[int, int]]) -> Call:
        more = cls.asks(card, question)
        told = {**(card.api or Api()).options, **more}
        most = told.get("max_completion_tokens", told.get("max_tokens"))
        return Call.of(
            (question.text, json.dumps(more)),
            shown=tuple(shown),
            most_out=most if isinstance(most, int) else None,
        )

    @classmethod
    def asks(cls, card: JudgeCard, question: Question) -> dict[str, Any]:
        """What is sent along with `question`, beside the card's options: how it is to be answered."""
        shape = _SHAPES[card.style] if question.form == "names" else _Answer
        if shape is None:
            return {}
        schema = {"name": question.kind, "strict": True, "schema": shape.model_json_schema()}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}

    def ask(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> list[Verdict]:
        asked = list(zip(questions, images, strict=True))
        return self._calls.map(self._one, asked, lambda a, why: unscored(a[0], self.identity, why))

    def stop(self) -> None:
        self._calls.stop()

    def _one(self, asked: tuple[Question, Image.Image]) -> Verdict:
        question, image = asked
        try:
            content, call = self.message(question, image)
            answered = self._calls.call(lambda: self._ask(question, content), call)
        except CopycatError:
            raise
        except Exception as e:  # noqa: BLE001  whatever an API does becomes a row
            return unscored(question, self.identity, explain(e))
        return self.paid(question, answered, self._tariff, call)

    def message(self, question: Question, image: Image.Image) -> tuple[list[dict[str, Any]], Call]:
        """What a message that asks `question` about `image` holds; and the call that sends it."""
        pictures = [*map(open_reference, question.references), image]
        call = self.call(self._card, question, [p.size for p in pictures])
        return content_of(question, pictures), call

    def paid(self, question: Question, answered: Answered[Any], prices: Tariff, call: Call) -> Verdict:
        """The verdict that a reply comes to, with what it cost by `prices`: it is paid, whatever it says."""
        usage = usage_of(answered.told)
        paid = {"usage": usage, "cost_usd": prices.cost(usage, call)}
        return self._said(question, answered.reply).model_copy(update=paid)

    def in_batches(self) -> ChatInBatches:
        return ChatInBatches(self, self._card)

    def _said(self, question: Question, reply: Any) -> Verdict:
        try:
            choice = reply.choices[0]
            message = choice.message
        except Exception as e:  # noqa: BLE001  whatever an API does becomes a row
            return unscored(question, self.identity, explain(e))
        if getattr(message, "refusal", None):
            return unscored(question, self.identity, f"{REFUSED}: {message.refusal}")
        return self._read(question, choice)

    async def _ask(self, question: Question, content: list[dict[str, Any]]) -> Any:
        return await self._send(
            model=self._card.source,
            messages=[{"role": "user", "content": content}],
            **self.asks(self._card, question),
            # As they are: a server of one's own knows fields that the client does not.
            extra_body=self._api.options,
        )

    def _read(self, question: Question, choice: Any) -> Verdict:
        """The verdict that `choice`, the first of a reply and no refusal, comes to."""
        cut_off = choice.finish_reason in _CUT_OFF
        try:
            reply = words(choice.message.content)
        except ValueError as e:
            return unscored(question, self.identity, str(e))
        if question.form == "names":
            scored = self._card.style == "paper"
            return verdict(question, self.identity, read_names(reply, cut_off=cut_off, scored=scored), reply)
        return verdict(question, self.identity, read_yes_no(reply, cut_off=cut_off), reply)


class ChatInBatches(InBatches):
    """The same questions as calls of a batch: with the same fields, and read in the same way."""

    def __init__(self, judge: OpenAIChatJudge, card: JudgeCard) -> None:
        self._judge, self._card, self._api = judge, card, card.api or Api()
        self.tariff = tariff(card, batch=True)

    def provider(self) -> Batches:
        return Batches(self._api, f"The judge {self._card.name}", "/v1/chat/completions")

    def body(self, question: Question, image: Image.Image) -> tuple[dict[str, Any], Call]:
        content, call = self._judge.message(question, image)
        told = {"model": self._card.source, "messages": [{"role": "user", "content": content}]}
        return {**told, **self._judge.asks(self._card, question), **self._api.options}, call

    def read(self, question: Question, body: Mapping[str, Any]) -> Verdict:
        chat = require("openai.types.chat", "openai>=2.0", f"The judge {self._card.name}")
        # Not validated, as the client does not validate replies either: they are read with care.
        reply = chat.ChatCompletion.construct(**body)
        return self._judge.paid(question, Answered(reply, Told.read(reply, 1)), self.tariff, Call())


def content_of(question: Question, pictures: Sequence[Image.Image]) -> list[dict[str, Any]]:
    """The message of a question: pictures first, so that a server that keeps what it has read (a prefix
    cache) reads them once for all questions about them."""
    shown = [{"type": "image_url", "image_url": {"url": _uri(p)}} for p in pictures]
    return [*shown, {"type": "text", "text": question.text}]


def _uri(image: Image.Image) -> str:
    png = io.BytesIO()
    # The same pixels in more bytes: at 1024² pixels the usual level takes longer than many an answer.
    image.save(png, format="PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"
