"""Sizes and weight files that a user names in place of a card's, and refusing those that there are not."""

from __future__ import annotations

from typing import Any, Literal

from copycat.cards import folders
from copycat.cards.models import ModelCard
from copycat.cards.pipelines import grid_of, pipeline_class
from copycat.errors import UserError
from copycat.records import Sampling


def check_size(card: ModelCard, wanted: Sampling) -> None:
    """Raise UserError for a size that the pipeline of `card` would refuse or round; nothing is loaded."""
    if wanted.frames and not card.sampling.frames:
        raise UserError(f"{card.title} draws pictures, so --frames does not apply; leave it out.")
    if card.api:
        return
    if card.stages:
        raise UserError(
            f"{card.title} enlarges its pictures in fixed steps to {card.sampling.width}×"
            f"{card.sampling.height} pixels, so --height and --width do not apply; leave them out."
        )
    kind = pipeline_class(card.pipeline)
    if kind is None:
        return  # its generator says so
    grid = grid_of(kind)
    for option, side in (("height", wanted.height), ("width", wanted.width)):
        if side % grid.side:
            near = max(grid.side, round(side / grid.side) * grid.side)
            raise UserError(
                f"{card.title} draws sides that are multiples of {grid.side}, and --{option} {side} is none; "
                f"the nearest is {near}."
            )
    if wanted.frames and wanted.frames % grid.frames != 1 % grid.frames:
        near = max(0, round((wanted.frames - 1) / grid.frames)) * grid.frames + 1
        raise UserError(
            f"{card.title} draws one frame more than a multiple of {grid.frames}, and --frames "
            f"{wanted.frames} is not that; the nearest is {near}."
        )


def with_variant(card: ModelCard, named: str, *, stored: bool) -> ModelCard:
    """`card` with the weight files of the variant `named`, where `none` means the plain ones.

    With `stored`, in the precision of those files. Raises UserError for a variant that is not in its folder.
    """
    variant = None if named == "none" else named
    if card.api:
        raise UserError(f"{card.title} runs elsewhere, so --variant does not apply; leave it out.")
    changes: dict[str, Any] = {"variant": variant}
    if card.folder is not None:
        there = {v or "none" for some in folders.variants(card.folder).values() for v in some}
        if named not in there:
            raise UserError(
                f"{card.title} has no weight files of the variant {named}; it has "
                f"{', '.join(sorted(there)) or 'no weights at all'}."
            )
        if stored:
            changes["dtype"] = folders.drawn_precision(card.folder, variant)
    return card.model_copy(update=changes)


def batching(card: ModelCard, asked: int | Literal["auto"] | None, workers: int | None) -> dict[str, Any]:
    """The fields of `card` that say how many pictures are drawn together, as `asked`; None leaves it to
    the card.

    Raises UserError where the number is to be found and cannot be.
    """
    finding = card.find_batch_size if asked is None else asked == "auto"
    if finding and card.api:
        raise UserError(
            f"{card.title} runs elsewhere, so there is no batch size to be found; --concurrency says how "
            "many of its pictures are drawn at a time."
        )
    if finding and workers and workers > 1:
        raise UserError(
            "A batch size is found for one process that has its device to itself; leave out --workers, or "
            "name a number with --batch-size."
        )
    return {"batch_size": asked if isinstance(asked, int) else None, "find_batch_size": finding}
