"""Prompt sets, one JSON line a prompt, and checks that they say what their name claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from copycat.characters import Registry
from copycat.errors import BadFile, UnknownName
from copycat.jsonl import read_lines
from copycat.paths import PROMPTS

NAMING = frozenset({"name", "languages", "actions"})
"""Sets that name their character on purpose; anywhere else its name is a leak."""


class Prompt(BaseModel):
    """One prompt for one character."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    set: str
    version: int = 1
    character: str
    """Slug in the registry."""
    index: int = Field(default=0, ge=0)
    text: str = Field(min_length=1)
    provenance: str = ""
    """How the prompt came about."""
    content: tuple[str, ...] = ()
    """Visible things it asks for beyond the character, as nouns: "a figure eating a burger"."""

    @model_serializer(mode="wrap")
    def _bare(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As most rows are written: without a content that they do not have."""
        row: dict[str, Any] = dump(self)
        return row if self.content else {k: v for k, v in row.items() if k != "content"}


def available(registry: str, folder: Path = PROMPTS) -> list[str]:
    """Names of the prompt sets that `registry` has."""
    return sorted(p.stem for p in (folder / registry).glob("*.jsonl"))


def load_prompts(set_name_or_path: str, registry_name: str, folder: Path = PROMPTS) -> tuple[Prompt, ...]:
    """Read `folder/REGISTRY/SET.jsonl`, or the file itself when a path is given."""
    path = Path(set_name_or_path)
    if path.suffix != ".jsonl":
        path = folder / registry_name / f"{set_name_or_path}.jsonl"
        if not path.is_file():
            raise UnknownName("prompt set", set_name_or_path, available(registry_name, folder))
    prompts = read_lines(path, Prompt, "a prompt")
    if not prompts:
        raise BadFile(f"The prompt file {path} is empty.")
    return tuple(prompts)


def check(prompts: Iterable[Prompt], registry: Registry) -> list[str]:
    """What is wrong with `prompts`, one sentence each: unknown characters, duplicates, leaked names."""
    findings = []
    prompts = tuple(prompts)
    known = {c.slug for c in registry.characters}
    places = Counter((p.set, p.version, p.character, p.index) for p in prompts)
    findings += [f"{s}: {c} has prompt {i} {n} times." for (s, _, c, i), n in places.items() if n > 1]
    for p in prompts:
        where = f"{p.set}: prompt {p.index} of {p.character}"
        if p.character not in known:
            findings.append(f"{where} is for an unknown character.")
            continue
        named = registry.mentioned(p.text)
        if p.set not in NAMING and p.character in named:
            findings.append(f"{where} says the character's name.")
        findings += [f"{where} names {other}." for other in sorted(named - {p.character})]
    return findings
