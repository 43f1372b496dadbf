"""Mitigations: guardrails around a model, one file each."""

from copycat.mitigations.aliases import ALIASES
from copycat.mitigations.base import CATALOG, Composition, Mitigation, Sight, World, parse

__all__ = ["ALIASES", "CATALOG", "Composition", "Mitigation", "Sight", "World", "parse"]
