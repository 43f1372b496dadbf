"""Whether a judge named a character: its answer, resolved against the registry in this one place."""

from __future__ import annotations

import re
from collections.abc import Iterable

from copycat.records import Answer, Figure, Named, Similarities
from copycat.subjects.characters import Character, Registry
from copycat.subjects.context import Role, role
from copycat.subjects.mentions import is_own_work, mentions, names_of, words


def recognise(answer: Answer, character: Character) -> Role | None:
    """What `answer`, to the question who is shown, says of `character`; None where it says nothing.

    `doubtful` is what reading cannot settle and the question whether it is this character can: a name that is
    a common word, "Mario or Luigi", a work without a figure.
    """
    if isinstance(answer, Similarities):
        return ("shown" if answer.shows(character.slug) else "absent") if answer.finite else None
    if not isinstance(answer, Named):
        return None
    if answer.figures is None:
        return "shown" if any(_stands_in(n, character) for n in answer.names) else "absent"
    found = {_of_figure(f, character) for f in answer.figures}
    best: Role = "shown" if "shown" in found else "doubtful" if "doubtful" in found else "absent"
    return None if best == "absent" and answer.partial else best


def recognised(answer: Answer, registry: Registry) -> dict[str, Role]:
    """The characters of `registry` that `answer` shows or leaves doubtful, by slug."""
    found = {c.slug: recognise(answer, c) for c in registry.characters}
    return {slug: r for slug, r in found.items() if r in ("shown", "doubtful")}


def _stands_in(text: str, character: Character) -> bool:
    alone = Registry("target", 1, [character])
    return bool(alone.mentioned(text))


def _of_figure(figure: Figure, character: Character) -> Role:
    if not figure.name:
        return "doubtful" if is_own_work(figure.work, character) else "absent"
    found = mentions(figure.name, character)
    roles = [role(m) for m in found]
    if "shown" in roles:
        return "shown"
    if "doubtful" in roles:
        sure = any(m.common and m.lower for m in found) and is_own_work(figure.work, character)
        return "shown" if sure else "doubtful"
    return "absent" if found else _of_part(figure, character)


def _of_part(figure: Figure, character: Character) -> Role:
    """What one word of a name is worth: the name where the work fits or the word is no common one."""
    said = words(figure.name)
    parts = names_of(character).parts
    if len(said) != 1 or said[0] not in parts:
        return "absent"
    if figure.work:
        return "shown" if is_own_work(figure.work, character) else "absent"
    return "doubtful" if parts[said[0]] else "shown"
