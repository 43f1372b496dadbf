"""Attacks: ways to get a character out of a guarded model, one file each."""

from copycat.attacks.attacked import Attacked, Outcome
from copycat.attacks.base import CATALOG, Attack, AttackOptions, Attempt, Found, Victim
from copycat.attacks.parse import crossed, parse, parse_attack

__all__ = [
    "CATALOG",
    "Attack",
    "AttackOptions",
    "Attacked",
    "Attempt",
    "Found",
    "Outcome",
    "Victim",
    "crossed",
    "parse",
    "parse_attack",
]
