"""The dataset card: `README.md` with the front matter that the hub reads, and the figures filled in."""

from __future__ import annotations

import html
import shlex
from collections.abc import Sequence
from typing import Any

import yaml

from copycat.publish.collect import Publication
from copycat.publish.croissant import summary
from copycat.publish.responsible import limits
from copycat.publish.tables import IMAGES, TABLES, File, described
from copycat.report import reproduction, table_markdown
from copycat.report.page import environment
from copycat.report.words import origin_sentence
from copycat.runs.data import RunData
from copycat.runs.manifest import RECORDED, Manifest

SPLIT = "test"
"""The name of the one split of each configuration: nothing here is for training."""
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))


def card(publication: Publication, files: Sequence[File]) -> str:
    """The whole README; what users named themselves is text in it, never markup."""
    tables = []
    for table in publication.tables:
        rows = sum(f.rows for f in files if f.table is table)
        tables.append((table, rows, described(table, publication.payloads)))
    # Markdown, in which `text` and `code` escape what users named.
    engine = environment("copycat.publish", escape=False)
    engine.filters.update(text=text, code=code)
    page = engine.get_template("README.md.j2").render(
        front=yaml.safe_dump(_front(publication, files), sort_keys=False, allow_unicode=True, width=100),
        publication=publication,
        summary=summary(publication),
        command=command,
        machine=_machine,
        origin_sentence=origin_sentence,
        figures=_figures,
        pictures=pictures_sentence(publication),
        raters=raters_sentence(publication),
        limits=limits(publication),
        where=publication.repository or "path/to/this/folder",
        split=SPLIT,
        tables=tables,
        measures=tuple({m.name: m for run in publication.runs for m in run.measures}.values()),
    )
    return f"{page}\n"


def text(words: str) -> str:
    """`words` as text in Markdown: no HTML, no table cell of their own, no new line."""
    plain = html.escape(" ".join(words.split()), quote=False)
    return plain.replace("|", "\\|").replace("[", "\\[")


def code(words: str) -> str:
    """`words` as code in Markdown, in a fence that they cannot end."""
    fence = "``" if "`" in words else "`"
    plain = " ".join(words.split()).replace("``", "`")
    return f"{fence} {plain} {fence}" if "`" in words else f"{fence}{plain}{fence}"


def pictures_sentence(publication: Publication) -> str:
    """Whether the pictures are here, and why not."""
    kept = "Their SHA-256, perceptual hash, prompts, verdicts and scores are all here."
    if publication.pictures:
        told = "The pictures are in the column `image` of `images`, in the bytes that were judged."
        if publication.protected:
            told += (
                " They may show protected characters; the publisher stated to hold the right to publish them."
            )
        return told
    if publication.protected:
        return (
            "The pictures are withheld: they were made to show characters that somebody holds rights in, and "
            f"publishing them could itself be a copy of a protected work. {kept}"
        )
    return f"The pictures are not part of this dataset; the publisher left them out. {kept}"


def raters_sentence(publication: Publication) -> str:
    """How raters are called here, and why; empty where nobody labelled anything."""
    people = publication.people
    if not people.raters:
        return ""
    several = len(people.raters) > 1
    who = f"The {len(people.raters)} raters" if several else "The one rater"
    if people.named:
        return f"{who} of these pictures {'go' if several else 'goes'} by name, as the publisher chose."
    return (
        f"{who} of these pictures {'go by pseudonyms' if several else 'goes by a pseudonym'}, since names of "
        "people are personal data; who they are stayed with the publisher."
    )


def command(run: RunData) -> str:
    """The command that makes such a run; for imported pictures the one that took them in."""
    config, origin = run.manifest.config, reproduction.imported_from(run.manifest)
    judge = (run.manifest.judge or "").partition("@")[0]
    if judge.startswith(RECORDED):
        # It cannot be asked; what its table of answers was called is not known.
        more = ["import-verdicts", run.path.name, "TABLE", "--judge", judge.removeprefix(RECORDED)]
    else:
        more = ["rejudge", run.path.name, "--judge", judge]
    if origin is not None:
        made = shlex.join(["copycat", "import-images", origin.source, "--registry", config.registry])
    else:
        made = reproduction.command(config)
    if origin is None and judge == config.judge:
        return made
    # The figures are of another judge than the one that was asked already.
    return f"{made} && {shlex.join(['copycat', *more])}"


def _front(publication: Publication, files: Sequence[File]) -> dict[str, Any]:
    rows = sum(f.rows for f in files if f.table is IMAGES)
    sets = {r.prompt_set for run in publication.runs for r in run.requests}
    return {
        "pretty_name": publication.title,
        "license": publication.licence,
        # `mul` is ISO 639-3 for several languages: that set holds names in other languages.
        "language": ["en", *(["mul"] if any("languages" in s for s in sets) else [])],
        "task_categories": ["text-to-image"],
        "size_categories": [size_category(rows)],
        "tags": ["copycat", "text-to-image", "copyright", "guardrails", "evaluation", "croissant"],
        "configs": [
            {
                "config_name": table.name,
                **({"default": True} if table is TABLES[0] else {}),
                "data_files": [{"split": SPLIT, "path": [f.path for f in files if f.table is table]}],
            }
            for table in publication.tables
        ],
    }


def size_category(rows: int) -> str:
    """What the hub calls a data set of so many rows."""
    return next((name for below, name in _SIZES if rows < below), "1M<n<10M")


def _machine(manifest: Manifest) -> str:
    hardware = ", ".join(f"{v} cores" if k == "cores" else v for k, v in manifest.hardware.items())
    device = f"; device {manifest.device}" if manifest.device else ""
    return f"{hardware or 'not recorded'}{device}"


def _figures(run: RunData) -> str:
    """The run's table, without its own heading, which is the model's name; the run's stands above it."""
    body = table_markdown(run).partition("\n")[2].strip()
    return html.escape(body, quote=False).replace("\n## ", "\n#### ")
