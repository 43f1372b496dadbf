"""Whether the measured error rates of a judge speak of a run's pictures.

They were measured on the pictures of some model, with the characters of some registry; a judge that is hardly
ever wrong on those may be anything on others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from copycat.cards.folders import is_pipeline
from copycat.cards.models import CATALOG as MODELS
from copycat.errors import UserError
from copycat.io.paths import expand
from copycat.runs.manifest import Manifest

ELSEWHERE = "elsewhere"
"""The one key of rates that say nothing here: what they were measured on, in words."""
_WEIGHTS = re.compile(r"@([0-9a-f]{12})(?:\+[0-9a-f]{6})?(?::[\w:.-]+)?$")


def speaks_of(rates: Mapping[str, Any], manifest: Manifest, registry: str) -> bool:
    """Whether `rates`, as `error_rates` gives them, were measured on pictures such as those of a run.

    `manifest` is the run's, `registry` the name of its characters. Where the rates name the models that they
    were measured on, those are asked: the same weights make the same kind of pictures, however they are
    sampled or edited. A detector's, measured on its reference pictures, speak of models made for these
    characters. Rates that somebody wrote by hand, and that name no model, speak of every model with a card.
    """
    if rates.get("registry") not in (None, registry):
        return False
    models = rates.get("models")
    if models is not None:
        return weights_of(manifest.model) in map(weights_of, models)
    if "subject" in rates:
        return _made_for(registry, manifest.model)
    return _has_card(manifest)


def elsewhere(rates: Mapping[str, Any]) -> dict[str, Any]:
    """What is left of rates that do not speak of a run: what they were measured on."""
    models = rates.get("models")
    return {ELSEWHERE: ", ".join(models) if models else "other pictures"}


def weights_of(model: str) -> str:
    """What tells weights apart in the identity of a model: hash or commit; of a hosted one all of it."""
    found = _WEIGHTS.search(model)
    return found[1] if found else model


def _made_for(registry: str, model: str) -> bool:
    """Whether a card's own characters are those of `registry`, and its weights those of `model`."""
    for name in MODELS.names():
        try:
            card = MODELS.get(name)
            mine = card.registry == registry and card.pinned
            if mine and weights_of(card.identity()) == weights_of(model):
                return True
        except UserError:
            continue  # it is broken, or its folder is gone
    return False


def _has_card(manifest: Manifest) -> bool:
    """Whether the pictures are those of a model card, and not of a folder, or made elsewhere."""
    origin = manifest.origin
    while origin and origin.how == "pulled":
        origin = origin.before
    if origin:
        return False
    chosen = manifest.config.model
    return chosen.partition("@")[0] in MODELS.names() and not is_pipeline(expand(chosen))
