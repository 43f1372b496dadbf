"""Erase: a model without some characters, as a folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from copycat.cards.models import ModelCard
from copycat.cards.weights import check_folder
from copycat.errors import UserError
from copycat.io.atomic import disk_guard, new_folder
from copycat.mitigations import parse
from copycat.mitigations.base import RunContext
from copycat.mitigations.erasure.base import Eraser, Erasure
from copycat.runtime.device import resolve_device
from copycat.subjects.characters import Character, Registry


def erasing(card: ModelCard, registry: Registry, characters: Sequence[Character], method: str) -> Erasure:
    """What `method`, an eraser with its options, does to the model of `card` for these `characters`.

    Raises UserError for what is no eraser, and for a model whose weights are not open.
    """
    context = RunContext(
        registry, characters=tuple(characters), erasers=card.erasers, hosted=card.api is not None
    )
    parts = parse(method).parts
    if len(parts) != 1 or not isinstance(parts[0], Eraser):
        raise UserError(f"'{method}' is no eraser; name one, such as uce or esd[group=u] (docs/erasure.md).")
    if card.api:
        raise UserError(f"{card.title} runs elsewhere, so its weights are out of reach.")
    if card.folder:
        check_folder(card.folder)
    edit: Erasure = parts[0].bind(context).edit_model(card.identity())
    return edit


def erased_pipeline(card: ModelCard, edit: Erasure, out: Path, device: str = "auto") -> str:
    """Write the model of `card`, changed by `edit`, to the folder `out`; returns a sentence about it. An
    eraser whose adapters are added beside the weights has these written alone.

    Raises RunConflict where `out` holds something.
    """
    # It brings torch.
    from copycat.generators.pipelines import load_pipeline
    from copycat.mitigations.erasure.delta import CARD, WEIGHTS, read_card

    where = resolve_device(device, card.title, card.min_gpu_gb, card.lighter())
    with disk_guard(out), new_folder(out) as folder:
        pipeline = load_pipeline(card, where, edits=[edit])
        if edit.eraser.needs_adapters:
            shutil.copyfile(edit.folder / WEIGHTS, folder / WEIGHTS)
        else:
            pipeline.to("cpu").save_pretrained(folder, safe_serialization=True)
        shutil.copyfile(edit.folder / CARD, folder / CARD)
    told = read_card(out)
    people = len(edit.task.erased)
    without = f"{card.title} without {people} character{'' if people == 1 else 's'}"
    made = f"({told.method}, {told.seconds:.0f} s, {told.trained:,} weights)"
    if edit.eraser.needs_adapters:
        spec = f"{edit.eraser.name}[adapters={out}]"
        return f"{out}: adapters for {without} {made}; draw with them: --mitigation '{spec}'"
    return f"{out}: {without} {made}; draw with it: copycat run --model {out}"
