"""Which prompts one text answers: a mitigation that only looks at finished text is shown what was written
without it, so that nothing is written or paid for twice and a difference is that mitigation's alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from copycat.verbatim.text.mitigations import Composition
from copycat.verbatim.text.rows import Asked, Written
from copycat.verbatim.text.writers import Draft

Key = tuple[object, ...]


@dataclass(frozen=True)
class Sharing:
    """The prompts of a plan by the text that answers them."""

    asked: Sequence[Asked]
    composed: Mapping[str, Composition]

    @cached_property
    def groups(self) -> dict[str, tuple[Asked, ...]]:
        """By the identity of the one that is written, all prompts that its text answers, itself first."""
        found: dict[Key, list[Asked]] = {}
        for a in self.asked:
            key = (a.role, *a.place, a.sample, self.composed[a.mitigation].decoding)
            found.setdefault(key, []).append(a)
        return {some[0].id: tuple(some) for some in found.values()}

    @property
    def written(self) -> list[Asked]:
        """Those that a model is asked, in the plan's order."""
        return [some[0] for some in self.groups.values()]

    def kept(self, first: Asked, known: Mapping[str, Written]) -> Draft | None:
        """What the model wrote for a group before; None where it must be asked."""
        rows = (known.get(a.id) for a in self.groups[first.id])
        return next((draft for row in rows if row is not None and (draft := draft_of(row))), None)

    def missing(self, known: Mapping[str, Written]) -> list[Asked]:
        """Those that a model must still be asked."""
        return [
            first
            for first in self.written
            if any(is_open(a, known) for a in self.groups[first.id]) and self.kept(first, known) is None
        ]


def is_open(asked: Asked, known: Mapping[str, Written]) -> bool:
    """Whether a prompt has no answer yet, or only a failure."""
    return asked.id not in known or known[asked.id].outcome == "error"


def draft_of(row: Written) -> Draft | None:
    """What the model wrote, of a row that is finished, or whose text failed only afterwards."""
    if row.outcome == "error" and not row.text:
        return None
    refused = row.outcome == "refused"
    return Draft(
        "refused" if refused else "ok",
        text=row.text,
        reason=row.reason if refused else "",
        tokens=row.tokens,
        most=row.most,
        held=row.held,
        surprise=row.surprise,
        seconds=row.seconds,
    )
