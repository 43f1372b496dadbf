"""Commands that lead on from a run: its own settings again, with something else asked."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

from copycat.cards.folders import is_pipeline
from copycat.cards.models import ModelCard, load_card
from copycat.config import RunConfig
from copycat.errors import UserError
from copycat.io.paths import expand
from copycat.report import reproduction
from copycat.runs.data import RunData
from copycat.subjects.prompts import available

_OPTIONS = {"mitigations": "mitigation", "images_per_prompt": "images"}
"""The options of `copycat run` that are not called as their settings."""
_LEFT_OUT = frozenset({"model", "out", "max_cost"})
"""Settings that are told apart, or belong to one folder or one command."""
_DESCRIPTION = "description"
_SEEDS = 5
_SHOWN = 2


def program() -> str:
    """How to call copycat here: by its name where the shell finds it, else by its path."""
    if which("copycat"):
        return "copycat"
    here = Path(sys.executable).with_name("copycat")
    return str(here.relative_to(Path.cwd()) if here.is_relative_to(Path.cwd()) else here)


def run_again(config: RunConfig, **changes: Any) -> str:
    """`run …` with the settings of `config`, in this folder and on this machine, and `changes` to them.

    What is at its default and not changed is left out, and so are the run's own folder, which holds no other
    settings, and its cap, which was of one command.
    """
    wanted = config.model_copy(update=changes)
    usual = _usual(config)
    parts = ["run", "--model", wanted.model]
    for name, field in RunConfig.model_fields.items():
        value = getattr(wanted, name)
        usually = name not in ("mitigations", *changes) and value == usual.get(name, field.default)
        if name in _LEFT_OUT or usually:
            continue
        option = f"--{_OPTIONS.get(name, name.replace('_', '-'))}"
        if isinstance(value, bool):
            parts.append(option if value else f"--no-{name}")
        elif name == "seeds":
            parts += [option, reproduction.seeds(value)]
        else:
            parts += [option, ",".join(map(str, value)) if isinstance(value, tuple) else str(value)]
    return shlex.join(parts)


def next_steps(run: RunData) -> list[str]:
    """What could be tried next, as copycat's arguments, the most telling first."""
    if run.manifest.origin:
        return [shlex.join(["annotate", str(run.path)]), "ls runs"]
    return [*_runs(run), "ls runs"][:_SHOWN]


def _runs(run: RunData) -> Iterator[str]:
    config = run.manifest.config
    # A guardrail that this model can obey.
    card = _card(config.model)
    guidance = config.guidance
    steers = card is not None and card.steers(card.sampling.guidance if guidance is None else guidance)
    guard = "rewrite+negprompt" if steers else "rewrite"
    if guard not in config.mitigations:
        yield run_again(config, mitigations=("none", guard))
    sets = available(run.registry.name)
    others = [s for s in (_DESCRIPTION, *sets) if s in sets and s not in config.prompts]
    if others:
        yield run_again(config, prompts=(others[0],))
    if len(config.seeds) < _SEEDS:
        yield run_again(config, seeds=tuple(range(_SEEDS)))


def _usual(config: RunConfig) -> dict[str, Any]:
    """The registry and the judge that are taken where the user names none; nothing where they would be told
    of, as of a folder without a card, or are not known any more."""
    if is_pipeline(expand(config.model)):
        return {"registry": None, "judge": None}
    card = _card(config.model)
    return {"registry": card and card.registry, "judge": card and card.judge}


def _card(model: str) -> ModelCard | None:
    try:
        return load_card(model)
    except UserError:
        return None
