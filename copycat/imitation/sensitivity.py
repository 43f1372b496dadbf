"""How far a threshold depends on what had to be chosen: the price of a change, the prompts, the encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from copycat.imitation.estimate import RULES, Estimate, Found, Settings, estimate, locate
from copycat.imitation.scores import Scored

FACTORS = (0.25, 0.5, 2.0, 4.0)
"""What the price of a change is multiplied by."""


@dataclass(frozen=True)
class Varied:
    """The answer with one choice made otherwise."""

    choice: str
    """What was chosen otherwise, in words."""
    found: Found
    concepts: int


def by_penalty(found: Estimate) -> list[Varied]:
    """The published rule and the other one, at other prices of a change."""
    made = []
    own = found.settings.rule
    for rule in (own, *(r for r in RULES if r != own)):
        base = found.answer.penalty if rule == own else _price(found, rule)
        for factor in (1.0, *FACTORS):
            if rule == own and factor == 1.0:
                continue
            at = locate(found.order, rule, factor * base)
            made.append(Varied(f"rule {rule}, penalty {factor * base:.3g}", at, len(found.order)))
    return made


def _price(found: Estimate, rule: str) -> float:
    if rule == "reference":
        return found.settings.penalty
    other = replace(found.settings, rule=rule, draws=0)
    return estimate(found.order, other).answer.penalty


def by_prompt(found: Estimate) -> list[Varied]:
    """Without each of the prompts, and with each alone; empty where concepts have a single prompt or unnamed
    ones, or where not all have the same."""
    names = found.order[0].names
    if len(names) < 2 or any(set(s.names) != set(names) for s in found.order):
        return []
    made = []
    for name in names:
        without = [_kept(s, [n for n in s.names if n != name]) for s in found.order]
        made.append(_again(f"without the prompt {name}", without, found.settings))
    for name in names:
        alone = [_kept(s, [name]) for s in found.order]
        made.append(_again(f"the prompt {name} alone", alone, found.settings))
    return made


def by_encoder(others: Mapping[str, Sequence[Scored]], settings: Settings) -> list[Varied]:
    """With the scores of other encoders, by their names."""
    return [_again(f"encoder {name}", scored, settings) for name, scored in others.items()]


def _again(choice: str, scored: Sequence[Scored], settings: Settings) -> Varied:
    made = estimate(scored, replace(settings, draws=0))
    return Varied(choice, made.answer, len(made.order))


def _kept(s: Scored, names: Sequence[str]) -> Scored:
    chosen = [s.names.index(n) for n in names]
    return replace(s, prompts=tuple(s.prompts[i] for i in chosen), names=tuple(names))
