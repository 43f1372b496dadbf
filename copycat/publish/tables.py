"""The tables of a dataset: which columns each has, and what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pydantic import BaseModel

from copycat.characters import Character
from copycat.publish.columns import TYPES, Column, columns_of
from copycat.records import ImageRow, Metric, Request, Verdict

RUN = Column("run", "string", "Name of the run that the row belongs to.", joined=True)
JOINED = (
    Column("character", "string", "Slug of the character that was asked for.", joined=True),
    Column("mitigation", "string", "The guardrail, as the user wrote it; `none` for nothing.", joined=True),
    Column("prompt_set", "string", "Name of the prompt set.", joined=True),
    Column("run_seed", "int64", "The run's seed.", joined=True),
)
"""What a row about a picture repeats of its request, so that it can be grouped without a join."""


@dataclass(frozen=True)
class Table:
    """One configuration of the dataset."""

    name: str
    about: str
    model: type[BaseModel]
    what: str
    """One row in words, for errors."""
    columns: tuple[Column, ...]

    @property
    def schema(self) -> pa.Schema:
        """Its Parquet schema; a column's description travels with it."""
        return pa.schema(
            pa.field(c.name, TYPES[c.kind], metadata={"description": c.about}) for c in self.columns
        )

    def arrow(self, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
        """`rows`, a dict of cells each, as a table."""
        return pa.Table.from_pylist([dict(r) for r in rows], schema=self.schema)


_PROMPTS = {
    "id": "Identity of the picture asked for: the first 16 hex digits of the SHA-256 of all that decides its "
    "pixels.",
    "model": "Model card and identity of its weights.",
    "character": "Slug of the character asked for, in the table `characters`.",
    "prompt_set": "Name of the prompt set.",
    "prompt_index": "Number of the prompt among those of its character and set.",
    "index": "Number of the picture among those of the same prompt and seed.",
    "run_seed": "The run's seed.",
    "seed": "Seed of the noise; the same for every mitigation.",
    "mitigation": "The guardrail, as the user wrote it; `none` for nothing.",
    "source_prompt": "The prompt before the mitigation.",
    "content": "What the prompt asks for beyond the character, where its set says so.",
    "prompt": "The prompt as it was sent.",
    "negative": "The negative prompt as it was sent; empty for none.",
    "steps": "Steps of the sampler.",
    "guidance": "Scale of classifier-free guidance; 1 or less means none.",
    "height": "Height in pixels.",
    "width": "Width in pixels.",
    "frames": "Frames of a video; null for a picture.",
    "fps": "Frames a second of a video; null for a picture.",
    "trail": "JSON list of what shaped the request: `name`, `config` and `note` of each step.",
}
_IMAGES = {
    "request": "`id` in the table `prompts`.",
    "frame": "Number of the judged frame of a video; 0 for a picture.",
    "outcome": "`ok`, `refused_prompt`, `refused_output` or `error`; only `ok` has a picture.",
    "file": "Path of the picture in the run folder; null unless `ok`.",
    "sha256": "SHA-256 of the picture's file, also of one that is withheld; null unless `ok`.",
    "video": "Path of the whole video in the run folder; null for a picture.",
    "strip": "Path of the strip of all frames in the run folder; null for a picture.",
    "seconds": "Wall time in seconds: that of its batch divided by the batch's size; on frame 0 alone.",
    "error": "Why there is no picture, where the model said so.",
    "revised_prompt": "What a hosted model made of the prompt, where it said so.",
    "cost_usd": "Price in US dollars, where it is known.",
    "review": "JSON of what a gate behind the model did to the picture; null without one.",
}
_VERDICTS = {
    "request": "`id` in the table `prompts`.",
    "frame": "Number of the judged frame of a video; 0 for a picture.",
    "kind": "`which` character is it, is it the `target`, is the `key` characteristic shown, is the "
    "`content` shown.",
    "image_sha256": "SHA-256 of the picture that was judged.",
    "judge": "Judge card and identity of its weights.",
    "question": "The question as it was asked.",
    "question_hash": "Identity of the question and of the reference pictures beside it.",
    "item": "`content`: the thing asked about; else null.",
    "status": "`scored`, or `unscored` when the judge failed or did not answer; that is never a no.",
    "score": 'P("Yes") in [0, 1], higher means yes; null for `which` and where unscored.',
    "mass": "P(yes words) + P(no words) in [0, 1]; low means that the question was not answered.",
    "names": "`which`: the names that the judge gave, none for nobody; else null.",
    "reply": "The judge's reply, where it replies in words.",
    "reason": "Why it is unscored.",
    "voters": "Of a panel's verdict: the members whose answers it follows from.",
}
_METRICS = {
    "metric": "`DETECT`, `DETECT_targeted` (characters that come out recognisable, lower is safer), `CONS` "
    'or `CONS_prompt` (mean P("Yes") in [0, 1], higher is better).',
    "mitigation": "The guardrail, as the user wrote it; `none` for nothing.",
    "prompt_set": "Name of the prompt set.",
    "value": "DETECT: expected number of characters detected, of `characters`; CONS: mean in [0, 1]. Null "
    "when nothing was scored.",
    "sd": "Sample standard deviation over seeds; null with one seed.",
    "low": "Lower end of the 95 % interval, clustered by character.",
    "high": "Upper end of the 95 % interval, clustered by character.",
    "corrected": "DETECT corrected for the judge's errors (Rogan and Gladen 1978); null without rates.",
    "corrected_low": "Lower end of its 95 % interval.",
    "corrected_high": "Upper end of its 95 % interval.",
    "corrected_note": "Which error rates it was corrected with, and whether it was clipped.",
    "characters": "Characters asked for.",
    "images": "Pictures planned.",
    "scored": "Pictures with a scored verdict: the denominator.",
    "unscored": "Pictures whose verdict is missing or unscored; in no denominator.",
    "refused": "Pictures that the model refused; in no denominator.",
    "errors": "Pictures that failed; in no denominator.",
    "method": "How the interval was made.",
}
_CHARACTERS = {
    "slug": "Identity in the registry.",
    "name": "Its name.",
    "aliases": "Other names.",
    "names": "JSON of names in other languages, by ISO 639-1 code.",
    "owner": "Who holds the rights, or the invented studio.",
    "origin": "JSON of work, medium, country and year of first appearance; null where unknown.",
    "public_domain": "What of the character is free of copyright; empty where nothing is.",
    "key": "The key characteristic that CONS asks about.",
    "generic": "What a rewriter puts in place of the name.",
    "marks": "JSON list of give-away attributes and the words that stand in for them.",
    "lookalikes": "Figures that share its species and colour and are not it.",
    "keywords": "Words that go with it, most telling first.",
    "references": "Its reference pictures, by their path in copycat's data folder.",
    "training_images": "Pictures of it in the model's training, where that is known.",
}
PHASH = Column(
    "phash",
    "string",
    "Perceptual hash, 63 bits as 16 hex digits (signs of the lowest frequencies, Zauner 2010); null where "
    "the picture was not at hand.",
    joined=True,
)
REGISTRY = (
    Column("registry", "string", "Name of the registry.", joined=True),
    Column("registry_version", "int64", "Its version.", joined=True),
    Column("protected", "bool", "Whether somebody holds rights in the character.", joined=True),
)


def _table(
    name: str, about: str, model: type[BaseModel], what: str, told: Mapping[str, str], *more: Column
) -> Table:
    return Table(name, about, model, what, (*more, *columns_of(model, told)))


CHARACTERS = _table(
    "characters",
    "Everyone who could be named.",
    Character,
    "a character",
    _CHARACTERS,
    *REGISTRY,
)
PROMPTS = _table(
    "prompts", "Every picture that was planned, with its prompt as sent.", Request, "a request", _PROMPTS, RUN
)
IMAGES = _table("images", "What became of each.", ImageRow, "a picture's row", _IMAGES, RUN, *JOINED, PHASH)
VERDICTS = _table(
    "verdicts", "What every judge said about each picture.", Verdict, "a verdict", _VERDICTS, RUN, *JOINED
)
METRICS = _table(
    "metrics", "The numbers, each with its interval and denominators.", Metric, "a metric", _METRICS, RUN
)
TABLES = (METRICS, VERDICTS, IMAGES, PROMPTS, CHARACTERS)
"""The first is the one that a reader gets who asks for none."""


@dataclass(frozen=True)
class Payload:
    """A column of whole files."""

    column: str
    field: str
    """The field of ImageRow with the file's path."""
    picture: bool
    """Whether the files are pictures; else they are videos."""
    about: str


PAYLOADS = (
    Payload("image", "file", True, "The picture itself, in the bytes whose SHA-256 is `sha256`."),
    Payload("strip_image", "strip", True, "All frames of a video side by side; on frame 0 alone."),
    Payload("video_bytes", "video", False, "The whole video as MP4; on frame 0 alone."),
)


def described(table: Table, payloads: Iterable[Payload]) -> list[tuple[str, str, str]]:
    """(name, type, description) of every column, those of whole files included."""
    told = [(c.name, _WORDS.get(c.kind, c.kind), c.about) for c in table.columns]
    if table is IMAGES:
        told += [(p.column, "image" if p.picture else "binary", p.about) for p in payloads]
    return told


_WORDS = {"strings": "list of string", "json": "string (JSON)"}


@dataclass(frozen=True)
class File:
    """One data file of a dataset."""

    path: str
    """Relative to the dataset's folder."""
    table: Table
    rows: int
    size: int
    """Bytes."""
    sha256: str
