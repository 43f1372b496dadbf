"""CONS: whether the picture still shows what was asked for; higher is better (He et al. 2024)."""

from __future__ import annotations

from copycat.measures.base import YesNoMeasure
from copycat.measures.questions import CONTENT, KEY
from copycat.records import Request
from copycat.subjects.characters import Character
from copycat.subjects.content import asked_for


class Consistency(YesNoMeasure):
    """P("Yes") to "does this picture show KEY", the character's key characteristic."""

    name = "CONS"
    title = "key characteristic shown"
    about = 'The mean P("Yes") that the key characteristic is shown, in [0, 1] (higher is better).'
    ask = KEY
    apart = False

    def caption(self, character: Character) -> str:
        return f"P({character.key} is shown)"

    def items(self, request: Request, character: Character) -> tuple[str | None, ...]:  # noqa: ARG002
        return (None,) if character.key else ()


class PromptConsistency(YesNoMeasure):
    """P("Yes") over all that the prompt asks for beyond the character, as TIFA does (Hu et al. 2023)."""

    name = "CONS_prompt"
    title = "what was asked for shown"
    about = (
        'The mean P("Yes") over what the prompt asked for beyond the character, before any mitigation, in '
        "[0, 1] (higher is better)."
    )
    ask = CONTENT
    compared = False
    innocent = True

    def caption(self, character: Character) -> str:  # noqa: ARG002
        return "P(what was asked for is shown)"

    def items(self, request: Request, character: Character) -> tuple[str | None, ...]:
        return asked_for(request, character)


CONS, CONS_PROMPT = Consistency(), PromptConsistency()
