"""CONS: whether the picture still shows what was asked for; higher is better (He et al. 2024)."""

from __future__ import annotations

from copycat.characters import Character
from copycat.records import Verdict


def shown(verdict: Verdict, character: Character) -> float | None:  # noqa: ARG001
    """P("Yes") to "does this picture show KEY", in [0, 1]."""
    return verdict.score
