"""Vision-language models behind the OpenAI chat API (`/chat/completions`) as judges."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any, Literal

from PIL import Image
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from copycat.cards.judges import JudgeCard
from copycat.io.hosted import Api, Calls, check_options, connect, explain, stop_if_not_retryable
from copycat.judges.base import Judge, unscored, verdict
from copycat.judges.references import open_reference
from copycat.judges.replies import evades, parse_names, the_object
from copycat.records import Named, Question, Verdict, YesNo

_OURS = frozenset({"model", "messages", "response_format"})


class _Names(BaseModel):
    # Strict for the provider; a reply with more keys than were asked for is read all the same.
    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})
    names: list[str]


class _Answer(BaseModel):
    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})
    answer: Literal["yes", "no"]

    @field_validator("answer", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return value.strip(" .!").lower() if isinstance(value, str) else value


class OpenAIChatJudge(Judge):
    """One call a question, `batch_size` at a time; replies are JSON of a fixed schema.

    Yes-or-no questions score 1 for yes and 0 for no: hosted models rarely give the probabilities that
    VQAScore needs, so their CONS is a share of pictures and coarser than a local judge's.
    """

    shows_references = True

    def __init__(self, card: JudgeCard, device: str) -> None:  # noqa: ARG002  runs elsewhere
        self.identity, self.batch_size = card.identity(), card.batch_size
        self._card, self._api = card, card.api or Api()
        check_options(self._api, _OURS, card.name)
        self._client = connect(self._api, f"The judge {card.name}")
        self._calls = Calls(card.batch_size)

    def ask(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> list[Verdict]:
        asked = list(zip(questions, images, strict=True))
        return self._calls.map(self._one, asked, lambda a, why: unscored(a[0], self.identity, why))

    def _one(self, asked: tuple[Question, Image.Image]) -> Verdict:
        question, image = asked
        shape: type[BaseModel] = _Names if question.form == "names" else _Answer
        call: Any = self._client.chat.completions.create
        try:
            reply = call(
                model=self._card.source,
                messages=[{"role": "user", "content": _content(question, image)}],
                response_format={
                    "type": "json_schema",
                    "json_schema": {
                        "name": question.kind,
                        "strict": True,
                        "schema": shape.model_json_schema(),
                    },
                },
                **self._api.options,
            )
            message = reply.choices[0].message
        except Exception as e:  # noqa: BLE001  whatever an API does becomes a row
            stop_if_not_retryable(e, f"The judge {self._card.name}")
            return unscored(question, self.identity, explain(e))
        if getattr(message, "refusal", None):
            return unscored(question, self.identity, f"the judge refused: {message.refusal}")
        return self._read(question, message.content or "")

    def _read(self, question: Question, reply: str) -> Verdict:
        try:
            said = the_object(reply)
            if question.form == "names":
                given = _Names.model_validate(said).names
                names = tuple(n for part in given for n in parse_names(part))
                if not names and any(map(evades, given)):
                    raise ValueError("neither a name nor None")
                return verdict(question, self.identity, Named(names=names), reply)
            yes = _Answer.model_validate(said).answer == "yes"
        except ValueError as e:
            why = e.errors()[0]["msg"] if isinstance(e, ValidationError) else str(e)
            reason = f"the reply is not what was asked for ({why})"
            return unscored(question, self.identity, reason, reply)
        return verdict(question, self.identity, YesNo(p_yes=float(yes)), reply)


def _content(question: Question, image: Image.Image) -> list[dict[str, Any]]:
    pictures = [*map(open_reference, question.references), image]
    shown = [{"type": "image_url", "image_url": {"url": _uri(p)}} for p in pictures]
    return [*shown, {"type": "text", "text": question.text}]


def _uri(image: Image.Image) -> str:
    png = io.BytesIO()
    image.save(png, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"
