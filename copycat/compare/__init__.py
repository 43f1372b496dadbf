"""Runs and their mitigations beside one another, on what they have in common."""

from copycat.compare.common import Common, Condition, common
from copycat.compare.paired import Comparison, comparisons

__all__ = ["Common", "Comparison", "Condition", "common", "comparisons"]
