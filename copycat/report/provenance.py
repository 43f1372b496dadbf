"""How a run was made, as a reader can make it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from copycat.report.words import origin_sentence

_OPTIONS: Mapping[str, str] = {
    "characters": "characters",
    "limit": "limit",
    "images_per_prompt": "images",
    "judge": "judge",
    "registry": "registry",
    "batch_size": "batch-size",
    "dtype": "dtype",
    "steps": "steps",
    "guidance": "guidance",
}
"""Settings that decide the result, and their options; those that were left out are not named."""


def command(config: Mapping[str, Any]) -> str:
    """The `copycat run` of these settings; of a path only the last part, which means something elsewhere."""
    parts = ["copycat", "run", "--model", _short(config.get("model", "?"))]
    for key, option in (("mitigations", "mitigation"), ("prompts", "prompts")):
        parts += [f"--{option}", ",".join(map(_short, config.get(key) or ()))]
    if config.get("seeds"):
        parts += ["--seeds", seeds(config["seeds"])]
    for key, option in _OPTIONS.items():
        value = config.get(key)
        if value is not None and not (key == "images_per_prompt" and value == 1):
            listed = [str(v) for v in value] if isinstance(value, list | tuple) else [_short(value)]
            parts += [f"--{option}", ",".join(listed)]
    if config.get("oracle") is False:
        parts.append("--no-oracle")
    return shlex.join(parts)


def seeds(given: Sequence[int]) -> str:
    """Run seeds as `--seeds` takes them: a number for 0 … N−1, else a list."""
    if list(given) == list(range(len(given))):
        return str(len(given))
    return ",".join(map(str, given)) + ("," if len(given) == 1 else "")


def _short(value: object) -> str:
    text = str(value)
    return Path(text).name if "/" in text and "[" not in text else text


def sentence(facts: Mapping[str, Any]) -> str:
    """Command or origin, weights, judge, commit and machine, of a manifest as JSON.

    What the manifest does not say is left out. A run that was pulled is told as it was published.
    """
    elsewhere = imported(facts)
    parts = [] if elsewhere else [f"`{command(facts.get('config') or {})}`"]
    if facts.get("model"):
        parts.append(_short(facts["model"]))
    if facts.get("judge"):
        parts.append(f"judged by {_short(facts['judge'])}")
    if facts.get("git_commit"):
        changed = " with local changes" if facts.get("git_dirty") else ""
        parts.append(f"commit {facts['git_commit'][:7]}{changed}")
    if machine(facts):
        parts.append(machine(facts))
    return f"{elsewhere} {', '.join(parts)}.".strip() if elsewhere else f"Made by {', '.join(parts)}."


def imported(facts: Mapping[str, Any]) -> str:
    """Where pictures come from that no `copycat run` made; empty for all others."""
    origin = facts.get("origin")
    while origin and origin["how"] == "pulled":
        origin = origin.get("before")
    return origin_sentence(origin)


def machine(facts: Mapping[str, Any]) -> str:
    """Processor, cores and accelerator, in a few words."""
    hardware = {k: str(v) for k, v in (facts.get("hardware") or {}).items()}
    cores = f"{hardware['cores']} cores" if hardware.get("cores") else ""
    return " · ".join(p for p in (hardware.get("gpu", ""), hardware.get("cpu", ""), cores) if p)
