"""Models and judges as others know them: by the name of their repository, and by who serves them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from copycat.cards.judges import CATALOG as JUDGES
from copycat.cards.judges import load_judge_card
from copycat.cards.models import CATALOG as MODELS
from copycat.cards.models import load_card
from copycat.cards.weights import Card
from copycat.errors import UserError
from copycat.records import digest
from copycat.report.reproduction import imported_from
from copycat.runs.calibrated import weights_of
from copycat.runs.data import RunData
from copycat.runs.manifest import RECORDED

LOCAL, RECORDS = "local", "recorded"
"""What stands in the place of a developer: of weights in a folder, and of answers given elsewhere."""

_DEVICES = {f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10)}
_RESERVED = {"con", "prn", "aux", "nul", "data"} | _DEVICES
"""What no folder can be called on some system, or in the datastore of Every Eval Ever."""

C = TypeVar("C", bound=Card)


@dataclass(frozen=True)
class NamedModel:
    """A model, by what the run and its card say."""

    id: str
    """`developer/name`: the hub's repository, or what a provider calls it; `local/…` for other weights."""
    identity: str
    """Card name and weights identity, as in every row."""
    deployment: Literal["self_deployed", "externally_managed", "unknown"]
    """Who ran it: whoever ran copycat, or a provider."""
    availability: Literal["open_weights", "unknown"]
    """`open_weights` where its weights are on the hub."""
    platform: str = ""
    """Of one behind an API: where."""
    revision: str = ""
    """Commit of the repository."""
    licence: str = ""

    @property
    def on_hub(self) -> bool:
        """Whether it has a repository of the hub."""
        return self.availability == "open_weights"


def model_of(run: RunData) -> NamedModel:
    """The model that a run's pictures are of."""
    chosen, identity = run.manifest.config.model, run.manifest.model
    name = chosen.partition("@")[0]
    found = _named(identity, _card(identity, name, MODELS.names(), lambda: load_card(chosen)))
    # Who ran it is not known of pictures that were made elsewhere.
    return found if imported_from(run.manifest) is None else replace(found, deployment="unknown")


def judge_of(identity: str) -> NamedModel:
    """The judge that verdicts are signed with `identity`."""
    if identity.startswith(RECORDED):
        called = identity.removeprefix(RECORDED).partition("@")[0]
        return NamedModel(f"{RECORDS}/{component(called)}", identity, "unknown", "unknown")
    name = identity.partition("@")[0]
    known = _card(identity, name.partition("[")[0], JUDGES.names(), lambda: load_judge_card(name))
    return _named(identity, known)


def _card(identity: str, name: str, names: list[str], load: Callable[[], C]) -> C | None:
    """The card of that name, if it is the one of these weights; None where it is gone or is another now."""
    if name not in names:
        return None
    try:
        card = load()
    except UserError:
        return None
    # What a hosted model is called, or the commit, which is another each time of a card that names a branch.
    # A folder has no address that others know.
    if card.api:
        return card if card.source in identity else None
    same = card.revision is not None and (not card.pinned or card.revision[:12] in identity)
    return card if same else None


def _named(identity: str, card: Card | None) -> NamedModel:
    if card is None:
        name = component(identity.partition("@")[0])
        # Only of weights that were here is there a hash.
        here = weights_of(identity) != identity
        return NamedModel(f"{LOCAL}/{name}", identity, "self_deployed" if here else "unknown", "unknown")
    source, licence = card.source, card.licence
    if card.api is None:
        return NamedModel(
            source,
            identity,
            "self_deployed",
            "open_weights",
            revision=card.revision if card.pinned and card.revision else weights_of(identity),
            licence=licence,
        )
    own = card.api.revision is not None
    host = urlsplit(card.api.base_url or "").hostname or ""
    repository = source.count("/") == 1
    # Without an address it is the provider of the package that asks: OpenAI, or the hub for its repositories.
    platform = host or ("huggingface" if repository else "openai")
    return NamedModel(
        source if repository else f"{component(platform)}/{component(source)}",
        identity,
        "self_deployed" if own else "externally_managed",
        "open_weights" if repository else "unknown",
        platform="" if own else platform,
        revision=card.api.revision or "",
        licence=licence,
    )


def component(text: str) -> str:
    """`text` as one part of a path that every system takes; never empty, hidden or reserved."""
    plain = re.sub(r"[^\w.+=\[\],@-]+", "_", text, flags=re.ASCII).strip("._ ")
    return f"_{plain}" if not plain or plain.partition(".")[0].lower() in _RESERVED else plain


def distinct(text: str) -> str:
    """:func:`component` of `text`, which no other text has."""
    plain = component(text)
    return plain if plain == text else f"{plain}-{digest(text)[:8]}"
