"""Which of a table's conditions can be asked for here."""

from __future__ import annotations

from collections import Counter

from copycat.errors import UserError
from copycat.mitigations import RunContext, parse
from copycat.paper.published import Place
from copycat.subjects.characters import Registry


class Usable:
    """Whether a place's mitigation can act on the characters of `registry`; with None, whether it exists."""

    def __init__(self, registry: Registry | None) -> None:
        self._registry = registry
        self.lacking: dict[str, str] = {}
        """Why, by mitigation, for those that were found to lack something."""

    def __call__(self, place: Place) -> bool:
        try:
            parsed = parse(place.mitigation)
            if self._registry is not None:
                parsed.bind(RunContext(self._registry))
        except UserError as e:
            self.lacking[place.mitigation] = str(e)
            return False
        return True

    def told(self) -> list[str]:
        """What was found lacking, a sentence a reason."""
        counts = Counter(self.lacking.values())
        return [f"{n} condition{'s' * (n > 1)} cannot be asked for: {why}" for why, n in counts.items()]
