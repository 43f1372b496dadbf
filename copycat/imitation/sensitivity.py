"""How far a threshold depends on what had to be chosen: the price of a change, the prompts, the encoder."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from copycat.imitation.estimate import (
    FEWEST,
    RULES,
    Estimate,
    Settings,
    arrays,
    estimate,
    found_by,
    price,
)
from copycat.imitation.locating import Found
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
    """The published rule and the other one, at other prices of a change; each with all that belongs to it,
    the test of `tested` too."""
    made = []
    own = found.settings.rule
    counts, scores = arrays(found.order)
    for rule in (own, *(r for r in RULES if r != own)):
        base = price(rule, counts, scores, found.settings)
        for factor in (1.0, *FACTORS):
            if rule == own and factor == 1.0:
                continue
            at = found_by(rule, counts, scores, factor * base, found.step_p)
            made.append(Varied(f"rule {rule}, penalty {factor * base:.3g}", at, len(found.order)))
    return made


def by_prompt(found: Estimate) -> list[Varied]:
    """Without each of the prompts, and with each alone; empty where there are not two prompts with names.

    A concept that has none of the prompts of a row is left out there, which the row says. There is no row
    for which too few concepts, or concepts of one count only, are left.
    """
    names = list(dict.fromkeys(n for s in found.order for n in s.names))
    if len(names) < 2:
        return []
    rows = [
        *((f"without the prompt {name}", [n for n in names if n != name]) for name in names),
        *((f"the prompt {name} alone", [name]) for name in names),
    ]
    made = []
    for choice, wanted in rows:
        kept = [k for s in found.order if (k := _kept(s, wanted)) is not None]
        if not is_enough(kept):
            continue
        lacking = len(found.order) - len(kept)
        told = f" ({lacking} left out, which have no such picture)" if lacking else ""
        made.append(_again(choice + told, kept, found.settings))
    return made


def by_encoder(others: Mapping[str, Sequence[Scored]], settings: Settings) -> list[Varied]:
    """With the scores of other encoders, by their names, but for those with which too few concepts, or
    concepts of one count only, have a score."""
    return [
        _again(f"encoder {name}", scored, settings) for name, scored in others.items() if is_enough(scored)
    ]


def is_enough(scored: Sequence[Scored]) -> bool:
    """Whether there are FEWEST concepts or more, and not all of one count, so that an answer can be given."""
    return len(scored) >= FEWEST and len({s.count for s in scored}) > 1


def _again(choice: str, scored: Sequence[Scored], settings: Settings) -> Varied:
    made = estimate(scored, replace(settings, draws=0))
    return Varied(choice, made.answer, len(made.order))


def _kept(s: Scored, wanted: Container[str]) -> Scored | None:
    """The concept with the prompts that are wanted; None where it has none of them."""
    kept = [(n, p) for n, p in zip(s.names, s.prompts, strict=False) if n in wanted]
    if not kept:
        return None
    return replace(s, prompts=tuple(p for _, p in kept), names=tuple(n for n, _ in kept))
