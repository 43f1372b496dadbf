"""Prompt sets, one JSON line a prompt, and checks that they say what their name claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from copycat.cards.catalog import Catalog
from copycat.errors import BadFile, UnknownName
from copycat.io.jsonl import read_lines
from copycat.io.paths import PROMPTS, expand
from copycat.records import Row
from copycat.subjects.characters import Registry

NAMING = frozenset({"name", "languages", "actions"})
"""Sets that name their character on purpose; anywhere else its name is a leak."""


class Prompt(Row):
    """One prompt for one character."""

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


def read_prompts(path: Path) -> tuple[Prompt, ...]:
    """The prompts in the file `path`; raises BadFile for one that is no prompt set, or empty."""
    prompts = read_lines(path, Prompt, "a prompt")
    if not prompts:
        raise BadFile(f"The prompt file {path} is empty.")
    return tuple(prompts)


CATALOG: Catalog[tuple[Prompt, ...]] = Catalog(
    "prompts", singular="prompt set", folder=PROMPTS, parse=read_prompts, suffixes=(".jsonl",), depth=2
)
"""Prompt sets, called REGISTRY/SET."""


def available(registry: str) -> list[str]:
    """Names of the prompt sets that `registry` has."""
    split = (name.partition("/") for name in CATALOG.names())
    return [name for owner, _, name in split if owner == registry]


def load_prompts(set_name_or_path: str, registry_name: str) -> tuple[Prompt, ...]:
    """A prompt set of a registry by its name in the catalogue, or by the path of its JSONL file."""
    path = expand(set_name_or_path)
    if path.suffix == ".jsonl":
        return read_prompts(path)
    known = available(registry_name)
    if set_name_or_path not in known:
        raise UnknownName("prompt set", set_name_or_path, known)
    return CATALOG.get(f"{registry_name}/{set_name_or_path}")


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
            findings.append(f"{where} is for an unknown {registry.noun}.")
            continue
        named = registry.mentioned(p.text)
        if p.set not in NAMING and p.character in named:
            findings.append(f"{where} says the {registry.noun}'s name.")
        findings += [f"{where} names {other}." for other in sorted(named - {p.character})]
    return findings
