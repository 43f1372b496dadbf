"""Mitigations: guardrails around a model, one file each."""

from copycat.mitigations.aliases import ALIASES
from copycat.mitigations.base import CATALOG, InputFilter, JudgeFinding, Mitigation, Options, RunContext
from copycat.mitigations.composition import Composition, denoiser_key
from copycat.mitigations.parse import parse

__all__ = [
    "ALIASES",
    "CATALOG",
    "Composition",
    "InputFilter",
    "JudgeFinding",
    "Mitigation",
    "Options",
    "RunContext",
    "denoiser_key",
    "parse",
]
