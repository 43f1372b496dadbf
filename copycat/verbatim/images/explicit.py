"""How explicit a prompt is: whether it names the character, describes it, or says generic words."""

from __future__ import annotations

from copycat.records import Request
from copycat.subjects.characters import Character, Registry, normalise

NAME, DESCRIPTION, GENERIC = "name", "description", "generic words"
KINDS = (NAME, DESCRIPTION, GENERIC)
"""Most explicit first."""
ABOUT = (
    "A prompt is a name where it names the character; a description where it says half of the character's "
    "distinguishing attributes, or 12 words and more; else generic words, a misspelt name among "
    "them. It is the prompt before any mitigation."
)
_WORDS = 12


def explicitness(request: Request, registry: Registry) -> str:
    """One of KINDS, of the prompt as the user asked, before any mitigation."""
    text = request.source_prompt
    if request.character in registry.mentioned(text):
        return NAME
    words = normalise(text).split()
    said = _said(words, registry[request.character])
    return DESCRIPTION if said or len(words) >= _WORDS else GENERIC


def _said(words: list[str], character: Character) -> bool:
    """Whether half of the attributes stand in the prompt, or more."""
    whole = f" {' '.join(words)} "
    found = sum(f" {normalise(a.text)} " in whole for a in character.attributes)
    return bool(character.attributes) and 2 * found >= len(character.attributes)
