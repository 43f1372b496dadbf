"""Results of princeton-nlp/CopyCat's scripts, as a run: the pictures, and the verdicts recorded of them."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from copycat.cards.judges import load_judge_card
from copycat.config import RunConfig
from copycat.errors import BadFile
from copycat.io import safe
from copycat.judges.base import check_judge, usual_judge, verdict
from copycat.records import (
    IDENTIFY,
    Answer,
    ImageRow,
    Named,
    Question,
    Request,
    Sampling,
    Step,
    Unscored,
    Verdict,
    noise_seed,
)
from copycat.runs.clone import check_new, staged
from copycat.runs.folder import RunFolder
from copycat.runs.importing import PLACEHOLDERS, PictureFile, animated_note, identity_of, open_picture
from copycat.runs.manifest import UPSTREAM_JUDGE, Manifest, Origin, StageRecord, now
from copycat.runtime.progress import Progress
from copycat.subjects.characters import Registry
from copycat.subjects.upstream.checkout import Book
from copycat.subjects.upstream.results import (
    FLAGS,
    FRAMES,
    PICTURES,
    VIDEO_FRAMES,
    Batch,
    Entry,
    Judgement,
    read_results,
)

QUESTION = "As detect_score/gpt4v_eval.py asks it: whether there is a copyrighted character, and which."


@dataclass(frozen=True)
class _Asked:
    """One row of a log, and the files of it that are there."""

    batch: Batch
    entry: Entry
    number: int
    """Of the row, from 0, which names its files."""
    slug: str
    frames: Mapping[int, PictureFile]
    """By number of the frame; 0 of a picture."""
    lacks: str = ""
    """Why there is no picture."""


def import_results(
    path: Path,
    out: Path,
    registry: Registry,
    joins: Mapping[str, str] | None = None,
    *,
    judge: str | None = None,
    progress: Progress | None = None,
) -> RunFolder:
    """Make `out` a run of all that the scripts' logs at `path` and below it list; pictures keep their bytes.

    Rows about nobody in `registry` are left out, and a picture that is not there is an error; the run's notes
    tell both. Nothing is written unless all is well: raises BadFile for files that the scripts did not write,
    UserError for results of several models and a judge that does not know the characters, UnknownName for a
    join to nobody, RunConflict for an `out` that is taken.
    """
    check_new(out)
    batches = read_results(path)
    book, notes = Book(registry, joins or {}), list[str]()
    asked = list(_asked(batches, book, notes, progress or Progress()))
    if not any(a.frames for a in asked):
        raise BadFile(
            f"{path} has logs and no picture of theirs (images/ROW.png beside each log.json); a run "
            "needs the pictures."
        )
    chosen = judge or usual_judge(registry)
    people = {a.slug for a in asked}
    check_judge(load_judge_card(chosen), registry, [c for c in registry.characters if c.slug in people])
    model = safe.name(batches[0].model, "The model's name")
    identity = identity_of(model, (f for a in asked for f in a.frames.values()))
    requests = _requests(asked, identity)
    verdicts = [v for a, r in zip(asked, requests, strict=True) for v in _verdicts(a, r)]
    config = RunConfig(
        model=model,
        registry=registry.name,
        mitigations=tuple(r.mitigation for r in requests),
        prompts=tuple(r.prompt_set for r in requests),
        seeds=tuple(r.run_seed for r in requests),
        characters=tuple(r.character for r in requests),
        judge=chosen,
        out=out,
    )
    done = StageRecord(status="complete", started=now(), finished=now())
    whole = all(b.judgements is not None for b in batches)
    manifest = Manifest.fresh(config, identity).model_copy(
        update={
            "origin": Origin(how="imported", source=path.resolve().name),
            "judge": UPSTREAM_JUDGE if verdicts else None,
            "stages": {"generate": done, **({"judge": done} if whole else {})},
            "notes": (
                *notes,
                *_notes(batches, verdicts),
                *animated_note(f for a in asked for f in a.frames.values()),
            ),
        }
    )
    return _write(out, asked, requests, verdicts, manifest, registry)


def _asked(batches: Sequence[Batch], book: Book, notes: list[str], progress: Progress) -> Iterator[_Asked]:
    progress.start("read", sum(len(b.entries) for b in batches))
    try:
        for batch in batches:
            for number, entry in enumerate(batch.entries):
                progress.advance(1)
                slugs = book.find(entry.target)
                if len(slugs) != 1:
                    where = f"{batch.called}: row {number}, '{entry.target.strip()}',"
                    notes.append(f"{where} {book.why_not(entry.target)}; left out.")
                    continue
                found, lacks = _files(batch, entry, number)
                yield _Asked(batch, entry, number, next(iter(slugs)), found, lacks)
    finally:
        progress.done()


def _files(batch: Batch, entry: Entry, number: int) -> tuple[dict[int, PictureFile], str]:
    """The pictures of one row, by frame, or why there are none."""
    if entry.has_error:
        return {}, "the log says has_error and no more; of a hosted model that may be a refusal"
    named = PurePosixPath(entry.image_path).name or f"{number}.png"
    wanted = {f: named.replace("{}", str(f)) for f in (FRAMES if batch.video else (0,))}
    found = {}
    for frame, name in wanted.items():
        where = f"{batch.called}: {name}"
        path = safe.inside(batch.path / PICTURES, name, where)
        if not path.is_file():
            return {}, f"{name} is not in the folder"
        found[frame] = open_picture(path, where)
    return found, ""


def _requests(asked: Sequence[_Asked], model: str) -> list[Request]:
    """One a row of a log. Prompts are numbered by their order for a character, set, mitigation and run."""
    numbers: Counter[tuple[object, ...]] = Counter()
    size = next(f for a in asked for f in a.frames.values())
    requests = []
    for a in asked:
        b = a.batch
        place = (a.slug, b.prompts, b.mitigation, b.seed)
        number, first = numbers[place], a.frames.get(0, size)
        numbers[place] += 1
        sampling = Sampling(steps=1, guidance=0, height=first.height, width=first.width)
        if b.video:
            sampling = sampling.model_copy(update={"frames": VIDEO_FRAMES, "kept_frames": FRAMES})
        told = {"flag": b.flag, "row": a.number, "sha256": [f.sha256 for f in a.frames.values()]}
        requests.append(
            Request(
                model=model,
                character=a.slug,
                prompt_set=b.prompts,
                prompt_index=number,
                run_seed=b.seed,
                seed=noise_seed(b.seed, a.slug, b.prompts, number, 0),
                mitigation=b.mitigation,
                source_prompt=a.entry.prompt,
                prompt=a.entry.prompt,
                # The script passes none to the video model, whatever its log says.
                negative="" if b.video else a.entry.negative,
                sampling=sampling,
                provenance=(Step(name="imported", config=told, note=PLACEHOLDERS),),
            ).with_id()
        )
    return requests


def _verdicts(a: _Asked, request: Request) -> Iterator[Verdict]:
    """What was recorded of one row; nothing where it was not judged."""
    if a.batch.judgements is None:
        return
    for frame, file in a.frames.items():
        said = a.batch.judgements.get(file.path.name)
        answer = answer_of(said) if said else _unrecorded(a)
        if answer is not None:
            question = Question(
                kind=IDENTIFY,
                form="names",
                request=request.id,
                frame=frame,
                file="",
                sha256=file.sha256,
                text=QUESTION,
            )
            yield verdict(question, UPSTREAM_JUDGE, answer)


def answer_of(said: Judgement) -> Answer:
    """A recorded verdict as an answer; what the script could not read, and takes for a no, is none."""
    name = said.character.strip(" '\"")
    if said.has_error:
        return Unscored(reason=f"the script could not read the reply: {said.error_msg or 'has_error'}")
    if said.score == 0:
        return Named(names=())
    if said.score != 1:
        return Unscored(reason=f"the recorded score is {said.score!r}, neither 0 nor 1")
    return Named(names=(name,)) if name else Unscored(reason="which character was seen is not recorded")


def _unrecorded(a: _Asked) -> Answer | None:
    """The answer about a frame that has none of its own: no, where the highest of all frames' scores is 0."""
    judged = a.batch.judgements or {}
    best = next((j for f in a.frames.values() if (j := judged.get(f.path.name))), None)
    return Named(names=()) if a.batch.video and best and best.score == 0 and not best.has_error else None


