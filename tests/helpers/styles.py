"""A registry whose subjects are no characters: three art styles, with words of their own and no `key`."""

from __future__ import annotations

import json
from pathlib import Path

STYLES = """\
registry: styles
version: 1
protected: false
noun: art style
questions:
  identify: Which {noun} is this picture in? Answer with the name, or None.
  verify: Is this picture in the style of {name}? Answer Yes or No.
characters:
- {slug: cubism, name: Cubism, aliases: [cubist style], owner: nobody, generic: a painting,
   attributes: [{text: geometric facets, generic: shapes}], keywords: [facets, angles]}
- {slug: pointillism, name: Pointillism, owner: nobody, generic: a painting, keywords: [dots]}
- {slug: ukiyo-e, name: Ukiyo-e, owner: nobody, generic: a woodblock print, keywords: [waves]}
"""
PROMPTS = {
    "cubism": "a guitar on a table, Cubism",
    "pointillism": "a park on a Sunday, Pointillism",
    "ukiyo-e": "a wave before a mountain, Ukiyo-e",
}


def write_styles(home: Path) -> Path:
    """Write the registry and its prompt set `name` into the folder `home`; returns the registry's file."""
    registry, prompts = home / "characters" / "styles.yaml", home / "prompts" / "styles" / "name.jsonl"
    for file in (registry, prompts):
        file.parent.mkdir(parents=True, exist_ok=True)
    registry.write_text(STYLES, encoding="utf-8")
    rows = [{"set": "name", "character": s, "text": t, "provenance": "test"} for s, t in PROMPTS.items()]
    prompts.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return registry
