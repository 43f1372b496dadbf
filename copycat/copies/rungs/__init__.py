"""The rungs of the ladder, one file each, nearest first."""

from copycat.copies.rungs.base import CATALOG, Rung, rungs

__all__ = ["CATALOG", "Rung", "rungs"]
