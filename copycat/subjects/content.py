"""What a prompt asks for beyond the character, item by item: what CONS_prompt asks a judge about."""

from __future__ import annotations

import re
from collections.abc import Iterable

from copycat.records import Request
from copycat.subjects.characters import Character, normalise

_ARTICLE = r"^(?:an?|the)\s+"


def asked_for(request: Request, character: Character) -> tuple[str, ...]:
    """Visible things that the prompt asked for before any mitigation, each once; empty for a bare name.

    The prompt's own `content` where its row says it. Else what the registry can tell: the figure that the
    rewriter puts in the name's place ("a black bear"), when the prompt says all its words, and the
    distinguishing attributes that have a generic stand-in and stand in the prompt word for word. One without
    (a genre, an emblem) only gives the character away; a guardrail that drops it drops nothing of the user's.
    """
    if request.content:
        return _deduplicate(request.content)
    said = normalise(request.source_prompt)
    figure = re.sub(_ARTICLE, "", character.generic)
    whole = set(normalise(figure).split())
    items = [figure] if whole and whole <= set(said.split()) else []
    items += [a.text for a in character.attributes if a.generic and f" {normalise(a.text)} " in f" {said} "]
    return _deduplicate(items)


def _deduplicate(items: Iterable[str]) -> tuple[str, ...]:
    """Each wish once: "burger" and "a Burger" are one question."""
    wishes: dict[str, str] = {}
    for item in items:
        wishes.setdefault(re.sub(_ARTICLE, "", item.casefold()), item)
    return tuple(wishes.values())
