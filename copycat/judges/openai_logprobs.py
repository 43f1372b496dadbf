"""Vision-language models behind an OpenAI-compatible server that tells token probabilities, as judges.

vLLM and SGLang do, and so score yes-or-no questions as a model in this process does: see docs/servers.md.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from PIL import Image

from copycat.cards.judges import JudgeCard
from copycat.errors import CopycatError, MissingRequirement, UserError
from copycat.io.hosted import Api, check_serving, connect, explain
from copycat.judges.base import unscored
from copycat.judges.first_token import ROUNDING, NoProbabilities, Top, apart, first_token, share
from copycat.judges.openai_chat import ChatInBatches, OpenAIChatJudge, content_of
from copycat.judges.yes_no import MAX_NEW_TOKENS, scored
from copycat.records import Question, Verdict

_TOP = 20
"""Most likely first tokens that a judge is told the probabilities of, unless its card says otherwise."""
_SIDE = 224
"""Pixels of the test pictures, which every processor takes."""


class LogprobsJudge(OpenAIChatJudge):
    """One call a question, without a schema. Yes-or-no questions are answered with one token and scored as
    VQAScore does: P(yes) of the first token, over the spellings of yes that a local judge counts. Who is
    shown is answered in words, within as many tokens as a local judge has.

    A server lists the most likely tokens only (`top_logprobs` of the card, 20 unless it says otherwise). What
    it does not list counts neither as yes nor as no. So P(yes) and P(yes) + P(no) are lower bounds, below the
    truth by what is not listed at most, and a reply of which yes and no hold less than a half is no answer.
    """

    ours = OpenAIChatJudge.ours | {
        *("logprobs", "top_logprobs", "max_tokens", "max_completion_tokens", "temperature", "stream"),
    }

    def __init__(self, card: JudgeCard, device: str) -> None:
        super().__init__(card, device)
        self._probing = threading.Lock()
        self._found: list[UserError | None] = [] if self._api.probe else [None]
        """What was found out of the server, None for nothing bad; empty before it was asked."""

    @classmethod
    def identify(cls, card: JudgeCard) -> str:
        """The card's identity with `logprobs`: scored so, a model answers otherwise than in a schema."""
        number = "" if card.top_logprobs in (None, _TOP) else str(card.top_logprobs)
        return f"{card.identity()}:logprobs{number}"

    @classmethod
    def reach(cls, card: JudgeCard) -> None:
        """Where the card asks to `probe`: raise MissingRequirement for a server that is not there, does not
        serve the model, tells no probabilities of tokens, or takes no pictures."""
        api, who = card.api or Api(), f"The judge {card.name}"
        if not api.probe:
            connect(api, who)
            return
        with cls(card, "cpu") as judge:
            judge._check_server()

    @classmethod
    def asks(cls, card: JudgeCard, question: Question) -> dict[str, Any]:
        if question.form == "names":
            return {"temperature": 0, "max_tokens": MAX_NEW_TOKENS}
        top = card.top_logprobs or _TOP
        return {"temperature": 0, "max_tokens": 1, "logprobs": True, "top_logprobs": top}

    def ask(self, questions: Sequence[Question], images: Sequence[Image.Image]) -> list[Verdict]:
        self._check_once()
        return super().ask(questions, images)

    def in_batches(self) -> ChatInBatches:
        self._check_once()
        return super().in_batches()

    def _read(self, question: Question, choice: Any) -> Verdict:
        if question.form == "names":
            return super()._read(question, choice)
        try:
            top = first_token(choice)
        except NoProbabilities as e:
            raise self._refused(str(e)) from e
        except ValueError as e:
            return unscored(question, self.identity, str(e))
        return scored(question, self.identity, share(top, "yes"), share(top, "no"))

    def _check_once(self) -> None:
        """Check the server before the first question; raises the same for every later one."""
        with self._probing:
            if not self._found:
                self._found.append(self._fault())
            (fault,) = self._found
        if fault is not None:
            raise fault

    def _fault(self) -> UserError | None:
        try:
            self._check_server()
        except UserError as e:
            return e
        return None

    def _check_server(self) -> None:
        """Ask for the models served, for the probabilities of an answer, and about pictures of two colours.

        A server that ignores pictures answers alike about both. Rounding may differ from call to call, so
        the first is shown again, and the two must be further apart than that.
        """
        who = f"The judge {self._card.name}"
        check_serving(self._api, self._card.source, who)
        try:
            self._probe([])
        except NoProbabilities as e:
            raise self._refused(str(e)) from e
        except CopycatError:
            raise
        except Exception as e:
            raise self._refused(explain(e)) from e
        red, blue = (Image.new("RGB", (_SIDE, _SIDE), colour) for colour in ("red", "blue"))
        try:
            first, other, again = (self._probe([shown]) for shown in (red, blue, red))
        except CopycatError:
            raise
        except Exception as e:
            raise MissingRequirement(
                f"{who} does not take pictures ({explain(e)}); a judge is a vision-language model, so serve "
                "one, and let it have as many pictures as it is shown (docs/servers.md)."
            ) from e
        if apart(first, other) <= 2 * apart(first, again) + ROUNDING:
            raise MissingRequirement(
                f"{who} does not look at pictures: {self._card.source} at {self._api.base_url} answers alike "
                "about a red and a blue one; a judge is a vision-language model, so serve one "
                "(docs/servers.md)."
            )

    def _probe(self, pictures: Sequence[Image.Image]) -> Top:
        """The most likely first tokens of an answer about `pictures`."""
        question = Question(
            kind="probe", form="yes_no", request="", file="", sha256="",
            text="Is this picture entirely red? Answer Yes or No.",
        )  # fmt: skip
        content = content_of(question, pictures)
        call = self.call(self._card, question, [p.size for p in pictures])
        reply: Any = self._calls.call(lambda: self._ask(question, content), call).reply
        return first_token(reply.choices[0])

    def _refused(self, why: str) -> MissingRequirement:
        return MissingRequirement(
            f"The judge {self._card.name} scores by the probabilities of tokens, and its server did not give "
            f"them ({why.rstrip('.')}); start one that gives {self._card.top_logprobs or _TOP} of them "
            "(docs/servers.md), or make it a judge of `kind: openai-chat`, which needs none. What is "
            "finished is kept."
        )
