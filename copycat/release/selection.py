"""What is left out of the data set; the reasons are in `data/release/release.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from copycat.release.declared import Release
from copycat.subjects.characters import Registry

_UNRECORDED = re.compile(r"lm\d+")
"""Prompt sets that a language model ranked of which nothing was recorded."""

_COLUMNS: Mapping[str, tuple[str, ...]] = {"character": ("character", "near")}
"""Where a request's value may stand, where that is not the column called as its kind."""


def may_be_shown(registry: Registry) -> bool:
    """Whether pictures of a registry's characters may be in it: not where somebody holds rights in them."""
    return not registry.protected


def is_recorded(prompt_set: str) -> bool:
    """Whether it was recorded who or what wrote a prompt set."""
    return not _UNRECORDED.fullmatch(prompt_set)


def is_opted_out(cells: Mapping[str, Any], release: Release) -> bool:
    """Whether somebody asked that a row be left out: by its id, the hash of its content or its character, or
    by a character that it only comes close to."""
    return any(
        r.value in [str(cells.get(c) or "") for c in _COLUMNS.get(r.kind, (r.kind,))]
        for r in release.opt_outs.requests
    )
