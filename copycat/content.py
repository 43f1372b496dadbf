"""What a prompt asks for beyond the character, item by item: what CONS_prompt asks a judge about."""

from __future__ import annotations

import re
from collections.abc import Iterable

from copycat.characters import Character, normalise
from copycat.records import Request

_ARTICLE = r"^(?:an?|the)\s+"


def asked_for(request: Request, character: Character) -> tuple[str, ...]:
    """Visible things that the prompt asked for before any mitigation, each once; empty for a bare name.

    The prompt's own `content` where its row says it. Else what the registry can tell: the figure that the
    rewriter puts in the name's place ("a black bear"), when the prompt says all its words, and the marks
    that have a generic stand-in and stand in the prompt word for word. A mark without one (a genre, an
    emblem) is a give-away and no wish; a guardrail that drops it drops nothing of the user's.
    """
    if request.content:
        return _once(request.content)
    said = normalise(request.source_prompt)
    figure = re.sub(_ARTICLE, "", character.generic)
    whole = set(normalise(figure).split())
    items = [figure] if whole and whole <= set(said.split()) else []
    items += [m.text for m in character.marks if m.generic and f" {normalise(m.text)} " in f" {said} "]
    return _once(items)


def _once(items: Iterable[str]) -> tuple[str, ...]:
    """Each wish once: "burger" and "a Burger" are one question."""
    wishes: dict[str, str] = {}
    for item in items:
        wishes.setdefault(re.sub(_ARTICLE, "", item.casefold()), item)
    return tuple(wishes.values())
