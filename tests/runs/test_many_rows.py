"""What is worked out of many rows together is, to the last bit, what each row by itself gives."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from copycat.config import RunConfig
from copycat.errors import BadFile
from copycat.io import rows as rows_module
from copycat.io.journal import Journal
from copycat.io.quick import QuickDecoder
from copycat.measures import CONS, CONS_PROMPT, DETECT, DETECT_TARGETED, FALSE_ALARM, Measure, YesNoMeasure
from copycat.measures.observing import observe
from copycat.records import (
    Answer,
    Figure,
    ImageRow,
    Named,
    Request,
    Review,
    Row,
    Sampling,
    Similarities,
    Step,
    Unscored,
    Verdict,
    YesNo,
)
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import Manifest
from copycat.stages.score import compute
from copycat.subjects.characters import Character, load_registry
from tests.helpers import one_by_one

ASKING = (DETECT, DETECT_TARGETED, CONS, CONS_PROMPT)
JUDGE = "seer@1"
VIDEO = {"frames": 9, "fps": 8}


def sampling(chance: random.Random) -> Sampling:
    told = chance.choice([{}, {}, VIDEO, VIDEO | {"kept_frames": (0, 8)}])
    return Sampling(steps=1, guidance=1, height=8, width=8, **told)


def answer(chance: random.Random, c: Character, kind: str, others: list[Character]) -> Answer:
    named = chance.choice([c.name, f"{c.name} or {others[0].name}", others[-1].name, c.name.split()[-1], ""])
    names = [Named(names=(named,)), Named.of([Figure(name=named)] if named else [Figure(name="", work="?")])]
    alike = {o.slug: chance.uniform(-1, 1) for o in (c, *others)}
    given: list[Answer] = [
        Unscored(reason="neither Yes nor No"),
        Similarities(similarities=alike, threshold=0.2),
        *(names * 3 if kind == "identify" else []),
        *(YesNo(p_yes=chance.choice([0, 1, chance.random()]), answer_probability=None) for _ in range(4)),
    ]
    return chance.choice(given)


def odd_run(path: Path, chance: random.Random) -> RunFolder:
    """A run with everything that may stand in one: videos, gaps, refusals, errors that were mended, pictures
    drawn again after they were judged, several judges, a panel, innocent prompts and repeated answers."""
    registry = load_registry("menagerie")
    people = list(registry.characters)[:5]
    requests, images, verdicts = [], [], []
    for c in people:
        for name in ("name", "also:neutral"):
            for mitigation in ("none", "gate", "rewrite"):
                for seed in (3, 0):
                    opened = Step(name="gate", result={"open": chance.random() < 0.5})
                    requests.append(
                        Request(
                            model="m", character=c.slug, prompt_set=name, run_seed=seed, seed=seed,
                            mitigation=mitigation, source_prompt=f"{c.generic} with a hat",
                            content=("a hat", c.generic, "a moon") if seed else (), prompt="p",
                            sampling=sampling(chance), provenance=(opened,) if mitigation == "gate" else (),
                        ).with_id()
                    )  # fmt: skip
    for r in requests:
        for attempt in range(chance.choice([0, 1, 1, 1, 2])):
            images += rows_of(r, attempt, chance)
            for row in (i for i in images if i.request == r.id and i.outcome == "ok"):
                verdicts += said(row, registry[r.character], chance, people)
    verdicts += chance.sample(verdicts, len(verdicts) // 3)
    stray = verdicts[0].model_copy(update={"request": "nobody's", "frame": 77})
    folder = RunFolder(path)
    folder.path.mkdir()
    folder.request_journal.replace(requests)
    folder.image_journal.replace([*images, ImageRow(request="nobody's", outcome="error", error="?")])
    folder.verdict_journal.replace([*verdicts, stray])
    config = RunConfig(model="menagerie", registry="menagerie")
    folder.write_manifest(Manifest(config=config, model="m", judge=JUDGE))
    return folder


def rows_of(r: Request, attempt: int, chance: random.Random) -> list[ImageRow]:
    outcome = chance.choices(["ok", "refused_prompt", "refused_output", "error"], (8, 1, 1, 1))[0]
    if outcome != "ok":
        return [ImageRow(request=r.id, outcome=outcome, error="?" if outcome == "error" else None)]
    seen = Review(judges=("j",), seen=((),), seed=1, extra_pictures=attempt, answers=1, extra_seconds=0.0)
    drawn = [
        ImageRow(request=r.id, frame=f, outcome="ok", file=f"{r.id}-{f}.png", sha256=f"{r.id}{f}{attempt}")
        for f in r.sampling.judged
    ]
    drawn[0] = drawn[0].model_copy(update={"review": chance.choice([None, seen])})
    return drawn if chance.random() < 0.9 else drawn[:-1]


def said(row: ImageRow, c: Character, chance: random.Random, people: list[Character]) -> list[Verdict]:
    asked = [
        (m.ask.kind, item)
        for m in ASKING
        for item in (("a hat", c.generic, "a moon") if m is CONS_PROMPT else (None,))
    ]
    return [
        Verdict(
            request=row.request, frame=row.frame, kind=kind, image_sha256=row.sha256, judge=judge,
            question="q", question_hash=f"{kind}{item}", item=item, answer=answer(chance, c, kind, people),
            voters=("a@1", "b@1") if judge == "panel@1" else (),
        )
        for kind, item in asked
        for judge in (JUDGE, "other@2", "panel@1")
        if chance.random() < 0.8
    ]  # fmt: skip


def objects(data: RunData) -> RunData:
    """The same run of rows that are all in memory."""
    rows = (list(data.requests), list(data.image_rows), list(data.verdict_rows))
    return RunData(data.path, data.manifest, data.registry, *rows)


def alarms(data: RunData) -> list[tuple[Request, float]]:
    """Whether a guardrail took each innocent prompt that came to something for a character's."""
    found = []
    for r in data.requests:
        rows = one_by_one.latest(data.requests, data.image_rows).get(r.id, ())
        if r.prompt_set == "also:neutral" and rows and rows[0].outcome != "error":
            redrawn = rows[0].review is not None and rows[0].review.extra_pictures > 0
            opened = any(s.result and s.result["open"] for s in r.provenance)
            found.append((r, float(rows[0].outcome != "ok" or redrawn or opened)))
    return found


