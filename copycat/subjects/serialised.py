"""Characters as text, each written out once: by it what was worked out about one is found again."""

from __future__ import annotations

from functools import lru_cache

from copycat.subjects.characters import Character


class _Itself:
    """A character as a key: the very object, since what makes them equal cannot be hashed."""

    def __init__(self, character: Character) -> None:
        self.character = character

    def __hash__(self) -> int:
        return id(self.character)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and other.character is self.character


def serialised(character: Character) -> str:
    """All that the registry says of `character`, as JSON; the same text for equal characters."""
    return _serialised(_Itself(character))


@lru_cache(maxsize=4096)
def _serialised(key: _Itself) -> str:
    # What is kept holds the object, so no other one can have its place in memory meanwhile.
    return key.character.model_dump_json()
