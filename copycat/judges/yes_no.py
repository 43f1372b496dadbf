"""Yes-or-no questions by the probability of the first token of the answer, as VQAScore asks them (Lin et al.
2024): what counts as yes or no, and when a reply counts as an answer."""

from __future__ import annotations

from copycat.judges.base import unscored, verdict
from copycat.records import Question, Verdict, YesNo

MIN_ANSWER_PROBABILITY = 0.5
"""Least P(yes) + P(no) for which a reply counts as an answer."""
MAX_NEW_TOKENS = 96
"""Most tokens of an answer in words: enough for a name and a work, or for two sentences."""


def spellings(word: str) -> frozenset[str]:
    """How `word` (`yes` or `no`) may be spelled as a token, but for a space before it."""
    return frozenset({word, word.capitalize(), word.upper()})


def scored(question: Question, judge: str, yes: float, no: float) -> Verdict:
    """The verdict of a judge whose first token is a yes with the probability `yes` and a no with `no`, both
    in [0, 1]; unscored where they hold too little together, or are no numbers."""
    answered = yes + no
    if not answered >= MIN_ANSWER_PROBABILITY:  # also true of NaN
        reason = f"not an answer: yes and no hold {answered:.2f} of the probability"
        return unscored(question, judge, reason)
    answer = YesNo(p_yes=min(yes, 1.0), answer_probability=min(answered, 1.0))
    return verdict(question, judge, answer)
