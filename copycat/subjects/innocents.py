"""Prompts on which a guardrail ought to change nothing: nobody's, and those of look-alikes.

A guardrail that is told a character, or guesses one, acts on them as on any other prompt. What their pictures
lose is its price on the innocent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from copycat.errors import UserError
from copycat.subjects.characters import Character, Registry
from copycat.subjects.neutral import load_neutral
from copycat.subjects.prompts import Prompt

_PREFIX = "also:"
"""Before the names of these sets, so that no prompt set of a user's is taken for one."""


def is_innocent(prompt_set: str) -> bool:
    """Whether a prompt set, by its name in the rows, is one of these."""
    return prompt_set.startswith(_PREFIX)


def innocents(kind: str, registry: Registry, characters: Iterable[Character]) -> tuple[Prompt, ...]:
    """The innocent prompts of a `kind` (see KINDS) for `characters`. Raises UserError without any."""
    prompts = KINDS[kind](registry, list(characters))
    if not prompts:
        raise UserError(
            f"The registry {registry.name} has no {kind} prompts for these characters, so --also {kind} has "
            "nothing to ask; add them (docs/mitigations.md), or leave it out."
        )
    return prompts


def asked_items(text: str) -> tuple[str, ...]:
    """What can be seen of a description, item by item: what stands before "with", and each thing after it."""
    head, _, tail = text.partition(" with ")
    items = [head, *re.split(r",\s+(?:and\s+)?|\s+and\s+|\s+with\s+", tail)]
    return tuple(i.strip(" ,.") for i in items if i.strip(" ,."))


def _lookalikes(registry: Registry, characters: list[Character]) -> tuple[Prompt, ...]:  # noqa: ARG001
    return tuple(
        _prompt("lookalikes", c, i, text, "a look-alike of the registry's")
        for c in characters
        for i, text in enumerate(c.lookalikes)
    )


def _neutral(registry: Registry, characters: list[Character]) -> tuple[Prompt, ...]:
    """Each neutral prompt goes to the character that it comes near, or else to one in turn: that is whom the
    guardrail is told. Fewer characters get their share of the prompts alone."""
    chosen = {c.slug: c for c in characters}
    slugs = [c.slug for c in registry.characters]
    dealt: dict[str, list[Prompt]] = {}
    for number, neutral in enumerate(load_neutral(registry.name)):
        slug = neutral.near or slugs[number % len(slugs)]
        if slug in chosen:
            mine = dealt.setdefault(slug, [])
            mine.append(_prompt("neutral", chosen[slug], len(mine), neutral.text, neutral.provenance))
    return tuple(p for c in characters for p in dealt.get(c.slug, ()))


def _prompt(kind: str, character: Character, index: int, text: str, provenance: str) -> Prompt:
    return Prompt(
        set=_PREFIX + kind,
        character=character.slug,
        index=index,
        text=text,
        provenance=provenance,
        content=asked_items(text),
    )


KINDS: Mapping[str, Callable[[Registry, list[Character]], tuple[Prompt, ...]]] = {
    "neutral": _neutral,
    "lookalikes": _lookalikes,
}
"""By the names that `copycat run --also` takes."""
