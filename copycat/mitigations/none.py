"""No guardrail: what everything is compared with."""

from __future__ import annotations

from copycat.mitigations.base import Mitigation, Options


class NoMitigation(Mitigation[Options]):
    """Changes nothing and leaves no trace."""

    name = "none"
    needs_target = False
