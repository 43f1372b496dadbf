"""Croissant 1.1: a dataset's description in JSON-LD, which catalogues and loaders read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from copycat.io.paths import DATA
from copycat.publish.collect import Publication
from copycat.publish.columns import Kind
from copycat.publish.responsible import responsible
from copycat.publish.tables import IMAGES, File, Table

CONTEXT = DATA / "croissant" / "context.json"
"""The context of https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html (appendix 1), with
what the validator of MLCommons expects there beside it, and the namespace of PROV."""
CONFORMS_TO = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
PARQUET = "application/x-parquet"
CITE = (
    "@misc{he2024fantastic, title={Fantastic Copyrighted Beasts and How (Not) to Generate Them}, "
    "author={He, Luxi and others}, year={2024}}"
)
_TYPES: dict[Kind, str] = {"int64": "sc:Integer", "float64": "sc:Float", "bool": "sc:Boolean"}
"""What is no text."""


def croissant(publication: Publication, files: Sequence[File]) -> dict[str, Any]:
    """The description of the dataset with the data files `files`, as JSON-LD."""
    from copycat.publish.remote import page_of

    url = page_of(publication.repository) if publication.repository else "."
    dates = [r.manifest.finished or r.manifest.created for r in publication.runs]
    return {
        "@context": json.loads(CONTEXT.read_text(encoding="utf-8")),
        "@type": "sc:Dataset",
        "conformsTo": list(CONFORMS_TO),
        "name": publication.title,
        "description": summary(publication),
        "url": url,
        "license": _licence(publication.licence),
        "creator": {"@type": "Organization", "name": publication.creator},
        "datePublished": max(dates),
        "version": "1.0.0",
        "citeAs": CITE,
        "isLiveDataset": False,
        "keywords": ["text-to-image", "copyright", "guardrails", "evaluation"],
        **responsible(publication),
        "distribution": [*map(_object, files), *_sets(files)],
        "recordSet": [_records(t, publication, files) for t in publication.tables],
    }


def _licence(name: str) -> str:
    """The address of a licence that SPDX knows, which writes capitals; of any other its name."""
    known = ("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "Apache-2.0", "MIT")
    return next((f"https://spdx.org/licenses/{k}" for k in known if k.lower() == name.lower()), name)


def summary(publication: Publication) -> str:
    """What the dataset is, in a sentence."""
    pictures = sum(len(run.requests) for run in publication.runs)
    people = {(run.registry.name, r.character) for run in publication.runs for r in run.requests}
    models = dict.fromkeys(run.manifest.model for run in publication.runs)
    counted = " and ".join(dict.fromkeys(m.name for run in publication.runs for m in run.tabled))
    return (
        f"{pictures} pictures of {len(people)} characters, asked of {' and '.join(models)} with and without "
        f"guardrails: the prompts as sent, what became of each, every judge's verdicts, and {counted} "
        "with 95 % intervals."
    )


def _object(file: File) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path.rpartition("/")[2],
        "description": file.table.about,
        "contentUrl": file.path,
        "contentSize": f"{file.size} B",
        "encodingFormat": PARQUET,
        "sha256": file.sha256,
    }


def _sets(files: Iterable[File]) -> list[dict[str, Any]]:
    """What stands for the pictures' files where they are several."""
    parts = [f for f in files if f.table is IMAGES]
    if len(parts) < 2:
        return []
    return [
        {
            "@type": "cr:FileSet",
            "@id": "images-files",
            "name": "images-files",
            "description": IMAGES.about,
            "containedIn": [{"@id": f.path} for f in parts],
            "encodingFormat": PARQUET,
            "includes": "data/images-*.parquet",
        }
    ]


def _records(table: Table, publication: Publication, files: Iterable[File]) -> dict[str, Any]:
    parts = [f for f in files if f.table is table]
    if len(parts) > 1:
        source = {"fileSet": {"@id": "images-files"}}
    else:
        source = {"fileObject": {"@id": parts[0].path}}

    def field(name: str, kind: str, about: str, **more: Any) -> dict[str, Any]:
        return {
            "@type": "cr:Field",
            "@id": f"{table.name}/{name}",
            "name": name,
            "description": about,
            "dataType": kind,
            **more,
            "source": {**source, "extract": {"column": name}},
        }

    fields = []
    for c in table.columns:
        several = {"isArray": True, "arrayShape": "-1"} if c.kind == "strings" else {}
        fields.append(field(c.name, _TYPES.get(c.kind, "sc:Text"), c.about, **several))
    if table is IMAGES:
        fields += [
            field(p.column, "sc:ImageObject" if p.picture else "sc:VideoObject", p.about)
            for p in publication.payloads
        ]
    return {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": table.about,
        "field": fields,
    }
