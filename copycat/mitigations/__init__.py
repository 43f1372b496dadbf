"""Mitigations: guardrails around a model, one file each."""

from copycat.mitigations.base import CATALOG, Composition, Mitigation, World, parse

__all__ = ["CATALOG", "Composition", "Mitigation", "World", "parse"]
