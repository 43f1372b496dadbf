"""No guardrail: what everything is compared with."""

from __future__ import annotations

from copycat.mitigations.base import Mitigation


class NoMitigation(Mitigation):
    """Changes nothing and leaves no trace."""

    name = "none"

    @property
    def knows_target(self) -> bool:
        return False