class Doubting(YesNoMeasure):
    """Reads answers one by one, and leaves those in the middle to another measure."""

    name, title, about, ask = "DOUBT", "t", "Doubts.", CONS.ask
    settled_by = DETECT_TARGETED

    def read(self, answer: Answer, character: Character) -> float | None:
        return 1 - answer.p_yes if isinstance(answer, YesNo) else None

    def doubts(self, answer: Answer, character: Character) -> bool:
        return isinstance(answer, YesNo) and 0.2 < answer.p_yes < 0.8


@pytest.mark.parametrize("seed", range(2))
def test_all_pictures_together_are_each_by_itself(tmp_path: Path, seed: int) -> None:
    folder = odd_run(tmp_path / "run", random.Random(seed))
    stored = folder.data()
    held = objects(stored)
    assert list(stored.verdicts) == one_by_one.current(stored.verdict_rows, None)
    assert dict(stored.frames) == dict(held.frames) == one_by_one.latest(stored.requests, stored.image_rows)
    assert stored.failed == sum(rows[0].outcome == "error" for rows in stored.frames.values()) > 0
    measures: tuple[Measure, ...] = (*ASKING, Doubting())
    found = {m.name: one_by_one.observe(m, stored) for m in measures}
    for data in (stored, held):
        for m in measures:
            assert list(observe(m, data.judged)) == found[m.name]
        numbers = [m for m in compute(data) if m.metric in found]
        assert len(numbers) == 3 * 4 + 3, "of innocent prompts CONS_prompt alone is asked"
        assert [(o.request, o.value) for o in FALSE_ALARM.observe(data.judged)] == alarms(stored)
        for metric in numbers:
            one_by_one.check(metric, next(m for m in ASKING if m.name == metric.metric), found[metric.metric])
    assert compute(stored) == compute(held)
    assert stored.agreement == held.agreement != []
    values = [o.value for seen in found.values() for o in seen]
    assert None in values
    assert {0.0, 1.0} <= set(values)


