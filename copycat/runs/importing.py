"""Pictures made elsewhere, as a run folder that every stage after drawing works on."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from copycat.cards.judges import load_judge_card
from copycat.config import RunConfig
from copycat.errors import BadFile, CopycatError, UserError
from copycat.io import pictures as files
from copycat.io import safe
from copycat.io.tables import Cells, filled, lacking, read_table
from copycat.judges.base import check_judge, usual_judge
from copycat.records import ImageRow, Request, Row, Sampling, Step, noise_seed
from copycat.runs.clone import check_new, staged
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import Manifest, Origin, StageRecord, now
from copycat.runtime.progress import Progress
from copycat.subjects.characters import Registry, load_registry

_ALIASES = {"file_name": "file", "text": "prompt"}
"""Columns as the hub's folders of pictures call them."""
_NEEDED = ("file", "character", "prompt")
_SHOWN = 3
PLACEHOLDERS = "made elsewhere: steps, guidance and noise seed are placeholders"
"""What the provenance of an imported picture says of its settings."""


class Given(Row):
    """One row of the table: a picture and what it was asked for."""

    file: str = Field(min_length=1)
    """Relative to the folder."""
    character: str = Field(min_length=1)
    """Slug, name or alias in the registry."""
    prompt: str = Field(min_length=1)
    """As it was sent to the model."""
    source_prompt: str = ""
    """Before a mitigation changed it; the prompt itself when empty."""
    prompt_set: str = "imported"
    seed: int = Field(default=0, ge=0)
    """Of the run: pictures of two mitigations with the same seed are compared as a pair."""
    mitigation: str = "none"
    model: str = ""
    negative: str = ""
    revised_prompt: str | None = None


@dataclass(frozen=True)
class PictureFile:
    """A picture that opens, as it lies on disk."""

    path: Path
    sha256: str
    suffix: str
    height: int
    """Of the upright picture, in pixels."""
    width: int
    animated: bool
    """Whether it has further frames, which are not judged."""


@dataclass(frozen=True)
class _Picture:
    given: Given
    file: PictureFile


def import_images(
    folder: Path,
    out: Path,
    *,
    registry: str,
    table: Path | None = None,
    model: str = "imported",
    judge: str | None = None,
    progress: Progress | None = None,
) -> RunFolder:
    """Make `out` a run of the pictures in `folder` that `table` lists; their bytes are kept.

    Without `table`, `metadata.csv`, `metadata.jsonl` or `metadata.parquet` in the folder. Nothing is
    written unless all is well: raises BadFile for a table or picture that is not, UserError for a judge that
    does not know the characters and for rows of several models, RunConflict for an `out` that is taken.
    """
    check_new(out)
    if not folder.is_dir():
        raise BadFile(f"{folder} is not a folder of pictures.")
    people = load_registry(registry)
    table = table or _metadata(folder)
    rows = _read(table, people)
    name = _model(rows, model)
    chosen = judge or usual_judge(people)
    asked = {r.character for r in rows}
    check_judge(load_judge_card(chosen), people, [c for c in people.characters if c.slug in asked])
    pictures = _open(folder, table, rows, progress or Progress())
    identity = identity_of(name, (p.file for p in pictures))
    requests = _requests(pictures, identity)
    config = RunConfig(
        model=name,
        registry=registry,
        mitigations=tuple(r.mitigation for r in requests),
        prompts=tuple(r.prompt_set for r in requests),
        seeds=tuple(r.run_seed for r in requests),
        characters=tuple(r.character for r in requests),
        judge=chosen,
        out=out,
    )
    moment = now()
    manifest = Manifest.fresh(config, identity).model_copy(
        update={
            "origin": Origin(how="imported", source=folder.resolve().name),
            "notes": animated_note(p.file for p in pictures),
            "stages": {"generate": StageRecord(status="complete", started=moment, finished=moment)},
        }
    )
    return _write(out, pictures, requests, manifest, people)


def _metadata(folder: Path) -> Path:
    for name in ("metadata.csv", "metadata.jsonl", "metadata.parquet"):
        if (folder / name).is_file():
            return folder / name
    raise BadFile(
        f"{folder} has no metadata.csv or metadata.jsonl; name the table of its pictures with --csv "
        "(columns file, character, prompt)."
    )


def _read(table: Path, registry: Registry) -> list[Given]:
    """The rows of the table, their characters as slugs; BadFile tells what is wrong with the first few."""
    rows, wrong = [], []
    for number, cells in enumerate(_cells(table), 1):
        try:
            row = Given.model_validate(cells)
            slug = registry.select([row.character])[0].slug
            rows.append(row.model_copy(update={"character": slug}))
        except ValidationError as e:
            first = e.errors()[0]
            wrong.append(f"row {number}: {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}")
        except CopycatError as e:
            wrong.append(f"row {number}: {e}")
    _refuse(table, wrong)
    return rows


def _refuse(table: Path, wrong: Sequence[str]) -> None:
    if wrong:
        told = "; ".join(w.rstrip(".") for w in wrong[:_SHOWN])
        more = f"; and {len(wrong) - _SHOWN} more rows" if len(wrong) > _SHOWN else ""
        raise BadFile(f"{table}: {told}{more}. Nothing was imported.")


