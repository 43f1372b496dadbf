"""How a run was made, as a reader can make it again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from copycat.config import RunConfig
from copycat.report.words import origin_sentence
from copycat.runs.manifest import Manifest, Origin

_NAMED = (
    *("characters", "limit", "images_per_prompt", "judge", "measures", "registry", "batch_size", "dtype"),
    *("steps", "guidance", "height", "width", "frames", "variant", "also", "features"),
)
"""Settings that decide the result; those that were left out are not named."""
_OPTIONS = {"images_per_prompt": "images", "batch_size": "batch-size"}
"""The options that are not called as their settings."""


def command(config: RunConfig) -> str:
    """The `copycat run` of these settings; of a path only the last part, which means something elsewhere."""
    parts = ["copycat", "run", "--model", _short(config.model)]
    for option, listed in (("mitigation", config.mitigations), ("prompts", config.prompts)):
        parts += [f"--{option}", ",".join(map(_short, listed))]
    parts += ["--seeds", seeds(config.seeds)]
    for key in _NAMED:
        option, value = _OPTIONS.get(key, key), getattr(config, key)
        if value not in (None, ()) and not (key == "images_per_prompt" and value == 1):
            parts += [f"--{option}", ",".join(map(str, value)) if isinstance(value, tuple) else _short(value)]
    if not config.oracle:
        parts.append("--no-oracle")
    if config.compile is not None:
        parts.append("--compile" if config.compile else "--no-compile")
    return shlex.join(parts)


def seeds(given: Sequence[int]) -> str:
    """Run seeds as `--seeds` takes them: a number for 0 … N−1, else a list."""
    if list(given) == list(range(len(given))):
        return str(len(given))
    return ",".join(map(str, given)) + ("," if len(given) == 1 else "")


def _short(value: object) -> str:
    text = str(value)
    return Path(text).name if "/" in text and "[" not in text else text


def sentence(manifest: Manifest) -> str:
    """Command or origin, weights, judge, commit and machine.

    What the manifest does not say is left out. A run that was pulled is told as it was published.
    """
    elsewhere = imported(manifest)
    parts = [] if elsewhere else [f"`{command(manifest.config)}`"]
    parts.append(_short(manifest.model))
    if manifest.judge:
        parts.append(f"judged by {_short(manifest.judge)}")
    if manifest.git_commit:
        changed = " with local changes" if manifest.git_dirty else ""
        parts.append(f"commit {manifest.git_commit[:7]}{changed}")
    if machine(manifest):
        parts.append(machine(manifest))
    return f"{elsewhere} {', '.join(parts)}.".strip() if elsewhere else f"Made by {', '.join(parts)}."


def imported(manifest: Manifest) -> str:
    """Where pictures come from that no `copycat run` made; empty for all others."""
    return origin_sentence(imported_from(manifest))


def imported_from(manifest: Manifest) -> Origin | None:
    """How pictures were taken in that no `copycat run` made, also where the run was pulled since."""
    origin = manifest.origin
    while origin and origin.how == "pulled":
        origin = origin.before
    return origin


def machine(manifest: Manifest) -> str:
    """Processor, cores and accelerator, in a few words."""
    hardware = manifest.hardware
    cores = f"{hardware['cores']} cores" if hardware.get("cores") else ""
    return " · ".join(p for p in (hardware.get("gpu", ""), hardware.get("cpu", ""), cores) if p)
