"""What is to be erased, and what is to stay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from copycat.errors import UserError
from copycat.records import Row
from copycat.subjects.characters import Character, Registry
from copycat.subjects.prompts import load_prompts

Preserved = Literal["generic", "others", "nothing"]
"""What is kept explicitly: the generic nouns of the registry's characters, the names of those that are not
erased as well, or nothing."""


class Concept(Row):
    """One thing to erase."""

    slug: str
    """Of the character."""
    prompts: tuple[str, ...]
    """What asks for it: its name first, then its other names, then other prompts that are to be erased."""
    anchor: str
    """What a model is to make of these prompts, for methods that put something in the place of a concept:
    the character's generic noun."""

    @property
    def name(self) -> str:
        """The prompt that methods which erase one prompt are given."""
        return self.prompts[0]


class ErasureTask(Row):
    """Concepts that are erased together, and prompts whose pictures are to stay as they are."""

    erased: tuple[Concept, ...]
    preserved: tuple[str, ...] = ()


def erasure_task(
    registry: Registry,
    erased: Sequence[Character],
    preserved: Preserved = "generic",
    sets: Sequence[str] = (),
) -> ErasureTask:
    """The task of erasing these characters of `registry`, by name and by the prompts for them in `sets`.

    Raises UserError for none, for a character without a generic noun that could take its place, and for a
    prompt set that the registry does not have.
    """
    if not erased:
        raise UserError("There is no character to erase; name some with characters=SLUG;SLUG.")
    bare = next((c for c in erased if not c.generic), None)
    if bare:
        raise UserError(f"{bare.name} has no generic noun (`generic` in its registry) to put in its place.")
    gone = {c.slug for c in erased}
    kept: Iterable[str] = ()
    if preserved != "nothing":
        kept = [c.generic for c in registry.characters if c.generic]
    if preserved == "others":
        kept = [*kept, *(c.name for c in registry.characters if c.slug not in gone)]
    asking: dict[str, list[str]] = {c.slug: [c.name, *c.aliases] for c in erased}
    for prompt in (p for name in sets for p in load_prompts(name, registry.name) if p.character in gone):
        asking[prompt.character].append(prompt.text)
    return ErasureTask(
        erased=tuple(
            Concept(slug=c.slug, prompts=tuple(dict.fromkeys(asking[c.slug])), anchor=c.generic)
            for c in erased
        ),
        preserved=tuple(dict.fromkeys(kept)),
    )


def chosen(registry: Registry, names: str, otherwise: Sequence[Character]) -> list[Character]:
    """The characters that `names` lists, separated by semicolons, or else `otherwise`. Raises UnknownName for
    one that `registry` does not have."""
    found = [registry.find(name.strip()) for name in names.split(";") if name.strip()]
    return found or list(otherwise)
