"""Opening and scoring a run of a million verdicts, and the rest of what reads that many rows.

`python -m benchmarks.million_rows` writes a run folder with that many verdicts (`--verdicts`; up to four to
a picture, by a judge that gives probabilities), without its pictures, then measures each step in a process of
own: seconds of wall clock and of the processor, and the peak of resident memory with all imported packages.

- open: the folder's rows read, checked and joined (`RunFolder.data`); score: `stages.score.compute` on them.
- one by one: what a row object for each line of the same files takes alone; nothing is joined or computed.
- with `--more`: a thousand verdicts appended to the journal ten at a time, the questions that a judge has not
  answered (as a resumed run finds them), the whole of `copycat score`, `copycat verify`, which finds that the
  pictures are missing, and the page. These make objects of most rows.

`--folder FOLDER` keeps the run there, or measures the one that is there; `--step NAME` measures one step, in
this process. On a busy machine the seconds of the processor say more, and the ratio to `one by one` most.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TypeVar

from copycat.cards.judges import load_judge_card
from copycat.config import RunConfig
from copycat.judges.base import identify, question_hash
from copycat.measures import measures
from copycat.records import (
    Answer,
    Figure,
    ImageRow,
    Named,
    Outcome,
    Question,
    Request,
    Row,
    Sampling,
    Step,
    Unscored,
    Verdict,
    YesNo,
    digest,
    noise_seed,
)
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import Manifest, StageRecord, now
from copycat.runtime.environment import peak_rss_mb
from copycat.runtime.progress import Progress
from copycat.stages.judge import find_judging, open_questions
from copycat.stages.report import report
from copycat.stages.score import compute, score
from copycat.stages.verify import verify
from copycat.subjects.characters import Character, Registry, load_registry

T = TypeVar("T")
MITIGATIONS = ("none", "negprompt", "rewrite", "rewrite+negprompt", "gate+rewrite")
PROMPTS = 40
"""Of each character; every fifth of them is an innocent one."""
SAMPLING = Sampling(steps=50, guidance=7.0, height=1024, width=1024)
MODEL = "sdxl@0123456789ab"
DRAWN = 3
"""Run seeds whose rows are made one by one; those of further ones are theirs with other identities."""
MARK = "0000"
"""How every identity and hash of those begins; the number of their seed takes its place."""


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def request(c: Character, number: int, mitigation: str, draw: int) -> Request:
    """A long prompt, and what a mitigation notes of it."""
    name = "also:neutral" if number % 5 == 4 else ("name", "description")[number % 2]
    prompt = f"{c.generic} on a hill at dusk, number {number}, in the style of a painted storybook page"
    step = Step(name=mitigation, config={"words": 5}, note="what it did, in words for a reader of the rows")
    return Request(
        id=MARK + digest([draw, c.slug, number, mitigation])[len(MARK) :],
        model=MODEL,
        character=c.slug,
        prompt_set=name,
        prompt_index=number,
        run_seed=0,
        seed=noise_seed(draw, c.slug, name, number, 0),
        mitigation=mitigation,
        source_prompt=prompt,
        content=(c.generic,),
        prompt=prompt if mitigation == "none" else f"{prompt}, without anything that anybody owns",
        negative=c.name if "negprompt" in mitigation else "",
        sampling=SAMPLING,
        provenance=() if mitigation == "none" else (step,),
    )


def image(r: Request, chance: random.Random) -> ImageRow:
    outcome: Outcome = chance.choices(("ok", "refused_output", "error"), (97, 2, 1))[0]
    if outcome != "ok":
        return ImageRow(request=r.id, outcome=outcome, error="out of memory", seconds=1.5)
    sha256, seconds = MARK + (digest(["picture", r.id]) * 4)[len(MARK) :], round(2 + chance.random(), 4)
    return ImageRow(request=r.id, outcome="ok", file=f"images/{r.id}.png", sha256=sha256, seconds=seconds)


def verdicts(
    r: Request, row: ImageRow, registry: Registry, chance: random.Random, judge: str
) -> Iterator[Verdict]:
    """The answers to all that measures ask about one picture."""
    asked = {q.kind: q for m in measures() for q in m.questions(r, row, registry)}
    for kind, q in asked.items():
        yield Verdict(
            request=r.id,
            kind=kind,
            image_sha256=q.sha256,
            judge=judge,
            question=q.text,
            question_hash=question_hash(q),
            item=q.item,
            answer=_answer(q, registry[r.character], registry, chance),
            reply="Yes" if kind != "identify" else "Name: somebody",
        )


def _answer(q: Question, mine: Character, registry: Registry, chance: random.Random) -> Answer:
    if chance.random() < 0.005:
        return Unscored(reason="neither Yes nor No")
    if q.kind != "identify":
        return YesNo(p_yes=chance.random(), answer_probability=chance.random())
    other = chance.choice(registry.characters)
    named = chance.choices((mine.name, other.name, "a small creature in a hat"), (4, 2, 4))[0]
    return Named.of([Figure(name=named)])


def write(folder: RunFolder, wanted: int) -> None:
    """A run with at least as many verdicts as `wanted`, all of it judged, whose pictures are not there."""
    registry, chance, judge = load_registry("menagerie"), random.Random(0), load_judge_card("menagerie")
    folder.path.mkdir(parents=True)
    drawn = []
    for draw in range(DRAWN):
        everybody = ((c, n) for c in registry.characters for n in range(PROMPTS))
        requests = [request(c, n, m, draw) for c, n in everybody for m in MITIGATIONS]
        images = [image(r, chance) for r in requests]
        pairs = [(r, row) for r, row in zip(requests, images, strict=True) if row.outcome == "ok"]
        said = [v for r, row in pairs for v in verdicts(r, row, registry, chance, identify(judge))]
        drawn.append(
            tuple("".join(f"{row.model_dump_json()}\n" for row in rows) for rows in (requests, images, said))
        )
    journals = (folder.request_journal, folder.image_journal, folder.verdict_journal)
    files = [journal.path.open("w", encoding="utf-8") for journal in journals]
    made = 0
    for seed in count():
        if made >= wanted:
            break
        for file, text in zip(files, drawn[seed % DRAWN], strict=True):
            mine = f"{seed:0{len(MARK)}x}"
            text = text.replace(f'"{MARK}', f'"{mine}').replace(f"images/{MARK}", f"images/{mine}")
            file.write(text.replace('"run_seed":0', f'"run_seed":{seed}'))
        made += drawn[seed % DRAWN][2].count("\n")
    for file in files:
        file.close()
    done = StageRecord(status="complete", started=now(), finished=now())
    config = RunConfig(model="menagerie", mitigations=MITIGATIONS, prompts=("name", "description"))
    manifest = Manifest.fresh(config, MODEL)
    stages = dict.fromkeys(("generate", "judge"), done)
    folder.write_manifest(manifest.model_copy(update={"judge": identify(judge), "stages": stages}))


def _timed(what: str, step: Callable[[], T], told: Callable[[T], str] = lambda _: "") -> T:
    """What `step` gives; a line says how long it took, and what is `told` of it."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = step()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = f"at most {peak_rss_mb():,.0f} MB"
    say(f"{what:<12}{wall:>8.1f} s, {cpu:>6.1f} s of a processor; {peak} {told(found)}")
    return found


