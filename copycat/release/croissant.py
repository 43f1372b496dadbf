"""The data set's description in Croissant 1.0."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from copycat.publish.croissant import CITE, CONTEXT, PARQUET
from copycat.release.declared import Release

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
COLUMNS: Mapping[str, str] = {
    "id": "Name of the row, unique in the data set.",
    "registry": "Which registry of characters it belongs to.",
    "character": "The character's slug in that registry.",
    "name": "What people call the character.",
    "aliases": "Other names of it.",
    "owner": "Who holds the rights; of an invented character the invented studio.",
    "protected": "Whether somebody holds rights in the character.",
    "set": "The prompt set.",
    "kind": "What the picture is: character, generic, stray (mislabelled) or knock-off (near-duplicate).",
    "near": "The character that an innocent prompt comes close to.",
    "provenance": "How the text came about, as its file says.",
    "text": "What the row is about: a prompt, a caption, or a record as JSON.",
    "model": "The model that was measured.",
    "mitigation": "The guardrail that was measured.",
    "prompt_set": "The prompts that it was measured with.",
    "width": "In pixels.",
    "height": "In pixels.",
    "phash": "Perceptual hash, 63 bits as 16 hex digits.",
    "image": "The picture itself, in the bytes whose SHA-256 is `sha256`.",
    "source": "The file of copycat that it is from.",
    "license": "Its licence, as SPDX names it.",
    "date": "When it was made.",
    "synthetic": "Whether a program made it.",
    "generator": "The program that made it.",
    "prompt": "What that program was asked for.",
    "seed": "What it followed from.",
    "sha256": "Hash of the text in UTF-8, or of the picture's file.",
}
"""What each column means, wherever it stands."""


@dataclass(frozen=True)
class Part:
    """One table as it was written."""

    name: str
    about: str
    file: str
    rows: int
    size: int
    """Bytes."""
    sha256: str
    schema: pa.Schema


def croissant(release: Release, parts: Sequence[Part], contact: str) -> dict[str, Any]:
    """The description as JSON-LD."""
    return {
        "@context": json.loads(CONTEXT.read_text(encoding="utf-8")),
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": release.title,
        "description": " ".join(p.about for p in parts),
        "url": contact if contact.startswith("https://") else ".",
        "license": f"https://spdx.org/licenses/{release.licence}",
        "creator": {"@type": "Organization", "name": "The copycat authors"},
        "datePublished": release.date.isoformat(),
        "version": release.version,
        "citeAs": CITE,
        "isLiveDataset": False,
        "keywords": ["text-to-image", "copyright", "characters", "prompts", "evaluation"],
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": p.file,
                "name": p.file.rpartition("/")[2],
                "description": p.about,
                "contentUrl": p.file,
                "contentSize": f"{p.size} B",
                "encodingFormat": PARQUET,
                "sha256": p.sha256,
            }
            for p in parts
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": p.name,
                "name": p.name,
                "description": p.about,
                "field": [_field(p, f) for f in p.schema],
            }
            for p in parts
        ],
    }


def _field(part: Part, field: pa.Field) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{part.name}/{field.name}",
        "name": field.name,
        "description": COLUMNS[field.name],
        "dataType": _type(field),
        **({"repeated": True} if pa.types.is_list(field.type) else {}),
        "source": {"fileObject": {"@id": part.file}, "extract": {"column": field.name}},
    }


def _type(field: pa.Field) -> str:
    if field.name == "image":
        return "sc:ImageObject"
    if pa.types.is_boolean(field.type):
        return "sc:Boolean"
    return "sc:Integer" if pa.types.is_integer(field.type) else "sc:Text"
