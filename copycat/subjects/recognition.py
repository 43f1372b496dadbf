"""Whether a judge named a character: its answer, resolved against the registry in this one place."""

from __future__ import annotations

import re

from copycat.records import Answer, Figure, Named, Similarities
from copycat.subjects.characters import Character, Registry
from copycat.subjects.context import Role, role
from copycat.subjects.mentions import Mention, character_names, is_slip_of, mentions, words
from copycat.subjects.works import is_other_work, is_own_work, is_title


def recognise(answer: Answer, character: Character) -> Role | None:
    """What `answer`, to the question who is shown, says of `character`; None where it says nothing.

    `doubtful` is what reading cannot settle and the question whether it is this character can: a name that is
    a common word, "Mario or Luigi", a work without a figure, a name that others bear beside another's work.
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


def recognised(answer: Answer, registry: Registry) -> dict[str, Role] | None:
    """The characters of `registry` that `answer` shows or leaves doubtful, by slug; None where it says
    nothing of any."""
    roles = {c.slug: recognise(answer, c) for c in registry.characters}
    found: dict[str, Role] = {slug: r for slug, r in roles.items() if r in ("shown", "doubtful")}
    return found if found or "absent" in roles.values() else None


def one_by_one(answer: Answer) -> list[Named]:
    """An answer for each figure that `answer` names, read as that is."""
    if not isinstance(answer, Named):
        return []
    if answer.figures is None:
        return [Named(names=(name,)) for name in answer.names]
    return [Named.of([figure]) for figure in answer.figures]


def _stands_in(text: str, character: Character) -> bool:
    alone = Registry("target", 1, [character])
    return bool(alone.mentioned(text))


def _of_figure(figure: Figure, character: Character) -> Role:
    if not figure.name:
        return "doubtful" if is_own_work(figure.work, character) else "absent"
    if is_title(figure.name, character):
        return "doubtful"
    found = mentions(figure.name, character)
    if any(_in_own_work(m, figure.work, character) for m in found):
        return "shown"
    roles = [_placed(m, figure.work, character) for m in found]
    if "shown" in roles:
        return "shown"
    if "doubtful" in roles:
        return "doubtful"
    return "absent" if found else _of_part(figure, character)


def _placed(m: Mention, work: str, character: Character) -> Role:
    """What the sentence around a name makes of it, and the work that it is told to be from."""
    said = role(m)
    if said != "shown":
        return said
    if _OTHER_WORLD.search(work):
        return "doubtful"
    told = _FROM_TITLE.match(m.after)
    stated = work or (told["work"] if told else "")
    elsewhere = _is_mistakable(m, character) and is_other_work(stated, character)
    return "doubtful" if elsewhere else "shown"


def _is_mistakable(m: Mention, character: Character) -> bool:
    """Whether another figure may well be called so: by a word of the language, or by a single word that is
    not a longer name written as one ("Batman" is "Bat Man")."""
    said = words(m.written)
    return m.common or (len(said) == 1 and said[0] not in character_names(character).glued)


_OTHER_WORLD = re.compile(r"\b(?:mytholog\w+|folklore|bible|history|real life|reality)\b", re.IGNORECASE)
"""Where a figure of the same name is another."""
_LEAD = re.compile(
    r"\b(?:an?|the|one|two|some|this|it|that|is|it's|that's|i|think|character|shows?)\b", re.IGNORECASE
)
_FROM_TITLE = re.compile(
    r"[\"'”’*)]*,?\s+(?:(?:the|an?)\s(?:[\w'’-]+\s){1,4}?)?from\s(?P<work>(?:[\w'’-]+\s){0,3}?[\"“'*]*[A-Z][^.,;:()!?\n]*)"
)
"""Of what a name is told to be at once: "Po from Teletubbies", "Nemo, the captain from …"."""
_FROM = re.compile(r"^\s*(?:,?\s*from|\(|in|of)\s+(.+)", re.IGNORECASE)


def _in_own_work(m: Mention, work: str, character: Character) -> bool:
    """Whether a name that is a common word, and written so, is told to be from the character's work."""
    told = _FROM.match(m.after)
    alone = not re.search(r"\w", _LEAD.sub("", m.before))
    stated = work or (told[1] if told else "")
    return m.common and m.lower and alone and bool(stated) and is_own_work(stated, character)


def _of_part(figure: Figure, character: Character) -> Role:
    """What one word of a name is worth: the name where the work fits or the word is no common one."""
    if is_slip_of(figure.name, character):
        return "shown"
    said = words(figure.name)
    parts = character_names(character).parts
    if len(said) != 1 or said[0] not in parts:
        return "absent"
    if figure.work:
        return "shown" if is_own_work(figure.work, character) else "absent"
    return "doubtful" if parts[said[0]] else "shown"
