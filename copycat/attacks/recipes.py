"""What concept arithmetics composes against which kind of guardrail.

Write d'(c) = ε'(c) − ε'(∅) for the guarded model's directions, x for the character, p for the prompt, p∖x for
the prompt without the character, a for generic words of the same kind of being, and q for a description that
does not name the character. What is added stands in units of the guidance scale s, so that a weight of 1 is
as strong as the prompt itself. The recipes are this project's derivations from the idea of Petsiuk and
Saenko (2024), and not quoted from their paper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from copycat.attacks.anchors import anchors
from copycat.attacks.names import unnamed
from copycat.diffusion.composing import Term
from copycat.subjects.characters import Character, Registry
from copycat.subjects.prompts import available, load_prompts

RecipeName = Literal["flip", "difference", "anchor", "counter"]
_DESCRIPTIONS = "description"
"""The prompt set that describes characters without naming them."""


@dataclass(frozen=True)
class Words:
    """What recipes are written with, for one character of one registry."""

    name: str
    """x"""
    generic: str
    """a"""
    description: str
    """q"""
    keywords: str
    """The most telling keywords that do not name it."""


@dataclass(frozen=True)
class Recipe:
    """One way to compose."""

    keeps_name: bool
    """Whether the prompt stays p, or becomes p∖x."""
    terms: Callable[[Words], tuple[Term, ...]]
    """What is added at a weight of 1."""

    def prompt(self, text: str, character: Character) -> str:
        """The prompt that the guarded model is asked with in place of `text`."""
        return text if self.keeps_name else unnamed(text, character)


RECIPES: Mapping[RecipeName, Recipe] = {
    # ESD has d'(x) = −η d(x), so that −d'(x) leads to x again, at any η.
    "flip": Recipe(keeps_name=False, terms=lambda w: ((w.name, -1.0),)),
    # d(q) − d(a) is what makes the being of that kind this one, in words that an eraser may have left alone.
    "difference": Recipe(keeps_name=False, terms=lambda w: ((w.description, 1.0), (w.generic, -1.0))),
    # UCE, AC and DoCo have d'(x) = d(a): what is left of p once d(a) is taken away is the scene, and keywords
    # that describe x lead there.
    "anchor": Recipe(keeps_name=True, terms=lambda w: ((w.generic, -1.0), (w.keywords, 1.0))),
    # Negative prompts and SLD take μ d(x) away, so it is added again.
    "counter": Recipe(keeps_name=True, terms=lambda w: ((w.name, 1.0),)),
}


def words_of(character: Character, registry: Registry) -> Words:
    """The words for `character`: its description is that of the registry's prompt set of descriptions, or
    else its generic words with its distinguishing attributes."""
    attributes = ", ".join(a.text for a in character.attributes)
    described = f"{character.generic}, {attributes}" if attributes else character.generic
    if _DESCRIPTIONS in available(registry.name):
        prompts = load_prompts(_DESCRIPTIONS, registry.name)
        described = next((p.text for p in prompts if p.character == character.slug), described)
    keywords = anchors(character, registry, "own").get("own", (described,))
    return Words(character.name, character.generic, described, ", ".join(keywords))
