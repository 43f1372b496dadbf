"""From what the user names to a model: a card, a folder, or a repository of the hub."""

from __future__ import annotations

import re

from copycat.cards.llms import CATALOG, LLMCard, load_llm_card
from copycat.io.paths import expand
from copycat.verbatim.text.writers.base import Writer

_HUB = re.compile(r"[a-zA-Z0-9][\w.-]*/[\w.-]+(@[\w./-]+)?")


def card_of(model: str) -> LLMCard:
    """The card of that name, or one made for a folder or for `owner/name@revision` on the hub. Raises
    UnknownName for anything else."""
    if model not in CATALOG.names() and not expand(model).exists() and _HUB.fullmatch(model):
        source, _, revision = model.partition("@")
        return LLMCard(name=source.rpartition("/")[2], source=source, revision=revision or "main")
    return load_llm_card(model)


def open_writer(card: LLMCard, device: str) -> Writer:
    """The model of `card`, on `device` (resolved, not `auto`) where it runs here."""
    if card.api is not None:
        from copycat.verbatim.text.writers.hosted import HostedWriter

        return HostedWriter(card)
    from copycat.verbatim.text.writers.local import LocalWriter

    return LocalWriter(card, device)
