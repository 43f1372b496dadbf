"""Whether a cap on what a run costs can be kept, said before anything is sent."""

from __future__ import annotations

from copycat.cards.judges import JudgeCard
from copycat.cards.metering import check_capped
from copycat.cards.prices import Call
from copycat.errors import UserError
from copycat.generators.base import CATALOG as GENERATORS
from copycat.judges.base import CATALOG as JUDGES
from copycat.records import Question
from copycat.resolve import ResolvedRun


def check_affordable(run: ResolvedRun) -> None:
    """Raise MissingRequirement where a run has a cap, and a model, judge or filter's judge has no price; of
    language models the plan says it, before it asks any."""
    cap, card = run.config.max_cost, run.card
    check_batches(run)
    if cap is None:
        return
    call = Call(drawn=(card.sampling.width, card.sampling.height))
    kind = GENERATORS.get(card.kind)
    # Also alone, as what a batch fails to draw and what a filter draws again is asked for.
    for batch in (False, True) if run.config.batch and kind.batches else (False,):
        check_capped(card, kind, card.title, cap, call, batch=batch)
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


def check_batches(run: ResolvedRun) -> None:
    """Raise UserError where a run is to send calls in batches, and neither its model nor its judge can be
    asked so."""
    model = run.card
    if run.config.batch and not (model.api and GENERATORS.get(model.kind).batches):
        check_judge_batches(
            run.judging.card, f"neither {model.title} nor the judge {run.judging.card.name} can"
        )


def check_judge_batches(card: JudgeCard, who: str = "") -> None:
    """Raise UserError where that judge, or every member of that panel, cannot be asked in batches; `who` says
    who cannot, where it is not the judge alone."""
    if any(m.api and JUDGES.get(m.kind).batches for m in card.asked()):
        return
    raise UserError(
        "--batch sends calls to a hosted model or judge in batches of its provider, and "
        f"{who or f'the judge {card.name} cannot'} be asked so; leave --batch out."
    )