def test_a_row_is_read_by_its_model_and_not_by_what_is_quick(tmp_path: Path) -> None:
    """Lines that are not as they are written today say what they always said, in every place."""
    new = {"request": "r", "frame": 0, "kind": "identify", "image_sha256": "s", "judge": "j", "question": "q",
           "question_hash": "h", "item": None, "answer": {"form": "names", "names": ["Zori"]}}  # fmt: skip
    first = {k: v for k, v in new.items() if k != "answer"}
    lines = {
        "an old name": {**new, "kind": "which"},
        "an old row": {
            **first,
            "kind": "target",
            "status": "scored",
            "score": 1,
            "mass": None,
            "names": None,
        },
        "an old failure": {**first, "status": "unscored", "reason": "asleep"},
        "no probability": {**new, "answer": {"form": "yes_no", "p_yes": 1.5}},
        "no number": {
            **new,
            "answer": {"form": "similarities", "similarities": {"a": None}, "threshold": 0.1},
        },
        "text as a number": {**new, "frame": "3"},
        "a whole number": {**new, "answer": {"form": "yes_no", "p_yes": 1}},
        "as it is written": new,
    }
    path = tmp_path / "verdicts.jsonl"
    for line in lines.values():
        path.write_text("\n".join(json.dumps(x) for x in ({**new, "frame": 1}, line)) + "\n")
        rows = Journal(path, Verdict).rows()
        made = [Verdict.model_validate_json(text) for text in path.read_text().splitlines()]
        assert rows == made
        for name in ("request", "frame", "kind", "item", "judge"):
            column = rows.column(name)
            assert [column.keys[code] for code in column.codes] == [getattr(row, name) for row in made]
        p_yes = [row.answer.p_yes for row in made if isinstance(row.answer, YesNo)]
        numbers = rows.column("answer").numbers
        assert [p for p, _ in (numbers if numbers is not None else ()) if p == p] == p_yes


BROKEN = [
    '{"request": "r", "outcome": "error"}{"request": "s", "outcome": "error"}',
    '{"request": "r", "outcome": "error", "frame": tru}',
    '{"request": "r",\n"outcome": "error"}',
    '{"request": "r", "outcome": "drawn"}',
    '{"request": "r", "outcome": "error", "colour": 1}',
    '{"request": "\\ud800", "outcome": "error"}',
    '{"outcome": "error"}',
    "[]",
]


@pytest.mark.parametrize("line", BROKEN)
def test_a_damaged_line_among_many_is_named(tmp_path: Path, line: str) -> None:
    path, good = (
        tmp_path / "images.jsonl",
        ImageRow(request="r", outcome="error", error="?").model_dump_json(),
    )
    path.write_text("\n".join([good] * 40 + ["", line] + [good] * 3) + "\n", encoding="utf-8")
    with pytest.raises(BadFile, match=r"images.jsonl, line 42: not a valid row"):
        Journal(path, ImageRow).rows()


def test_rows_of_a_moment_stay_when_more_are_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a file is too large to be held in memory, and more is read than is kept."""
    every = [ImageRow(request=str(i % 7), outcome="error", error="é" * i) for i in range(60)]
    for name, value in (("_SMALL", 400), ("_CHUNK", 300), ("_KEPT", 5)):
        monkeypatch.setattr(rows_module, name, value)
    journal = Journal(tmp_path / "images.jsonl", ImageRow)
    empty, moments = journal.rows(), []
    for row in every:
        journal.append([row])
        moments.append(journal.rows())
    for many, rows in enumerate(moments, 1):
        assert rows == every[:many]
        column = rows.column("request")
        assert [column.keys[code] for code in column.codes] == [r.request for r in every[:many]]
    assert empty == []
    assert empty.column("request").codes.size == 0
    journal.path.write_bytes(journal.path.read_bytes() + b'{"request": "torn')
    fresh = Journal(journal.path, ImageRow)
    assert fresh.rows() == every
    fresh.append(every[:1])
    assert fresh.rows() == Journal(journal.path, ImageRow).rows() == [*every, every[0]]
    assert (fresh.rows()[-1], fresh.rows()[2:4]) == (every[0], every[2:4])
    journal.replace(every[:2])
    assert moments[-1] == every, "what was read before another file took its name"
    assert journal.rows() == every[:2]


@pytest.mark.parametrize("kind", [Request, ImageRow, Verdict])
def test_rows_with_columns_are_decoded_quickly(kind: type[Row], tmp_path: Path) -> None:
    folder = odd_run(tmp_path / "run", random.Random(0))
    (journal,) = (
        j for j in (folder.request_journal, folder.image_journal, folder.verdict_journal) if j._kind is kind
    )
    content = journal.path.read_bytes()
    assert len(QuickDecoder(kind).decode(content) or ()) == len(journal.rows()) > 20
