"""Entering a hosted model's calls in a run's ledger, each with its price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from copycat.cards.prices import Call, Tariff, tariff
from copycat.cards.weights import Card
from copycat.errors import MissingRequirement
from copycat.io.hosted import Failure, Meter, Told
from copycat.io.ledger import Ledger, Ticket, What, check_cap
from copycat.records import Usage


def usage_of(told: Told | None) -> Usage | None:
    """What a provider said of an answer, as rows keep it; None where it said nothing."""
    if told is None:
        return None
    found = Usage(
        tokens_in=told.input_tokens,
        tokens_cached=told.cached_tokens or None,
        tokens_out=told.output_tokens,
        model=told.model,
        finish_reason=told.finish_reason,
    )
    return None if found == Usage() else found


@dataclass(frozen=True)
class _Entered:
    """An attempt that is under way."""

    call: Call | None
    entered: Ticket


class LedgerMeter(Meter):
    """Enters every attempt of a model's calls in a ledger: with the most that it can cost before it is sent,
    and with what it did cost afterwards."""

    def __init__(self, found: Tariff, what: What, ledger: Ledger) -> None:
        self._tariff, self._what, self._ledger = found, what, ledger

    def before(self, estimate: object) -> object:
        """Raises MissingRequirement where the call could pass the cap, and nothing is sent then."""
        call = estimate if isinstance(estimate, Call) else None
        most = None if call is None else self._tariff.most(call)
        return _Entered(call, self._ledger.begin(self._tariff.who, self._what, most))

    def after(self, ticket: object, told: Told | None, failure: Failure | None) -> None:
        if not isinstance(ticket, _Entered):
            raise TypeError("the ticket is not one of this meter")
        try:
            if told is not None:
                usage = usage_of(told)
                ticket.entered.settle(self._tariff.cost(usage, ticket.call or Call()), usage)
            elif failure is not None and not failure.perhaps_billed:
                ticket.entered.free()
        finally:
            self._ledger.end(ticket.entered)


class Charging:
    """What may call a hosted model, and enters its calls in the ledger that it is given."""

    charges: ClassVar[bool] = False
    """Whether it enters every attempt of every call, so that a cap is kept."""

    def charge(self, ledger: Ledger) -> None:
        """Enter the calls from now on in `ledger`; a model on this machine has none."""


def check_capped(
    card: Card, kind: type[Charging], who: str, cap: float | None, call: Call, *, batch: bool = False
) -> None:
    """Raise MissingRequirement where no cap can be kept with the hosted model of `card`, which is of `kind`:
    `call` is one of those that it will get, alone or in a `batch`. UserError for a cap that is none. Nothing
    is sent."""
    check_cap(cap)
    if cap is None or card.api is None:
        return
    if not kind.charges:
        raise MissingRequirement(
            f"{who} is called by a package that does not tell what it spends, so --max-cost {cap:g} cannot "
            "be kept; leave --max-cost out, or take another model."
        )
    found = tariff(card, batch=batch)
    if found.most(call) is not None:
        return
    if found.unpriced:
        raise MissingRequirement(
            f"The card of {who} sets {', '.join(found.unpriced)}, which may change what a call costs, so "
            f"--max-cost {cap:g} cannot be kept; say in the card what one costs at most "
            "(`api: {ceiling_usd: …}`), remove the option, or leave --max-cost out."
        )
    sent = " in a batch" if batch else ""
    raise MissingRequirement(
        f"What a call of {who}{sent} costs at most is not known, so --max-cost {cap:g} cannot be kept; "
        "say it in its card (`api: {price_usd: …}` of each call, or `ceiling_usd`; of a judge that is paid "
        "by tokens `max_completion_tokens` among its options), or leave --max-cost out. See docs/costs.md."
    )
