"""Whether a cap on what a run costs can be kept, said before anything is sent."""

from __future__ import annotations

from copycat.cards.judges import JudgeCard
from copycat.cards.metering import check_capped
from copycat.cards.prices import Call
from copycat.generators.base import CATALOG as GENERATORS
from copycat.judges.base import CATALOG as JUDGES
from copycat.records import Question
from copycat.resolve import ResolvedRun


def check_affordable(run: ResolvedRun) -> None:
    """Raise MissingRequirement where a run has a cap, and a model, judge or filter's judge has no price; of
    language models the plan says it, before it asks any."""
    cap, card = run.config.max_cost, run.card
    if cap is None:
        return
    size = card.sampling.width, card.sampling.height
    check_capped(card, GENERATORS.get(card.kind), card.title, cap, Call(drawn=size))
    for judge in (run.judging.card, *run.filter_judges()):
        check_judge_affordable(judge, cap)


def check_judge_affordable(card: JudgeCard, cap: float | None) -> None:
    """The same of one judge; of a panel, of its members."""
    asked = Question(kind="identify", form="names", request="", file="", sha256="", text="")
    for member in card.asked() if cap is not None else ():
        kind = JUDGES.get(member.kind)
        check_capped(member, kind, f"The judge {member.name}", cap, kind.call(member, asked, [(64, 64)]))
