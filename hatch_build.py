"""Packs `data/` and `prompts/` into the wheel as `copycat/_shipped/`, where copycat/io/paths.py looks first.

A hook and not `force-include`, because that would also copy them beside an editable install, where the
copy would go stale unseen.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = ("data", "prompts")


class ShippedData(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the shipped folders to real wheels only."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """`version` is "standard" for a wheel and "editable" for a link to the checkout."""
        if version == "standard":
            build_data["force_include"].update({name: f"copycat/_shipped/{name}" for name in SHIPPED})
