"""The probabilities that a server of the OpenAI chat API tells for the first token of an answer."""

from __future__ import annotations

import math
from typing import Any

from copycat.judges.yes_no import spellings

ROUNDING = 1e-3
"""What probabilities may sum to above 1, and log probabilities differ by, where nothing tells how much a
server rounds."""
_SPACES = (" ", "▁", "Ġ")
"""How a space before a word is written: as itself, and in the vocabularies of SentencePiece and of BPE."""

Top = dict[str, float]
"""P(token) in [0, 1] of the most likely first tokens, by the text that a token stands for."""


class NoProbabilities(Exception):
    """A reply that holds no probabilities of tokens."""


def first_token(choice: Any) -> Top:
    """P(token) of the tokens that `choice`, of a chat completion, lists for the first place of the answer.

    Raises NoProbabilities where it lists none, and ValueError for an empty answer and for numbers that are no
    probabilities.
    """
    content = getattr(getattr(choice, "logprobs", None), "content", None)
    if not isinstance(content, list):
        raise NoProbabilities("the reply has no `logprobs`")
    if not content:
        raise ValueError("the answer is empty")
    listed = getattr(content[0], "top_logprobs", None)
    if not isinstance(listed, list) or not listed:
        raise NoProbabilities("the reply has no `top_logprobs`")
    found: Top = {}
    for token in listed:
        text, p = _text(token), _probability(getattr(token, "logprob", None))
        # Several tokens may stand for one text.
        found[text] = found.get(text, 0.0) + p
    if sum(found.values()) > 1 + ROUNDING:
        raise ValueError("the probabilities of tokens that the server gives sum to more than 1")
    return found


def share(top: Top, word: str) -> float:
    """P(`word`), which is `yes` or `no`: of all its spellings that are listed, alone or after one space."""
    return sum(top.get(space + s, 0.0) for space in ("", *_SPACES) for s in spellings(word))


def apart(one: Top, other: Top) -> float:
    """The largest difference of log probabilities among the tokens that both list; infinite for none."""
    both = [t for t in one.keys() & other.keys() if one[t] > 0 and other[t] > 0]
    return max((abs(math.log(one[t] / other[t])) for t in both), default=math.inf)


def _text(token: Any) -> str:
    """What a token stands for: its bytes where they are text, else as the server writes it."""
    sent = getattr(token, "bytes", None)
    if isinstance(sent, list) and sent:
        try:
            return bytes(sent).decode("utf-8")
        except (ValueError, TypeError):
            pass  # part of a letter, or no bytes
    text = getattr(token, "token", None)
    return text if isinstance(text, str) else ""


def _probability(logprob: object) -> float:
    if isinstance(logprob, bool) or not isinstance(logprob, int | float) or not logprob <= ROUNDING:
        raise ValueError(f"the server gives a log probability that is none ({str(logprob)[:40]})")
    return math.exp(min(logprob, 0.0))