def _open(folder: RunFolder) -> RunData:
    def joined() -> RunData:
        data = folder.data()
        if not data.frames or not data.judged.verdicts:
            raise ValueError(f"{folder.path} holds no run")
        return data

    return _timed(
        "open", joined, lambda d: f"{len(d.verdict_rows):,} verdicts on {len(d.requests):,} pictures"
    )


def _score(folder: RunFolder) -> None:
    data = _open(folder)
    _timed(
        "score", lambda: compute(data), lambda m: f"{len(m)} numbers, {digest([x.model_dump() for x in m])}"
    )


def _one_by_one(folder: RunFolder) -> None:
    kinds: dict[type[Row], Path] = {
        Request: folder.request_journal.path,
        ImageRow: folder.image_journal.path,
        Verdict: folder.verdict_journal.path,
    }

    def objects() -> list[Row]:
        return [kind.model_validate_json(line) for kind, path in kinds.items() for line in path.open("rb")]

    _timed("one by one", objects)


def _append(folder: RunFolder) -> None:
    journal = folder.verdict_journal
    said, whole = journal.rows()[:1000], journal.path.stat().st_size

    def append() -> None:
        for i in range(0, len(said), 10):
            journal.append(said[i : i + 10])

    _timed("append", append)
    with journal.path.open("rb+") as f:
        f.truncate(whole)


def _questions(folder: RunFolder) -> None:
    data = folder.data()
    _timed(
        "questions", lambda: open_questions(data, find_judging(data)), lambda q: f"{len(q[1])} of {q[0]} open"
    )


STEPS: dict[str, Callable[[RunFolder], object]] = {
    "open and score": _score,
    "one by one": _one_by_one,
    "append": _append,
    "questions": _questions,
    "copycat score": lambda folder: _timed("copycat score", lambda: score(folder)),
    "verify": lambda folder: _timed("verify", lambda: verify(folder)),
    "report": lambda folder: _timed("report", lambda: report(folder, progress=Progress())),
}
FEW = ("open and score", "one by one")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--verdicts", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--more", action="store_true")
    parser.add_argument("--step", choices=[*STEPS])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = RunFolder(given.folder or Path(temporary) / "run")
        if not folder.manifest_path.exists():
            write(folder, given.verdicts)
        if given.step:
            STEPS[given.step](folder)
            return
        for step in STEPS if given.more else FEW:
            command = (
                sys.executable,
                "-m",
                "benchmarks.million_rows",
                "--folder",
                str(folder.path),
                "--step",
                step,
            )
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