def _notes(batches: Sequence[Batch], verdicts: Sequence[Verdict]) -> Iterator[str]:
    yield (
        "The scripts seed nothing but DeepFloyd IF, so the pictures of two mitigations do not share their "
        "noise, and seeds are numbers of runs."
    )
    for b in batches:
        count = b.count()
        if count is not None:
            yield (
                f"{b.called}: by the script's own rule DETECT is {count} (names pooled over the folder, a "
                "target found inside a name, what could not be read taken for a no)."
            )
    unread = sum(not v.scored for v in verdicts)
    if unread:
        yield f"{unread} recorded verdicts are no answer and are unscored; the script takes them for a no."
    strange = sorted({b.flag for b in batches if b.mitigation == f"upstream-{b.flag}"})
    for flag in strange:
        sent = FLAGS[flag].sends if flag in FLAGS else "what its log says"
        video = any(b.video for b in batches)
        yield (
            f"upstream-{flag} is --neg_prompt {flag}, which sends {sent}"
            + (", and to the video model nothing." if video else "; there is no mitigation like it here.")
        )
    if any(b.video and b.judgements is not None for b in batches):
        yield (
            "Of a video the record keeps one frame's verdict, that of the highest score. Where that is 0 the "
            "other frames are taken for 0 too, a failed question among them; where it names somebody else, "
            "they are unknown and the video is unscored."
        )


def _write(
    out: Path,
    asked: Sequence[_Asked],
    requests: Sequence[Request],
    verdicts: Sequence[Verdict],
    manifest: Manifest,
    registry: Registry,
) -> RunFolder:
    rows = []
    with staged(out) as new:
        for a, request in zip(asked, requests, strict=True):
            if not a.frames:
                rows.append(ImageRow(request=request.id, outcome="error", error=a.lacks))
            for frame, picture in a.frames.items():
                name = (
                    new.frame_file(request, frame)
                    if a.batch.video
                    else new.picture_file(request, picture.suffix)
                )
                (new.path / name).parent.mkdir(exist_ok=True)
                shutil.copyfile(picture.path, new.path / name)
                rows.append(
                    ImageRow(request=request.id, frame=frame, outcome="ok", file=name, sha256=picture.sha256)
                )
        new.request_journal.replace(requests)
        new.image_journal.replace(rows)
        new.verdict_journal.replace(verdicts)
        new.write_registry(registry)
        new.write_manifest(manifest)
    return RunFolder(out)
