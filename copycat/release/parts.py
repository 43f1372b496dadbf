"""The rows of every part of the data set, with source, licence, date and hash of each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from copycat.io.documents import parse_json
from copycat.io.paths import DATA, PROMPTS, ROOT
from copycat.io.picture_hash import phash_hex
from copycat.io.pictures import decode
from copycat.io.tables import read_table
from copycat.io.version import __version__
from copycat.menagerie.corpus import reference_seed
from copycat.menagerie.neutral import NEUTRAL_SEED
from copycat.menagerie.world import WORLD_SEED
from copycat.release.declared import Component, Release
from copycat.release.selection import is_opted_out, is_recorded, may_be_shown
from copycat.subjects.characters import load_registry
from copycat.subjects.prompts import available, load_prompts

Cells = dict[str, Any]
REGISTRIES = ("copycat", "unseen", "menagerie")
RESULTS = ROOT / "results" / "leaderboard"
"""Not in an installed package; the part is then empty."""


def characters(_: Release) -> Iterator[tuple[str, Cells]]:
    for name in REGISTRIES:
        registry = load_registry(name)
        for c in registry.characters:
            told = c.model_dump(mode="json", exclude_defaults=True, exclude={"references"})
            yield (
                name,
                {
                    "id": f"characters/{name}/{c.slug}",
                    "registry": name,
                    "character": c.slug,
                    "name": c.name,
                    "aliases": list(c.aliases),
                    "owner": c.owner,
                    "protected": registry.protected,
                    "text": json.dumps(told, ensure_ascii=False, sort_keys=True),
                    "source": f"data/characters/{name}.yaml of copycat",
                    **_made(name, "the registry", WORLD_SEED),
                },
            )


def prompts(_: Release) -> Iterator[tuple[str, Cells]]:
    for name in REGISTRIES:
        for which in available(name):
            if not is_recorded(which) or not (PROMPTS / name / f"{which}.jsonl").is_file():
                continue
            for p in load_prompts(which, name):
                yield (
                    name,
                    {
                        "id": f"prompts/{name}/{which}/{p.character}/{p.index}",
                        "registry": name,
                        "set": which,
                        "character": p.character,
                        "text": p.text,
                        "provenance": p.provenance,
                        "source": f"prompts/{name}/{which}.jsonl of copycat",
                        **_made(name, f"prompt set {which}", WORLD_SEED),
                    },
                )


def neutral(_: Release) -> Iterator[tuple[str, Cells]]:
    for name in REGISTRIES:
        for i, row in enumerate(read_table(DATA / "neutral" / f"{name}.jsonl", "table of neutral prompts")):
            yield (
                name,
                {
                    "id": f"neutral/{name}/{i}",
                    "registry": name,
                    "near": row["near"],
                    "text": row["text"],
                    "provenance": row["provenance"],
                    "source": f"data/neutral/{name}.jsonl of copycat",
                    **_made(name, "five kinds, 20 of each", NEUTRAL_SEED, "neutral"),
                },
            )


def captions(_: Release) -> Iterator[tuple[str, Cells]]:
    for row in read_table(DATA / "menagerie" / "corpus.parquet", "table of captions"):
        seed, kind, who = row["seed"], row["kind"], row["character"]
        yield (
            "menagerie",
            {
                "id": f"captions/menagerie/{seed}",
                "registry": "menagerie",
                "kind": kind,
                "character": who or None,
                "text": row["caption"],
                "source": "data/menagerie/corpus.parquet of copycat",
                **_made("menagerie", f"a picture of the kind {kind}{f' of {who}' if who else ''}", seed),
            },
        )


def pictures(_: Release) -> Iterator[tuple[str, Cells]]:
    """Reference pictures of registries whose characters nobody holds rights in; of no other."""
    for name in REGISTRIES:
        registry = load_registry(name)
        if not may_be_shown(registry):
            continue
        for place, c in enumerate(registry.characters):
            for number, path in enumerate(c.references):
                content = Path(path).read_bytes()
                image = decode(content, path).image
                yield (
                    name,
                    {
                        "id": f"pictures/{name}/{c.slug}/{Path(path).name}",
                        "registry": name,
                        "character": c.slug,
                        "width": image.width,
                        "height": image.height,
                        "phash": phash_hex(image),
                        "image": {"bytes": content, "path": f"{c.slug}-{Path(path).name}"},
                        "source": f"{Path(path).relative_to(ROOT).as_posix()} of copycat",
                        "sha256": hashlib.sha256(content).hexdigest(),
                        **_made(
                            name, f"reference picture {number} of {c.slug}", reference_seed(place, number)
                        ),
                    },
                )


def results(_: Release) -> Iterator[tuple[str, Cells]]:
    for path in sorted(RESULTS.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            row = parse_json(line)
            # The text is the line as it is, so that its hash can be compared with the file's.
            yield (
                row["registry"],
                {
                    "id": f"results/{path.stem}/{number}",
                    "registry": row["registry"],
                    "model": row["model"],
                    "mitigation": row["mitigation"],
                    "prompt_set": row["prompt_set"],
                    "protected": row["protected"],
                    "text": line,
                    "source": f"results/leaderboard/{path.name} of copycat",
                    "date": row["date"][:10],
                    "synthetic": False,
                },
            )


def _made(registry: str, what: str, seed: int, verb: str = "corpus") -> Cells:
    """Columns that say how a program made a row, for what a program made."""
    if registry != "menagerie":
        return {"synthetic": False}
    return {
        "synthetic": True,
        "generator": f"copycat {__version__}, `copycat menagerie {verb}`: rules and random numbers, no model",
        "prompt": what,
        "seed": seed,
    }


PARTS: Mapping[str, Callable[[Release], Iterator[tuple[str, Cells]]]] = {
    "characters": characters,
    "prompts": prompts,
    "neutral": neutral,
    "captions": captions,
    "pictures": pictures,
    "results": results,
}
"""What makes the rows of each component, each with the registry that it belongs to."""


def rows(release: Release, part: str) -> Iterator[Cells]:
    """The rows of one part, without those that somebody asked to leave out."""
    component = release.components[part]
    for registry, cells in PARTS[part](release):
        whole = with_provenance(cells, registry, component, release)
        if not is_opted_out(whole, release):
            yield whole


def with_provenance(cells: Cells, registry: str, component: Component, release: Release) -> Cells:
    """`cells` with licence, date and the hash of the text."""
    made = component.made[registry].isoformat()
    told = {"license": release.licence, "date": made, **cells}
    if "text" in told:
        told["sha256"] = hashlib.sha256(told["text"].encode()).hexdigest()
    return told