def _cells(table: Path) -> Iterator[Cells]:
    """Cells by our names for the columns; those without a value and columns that we do not know left out."""
    rows = [{_ALIASES.get(k, k): v for k, v in row.items()} for row in read_table(table, "table of pictures")]
    if not rows:
        raise BadFile(f"{table} lists no picture.")
    if missing := lacking(rows, _NEEDED):
        raise BadFile(f"{table} has no column {', '.join(missing)}; it needs {', '.join(_NEEDED)}.")
    for row in rows:
        yield {k: v for k, v in filled(row).items() if k in Given.model_fields}


def _model(rows: Sequence[Given], default: str) -> str:
    names = list(dict.fromkeys(r.model or default for r in rows))
    if len(names) > 1:
        raise UserError(
            f"The table has pictures of {len(names)} models ({', '.join(names[:_SHOWN])}); a run is of one, "
            "so import a table for each, and set them side by side with `copycat table`."
        )
    return safe.name(names[0].replace("/", "-"), "The model's name")


def _open(folder: Path, table: Path, rows: Sequence[Given], progress: Progress) -> list[_Picture]:
    found, wrong, seen = [], [], dict[Path, int]()
    progress.start("read", len(rows))
    try:
        for number, row in enumerate(rows, 1):
            try:
                path = safe.inside(folder, row.file, f"row {number}")
                if path.resolve() in seen:
                    raise BadFile(f"row {number}: {row.file} is row {seen[path.resolve()]} already")
                seen[path.resolve()] = number
                found.append(_Picture(row, open_picture(path, f"row {number}: {row.file}")))
            except BadFile as e:
                wrong.append(str(e))
            progress.advance(1)
    finally:
        progress.done()
    _refuse(table, wrong)
    return found


def open_picture(path: Path, where: str) -> PictureFile:
    """The picture at `path`; BadFile, which begins with `where`, for what is none that is taken."""
    if not path.is_file():
        raise BadFile(f"{where} is not there")
    content = files.read_bytes(path, where)
    found = files.decode(content, where)
    width, height = found.image.size
    suffix = files.FORMATS[found.format]
    return PictureFile(path, hashlib.sha256(content).hexdigest(), suffix, height, width, found.animated)


def animated_note(pictures: Iterable[PictureFile]) -> tuple[str, ...]:
    """What a reader of the numbers must know where some pictures move; nothing where none does."""
    moving = sum(p.animated for p in pictures)
    return (f"Animated pictures: {moving}; of each the first frame is judged and shown.",) * (moving > 0)


def identity_of(name: str, pictures: Iterable[PictureFile]) -> str:
    """The model's name and a hash of all pictures, which stands for the weights that nobody told."""
    every = "\n".join(sorted(p.sha256 for p in pictures))
    return f"{name}@{_short(every)}"


def _short(every: str) -> str:
    """12 digits of a hash."""
    return hashlib.sha256(every.encode()).hexdigest()[:12]


def _requests(pictures: Sequence[_Picture], model: str) -> list[Request]:
    """One request a picture; the picture's hash in its provenance makes the identity one of these pixels."""
    prompts: dict[tuple[str, str, str], dict[str, int]] = {}
    drawn: Counter[tuple[object, ...]] = Counter()
    requests = []
    for p in pictures:
        g = p.given
        source = g.source_prompt or g.prompt
        # Prompts are numbered within a mitigation, so that those of two mitigations pair by their order.
        numbers = prompts.setdefault((g.character, g.prompt_set, g.mitigation), {})
        number = numbers.setdefault(source, len(numbers))
        place = (g.character, g.prompt_set, g.mitigation, number, g.seed)
        index = drawn[place]
        drawn[place] += 1
        requests.append(
            Request(
                model=model,
                character=g.character,
                prompt_set=g.prompt_set,
                prompt_index=number,
                index=index,
                run_seed=g.seed,
                seed=noise_seed(g.seed, g.character, g.prompt_set, number, index),
                mitigation=g.mitigation,
                source_prompt=source,
                prompt=g.prompt,
                negative=g.negative,
                sampling=Sampling(steps=1, guidance=0, height=p.file.height, width=p.file.width),
                provenance=(
                    Step(
                        name="imported",
                        config={"file": g.file, "sha256": p.file.sha256},
                        note=PLACEHOLDERS,
                    ),
                ),
            ).with_id()
        )
    return requests


def _write(
    out: Path, pictures: Sequence[_Picture], requests: Sequence[Request], manifest: Manifest, people: Registry
) -> RunFolder:
    rows = []
    with staged(out) as new:
        for p, request in zip(pictures, requests, strict=True):
            file = new.picture_file(request, p.file.suffix)
            (new.path / file).parent.mkdir(exist_ok=True)
            shutil.copyfile(p.file.path, new.path / file)
            told = p.given.revised_prompt
            rows.append(
                ImageRow(
                    request=request.id, outcome="ok", file=file, sha256=p.file.sha256, revised_prompt=told
                )
            )
        new.request_journal.replace(requests)
        new.image_journal.replace(rows)
        new.write_registry(people)
        new.write_manifest(manifest)
    return RunFolder(out)
