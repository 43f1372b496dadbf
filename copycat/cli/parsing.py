"""Reading lists, seeds and licences as people type them."""

from __future__ import annotations

import re
from typing import Literal

from copycat.errors import UserError


def items(text: str) -> tuple[str, ...]:
    """`none, negprompt[keywords=3]` to its parts; commas inside brackets do not separate."""
    parts = (p.strip() for p in re.split(r",(?![^\[]*\])", text))
    return tuple(p for p in parts if p)


def licence(name: str) -> str:
    """The short name of a licence, in small letters; UserError for what is none."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]*", name):
        raise UserError(f"'{name}' is not a licence's short name, such as cc-by-4.0 or apache-2.0.")
    return name.lower()


def _different(text: str) -> tuple[int, ...]:
    """The numbers of a list; none where one of them is no number, or is there twice."""
    try:
        numbers = tuple(int(p) for p in items(text))
    except ValueError:
        return ()
    return numbers if len(set(numbers)) == len(numbers) else ()


_MOST_SEEDS, _LARGEST_SEED = 100_000, 2**63 - 1
"""More pictures of each prompt than any study has; and what fits a column of a table."""


def seeds(text: str) -> tuple[int, ...]:
    """A number N is 0 … N−1; a list such as `0,1,5` (or `7,`) is taken as it is."""
    numbers, listed = _different(text), "," in text
    if not numbers or min(numbers) < (0 if listed else 1):
        raise UserError(f"'{text}' is not a number of seeds (3) or a list of different seeds (0,1,5).")
    if max(numbers) > (_LARGEST_SEED if listed else _MOST_SEEDS):
        most = f"the largest seed is {_LARGEST_SEED}" if listed else f"a run has at most {_MOST_SEEDS}"
        raise UserError(f"'{text}' are too many seeds, or too large ones; {most}.")
    return numbers if listed else tuple(range(numbers[0]))


def batch_size(text: str | None) -> int | Literal["auto"] | None:
    """`auto` or a positive number; None for None."""
    if text is None:
        return None
    if text == "auto":
        return "auto"
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise UserError(f"'{text}' is not a number of images a batch (8), and not auto.")
    return number


def sizes(text: str) -> tuple[int, ...]:
    """`3,5,10` to its numbers, all positive and different."""
    numbers = _different(text)
    if not numbers or min(numbers) < 1:
        raise UserError(f"'{text}' is not a list of different sizes (3,5,10).")
    return numbers
