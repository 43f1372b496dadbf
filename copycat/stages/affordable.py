"""Whether a cap on what a run costs can be kept, said before anything is sent."""

from __future__ import annotations

from copycat.cards.judges import JudgeCard
from copycat.cards.metering import check_capped
from copycat.cards.prices import Call
from copycat.config import RunConfig
from copycat.errors import UserError
from copycat.generators.base import CATALOG as GENERATORS
from copycat.judges.base import CATALOG as JUDGES
from copycat.records import Question
from copycat.resolve import ResolvedRun


def check_affordable(run: ResolvedRun) -> None:
    """Raise MissingRequirement where a run has a cap, and a model, judge or filter's judge has no price; of
    language models the plan says it, before it asks any."""
    cap, card = run.config.max_cost, run.card
    check_batches(run.judging.card, run.config)
    if cap is None:
        return
    size = card.sampling.width, card.sampling.height
    check_capped(card, GENERATORS.get(card.kind), card.title, cap, Call(drawn=size))
    check_judge_affordable(run.judging.card, cap, batch=run.config.batch)
    for judge in run.filter_judges():
        # What a filter asks it must know at once, so it asks alone.
        check_judge_affordable(judge, cap)


def check_judge_affordable(card: JudgeCard, cap: float | None, *, batch: bool = False) -> None:
    """The same of one judge, which is asked in batches where it can be with `batch`; of a panel, of its
    members."""
    asked = Question(kind="identify", form="names", request="", file="", sha256="", text="")
    for member in card.asked() if cap is not None else ():
        kind = JUDGES.get(member.kind)
        call = kind.call(member, asked, [(64, 64)])
        check_capped(member, kind, f"The judge {member.name}", cap, call, batch=batch and kind.batches)


def check_batches(card: JudgeCard, config: RunConfig) -> None:
    """Raise UserError where a run is to ask its judge in batches, and that judge, or no member of that panel,
    can be asked so."""
    asked = card.asked()
    if not config.batch or any(m.api and JUDGES.get(m.kind).batches for m in asked):
        return
    why = "runs on this machine" if all(m.api is None for m in asked) else "cannot be asked so"
    raise UserError(
        "--batch sends the questions of a hosted judge in batches of its provider, and the judge "
        f"{card.name} {why}; leave --batch out, or name another judge with --judge."
    )
