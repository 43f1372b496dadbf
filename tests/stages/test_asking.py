"""What a judge is asked together: all about a picture, opened once, and the same when a run is resumed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from PIL.Image import Image

from copycat.judges.vlm import VisionLanguageJudge
from copycat.records import Question, Verdict
from copycat.resolve import ResolvedRun
from copycat.runs.folder import RunFolder
from copycat.stages import asking
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import prepare

Asked = list[tuple[Sequence[Question], Sequence[Image]]]
ask = VisionLanguageJudge.ask
ask_prepared = VisionLanguageJudge.ask_prepared


@pytest.fixture
def run(config: Callable[..., ResolvedRun]) -> RunFolder:
    """Twelve pictures, drawn and not judged; the judge looks at eight at a time."""
    folder = prepare(config(device="cpu"))
    generate(folder, device="cpu")
    return folder


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What the judge was asked in each call."""
    calls: Asked = []

    def recorded(self: Any, questions: Sequence[Question], images: Sequence[Image], *more: Any) -> Any:
        calls.append((questions, images))
        return ask_prepared(self, questions, images, *more)

    monkeypatch.setattr(VisionLanguageJudge, "ask_prepared", recorded)
    return calls


def answers(folder: RunFolder) -> dict[tuple[str, str], Any]:
    return {(v.request, v.kind): v.answer for v in folder.data().verdicts}


def test_all_about_a_picture_is_asked_at_once_and_it_is_opened_once(
    run: RunFolder, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: Counter[str] = Counter()
    open_picture = asking.open_picture

    def counted(path: Any, file: str, sha256: str) -> Image:
        opened[file] += 1
        return open_picture(path, file, sha256)

    monkeypatch.setattr(asking, "open_picture", counted)
    judge(run, device="cpu")
    files = [row.file for row in run.data().images.values()]
    assert opened == Counter(files)
    first = [calls for calls in asked if len({q.kind for q in calls[0]}) > 1]
    assert [len({q.file for q in questions}) for questions, _ in first] == [8, 4]
    assert sum(len(questions) for questions, _ in first) > 2 * len(files), "several kinds of questions"
    for questions, images in first:
        by_picture: dict[str, set[int]] = {}
        for q, image in zip(questions, images, strict=True):
            by_picture.setdefault(q.file, set()).add(id(image))
        assert {len(same) for same in by_picture.values()} == {1}, "one object a picture"


def test_a_resumed_judge_answers_among_the_same_neighbours(
    run: RunFolder, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = VisionLanguageJudge.ask_prepared

    def interrupted(self: Any, questions: Sequence[Question], images: Sequence[Image], *more: Any) -> Any:
        if asked:
            raise KeyboardInterrupt
        return recorded(self, questions, images, *more)

    with monkeypatch.context() as patch:
        patch.setattr(VisionLanguageJudge, "ask_prepared", interrupted)
        with pytest.raises(KeyboardInterrupt):
            judge(run, device="cpu")
    kept = run.data().verdicts
    assert len({v.request for v in kept}) == 8, "what was answered before Ctrl-C is kept"
    judge(run, device="cpu")
    resumed, batches = answers(run), [tuple(q) for q, _ in asked]
    asked.clear()
    run.verdict_journal.path.unlink()
    judge(run, device="cpu")
    assert [tuple(q) for q, _ in asked] == batches
    assert answers(run) == resumed


def test_a_judge_that_prepares_is_given_what_it_made_and_asked_plainly_where_it_could_not(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    made: list[int] = []

    def prepare_(self: Any, questions: Sequence[Question], images: Sequence[Image]) -> Any:
        made.append(len(questions))
        if len(made) == 2:
            raise ValueError("a picture that the processor does not take")
        return ("prepared", len(questions))

    def ask_given(self: Any, questions: Any, images: Any, prepared: Any) -> list[Verdict]:
        given.append(prepared)
        return ask(self, questions, images)

    monkeypatch.setattr(VisionLanguageJudge, "prepare", prepare_)
    monkeypatch.setattr(VisionLanguageJudge, "ask_prepared", ask_given)
    judge(run, device="cpu")
    assert given[0] == ("prepared", made[0])
    assert len(given) == len(made) - 1
    data = run.data()
    assert {v.request for v in data.verdicts} == {r.id for r in data.requests}
