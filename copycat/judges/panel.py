"""Several judges as one: their votes, and the rule that makes one answer of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, median_low

from PIL.Image import Image

from copycat.cards.judges import JudgeCard, Vote
from copycat.errors import BadFile
from copycat.judges.base import CATALOG, Judge, answers, identify, load_judge, unscored, verdict
from copycat.records import (
    Answer,
    Figure,
    Named,
    Question,
    Similarities,
    Unscored,
    Verdict,
    YesNo,
    digest,
    graded,
)
from copycat.subjects.characters import Registry, normalise
from copycat.subjects.recognition import one_by_one, recognised

RULES: dict[Vote, Callable[[Sequence[float]], float]] = {
    "majority": median_low,
    "any": max,
    "all": min,
    "mean": fmean,
}
"""From the members' numbers in [0, 1] to the panel's.

Whatever the threshold, the low median is above it exactly when more than half of the members are, the
greatest when any is, the least when all are; so the panel keeps graded scores, and thresholds as its
members would have voted.
"""


def vote(
    question: Question,
    panel: str,
    rule: Vote,
    ballots: Sequence[Verdict],
    registry: Registry | None = None,
) -> Verdict:
    """The panel's verdict, among the members that answered; `unscored` when none did.

    A name counts when `rule` over "gave it" (1 or 0) is above a half. Names are the same when `registry`
    knows them for the same character, or else when they read the same. Who leaves one open has no vote.
    """
    heard = [b for b in ballots if b.scored]
    if not heard:
        reasons = [f"{b.judge}: {b.answer.reason}" for b in ballots if isinstance(b.answer, Unscored)]
        why = "; ".join(reasons) or "it was not asked"
        return unscored(question, panel, f"no member answered ({why})")
    decide = RULES[rule]
    voters = tuple(b.judge for b in heard)
    if question.form == "names":
        return verdict(question, panel, _named([b.answer for b in heard], decide, registry), voters=voters)
    scores = [graded(b.answer, question.character) for b in heard]
    answer = YesNo(p_yes=decide([s for s in scores if s is not None]))
    return verdict(question, panel, answer, voters=voters)


def _named(
    answers: Sequence[Answer], decide: Callable[[Sequence[float]], float], registry: Registry | None
) -> Named:
    """Who is shown, by the members' answers. A member that leaves a character doubtful has no vote about it,
    nor has one whose reply was broken off before it; without any vote the panel leaves it doubtful too."""
    given = [_votes(a, registry) for a in answers]
    closed = [not (isinstance(a, Named) and a.partial) for a in answers]
    figures = []
    for key in dict.fromkeys(key for votes in given for key in votes):
        told = [v[key] for v in given if key in v]
        shown = [figure for figure, sure in told if sure]
        votes = [1.0] * len(shown) + [0.0 for v, c in zip(given, closed, strict=True) if c and key not in v]
        if not votes or decide(votes) > 0.5:
            figures.append((shown or [figure for figure, _ in told])[-1])
    return Named.of(figures)


def _votes(answer: Answer, registry: Registry | None) -> dict[str, tuple[Figure, bool]]:
    """Who was named, each once, and whether surely: by slug where the registry knows the name, else by its
    letters."""
    if isinstance(answer, Similarities):
        shown = filter(answer.shows, answer.similarities)
        return {slug: (Figure(name=registry[slug].name if registry else slug), True) for slug in shown}
    found: dict[str, tuple[Figure, bool]] = {}
    for alone in one_by_one(answer):
        known = (recognised(alone, registry) if registry else None) or {}
        (figure,) = alone.figures or (Figure(name=alone.names[0]),)
        for slug, role in known.items():
            # What leaves it open is kept as it was told, so that it leaves it open again.
            sure = role == "shown"
            if sure or slug not in found:
                found[slug] = (Figure(name=registry[slug].name) if registry and sure else figure, sure)
        if not known:
            found[normalise(figure.name)] = (figure, True)
    return found


class Panel(Judge):
    """The members of a card, all loaded and asked in turn.

    `copycat judge` asks them one after another instead, so that only one is in memory and what a member
    has answered already is not asked again; both come to the same verdicts.
    """

    def __init__(self, card: JudgeCard, device: str) -> None:
        self.identity, self._vote = self.identify(card), card.vote
        self._members = [(m, load_judge(m, device)) for m in card.asked()]
        self.batch_size = max(m.batch_size for _, m in self._members)

    @classmethod
    def identify(cls, card: JudgeCard) -> str:
        members = [identify(m) for m in card.asked()]
        return f"{card.name}@{digest({'vote': card.vote, 'members': members})[:12]}"

    @classmethod
    def answers(cls, card: JudgeCard) -> frozenset[str] | None:
        known = [CATALOG.get(m.kind).answers(m) for m in card.asked()]
        return None if None in known else frozenset().union(*(k for k in known if k is not None))

    @classmethod
    def check(cls, card: JudgeCard) -> None:
        if len(set(card.members)) < 2 or len(set(card.members)) < len(card.members):
            raise BadFile(f"The panel {card.name} needs two or more different `members`.")

    def ask(self, questions: Sequence[Question], images: Sequence[Image]) -> list[Verdict]:
        ballots: list[list[Verdict]] = [[] for _ in questions]
        for card, member in self._members:
            mine = [i for i, q in enumerate(questions) if answers(card, q.kind)]
            said = member.ask([questions[i] for i in mine], [images[i] for i in mine]) if mine else []
            for i, v in zip(mine, said, strict=True):
                ballots[i].append(v)
        return [vote(q, self.identity, self._vote, b) for q, b in zip(questions, ballots, strict=True)]
