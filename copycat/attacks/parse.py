"""Reading what the user writes: `esd@udatk[tokens=3]`, a guardrail and the attack on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from copycat.attacks.attacked import Attacked
from copycat.attacks.base import CATALOG, Attack
from copycat.errors import UserError
from copycat.mitigations import CATALOG as MITIGATIONS
from copycat.mitigations import Composition
from copycat.mitigations import parse as parse_guard
from copycat.mitigations.aliases import AT
from copycat.mitigations.parse import part_of

NO_ATTACK = "none"
"""In a list of attacks: the guardrails as they are."""


def parse(spec: str) -> Composition:
    """The guardrails that `spec` names and, behind an `@`, the attack on them; not bound to a run yet.

    Raises UnknownName or UserError.
    """
    guard, *attacks = AT.split(spec)
    if not attacks:
        _refuse_attack(guard)
        return parse_guard(spec)
    if len(attacks) > 1 or not guard.strip() or not attacks[0].strip():
        raise UserError(
            f"'{spec}' is no guardrail with one attack on it; write GUARDRAIL@ATTACK, as none@typo."
        )
    return Attacked(spec, parse_guard(guard).parts, parse_attack(attacks[0]))


def parted(spec: str) -> tuple[str, str] | None:
    """The guardrail and the attack that `spec` names; None where it names no attack."""
    found = AT.split(spec)
    return (found[0].strip(), found[1].strip()) if len(found) == 2 else None


def parse_attack(text: str) -> Attack[Any]:
    """The attack that `text` names, with its options. Raises UnknownName or UserError."""
    name = text.partition("[")[0].strip()
    if name in MITIGATIONS.names():
        raise UserError(
            f"{name} is a guardrail and no attack; write it before the @, or name it with --mitigation."
        )
    found: Attack[Any] = part_of(text, CATALOG)
    return found


def crossed(mitigations: Sequence[str], attacks: Sequence[str]) -> tuple[str, ...]:
    """Every one of `mitigations` under every one of `attacks`, of which `none` leaves it as it is.

    Raises UserError for a mitigation that names an attack itself.
    """
    double = next((m for m in mitigations if AT.search(m)), None)
    if double:
        raise UserError(f"'{double}' names its attack already; leave it out there, or leave --attack out.")
    for attack in attacks:
        if attack != NO_ATTACK:
            parse_attack(attack)
    return tuple(m if a == NO_ATTACK else f"{m}@{a}" for m in mitigations for a in attacks)


def _refuse_attack(guard: str) -> None:
    name = guard.partition("[")[0].strip()
    if name in CATALOG.names() and name not in MITIGATIONS.names():
        raise UserError(f"{name} is an attack and no guardrail; write none@{name}, or --attack {name}.")
