"""Hosted judges asked in batches of their provider: the same verdicts, nothing paid twice, nothing lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from copycat.cli.main import main
from copycat.errors import CopycatError, MissingRequirement, UserError
from copycat.io import lifecycle
from copycat.io.hosted import Batches
from copycat.io.hosted import batches as limits
from copycat.records import Unscored, YesNo
from copycat.resolve import ResolvedRun
from copycat.runs.folder import RunFolder
from copycat.runs.spending import ledger_of
from copycat.stages import batch_work, batched
from copycat.stages.batched_questions import QuestionWork
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import check, plan, prepare
from copycat.stages.run import expected
from copycat.stages.verify import verify
from tests.helpers.loopback import Loopback

TOKENS = {"prompt_tokens": 70, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 20}}
QUESTIONS = 6
"""Of three pictures: who is shown, and whether that is an owl, a frog or a cat."""
PRICE = 0.04


class Killed(BaseException):
    """Ends a command where it stands, as a signal does."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batched, "_FIRST", 0.01)
    monkeypatch.setattr(limits, "backoff", lambda _: 0.01)
    # Nothing that is large is loaded here, and a collection of all garbage takes longer than a test.
    monkeypatch.setattr(lifecycle, "free_memory", lambda: None)


@pytest.fixture
def drawn(run: Callable[..., ResolvedRun]) -> Callable[..., ResolvedRun]:
    """A run whose pictures are there, to be judged in batches."""

    def make(out: str = "run", **given: object) -> ResolvedRun:
        base = {"measures": ("DETECT", "CONS"), "cache": False, "batch": True, **given}
        alone = run(out, **{**base, "batch": False})
        generate(prepare(alone), alone)
        return run(out, **base)

    return make


def asked(made: ResolvedRun) -> RunFolder:
    folder = RunFolder(made.folder)
    judge(folder, made.judging, config=made.config)
    return folder


def chats(server: Loopback) -> int:
    """Questions that were asked one by one."""
    return sum("messages" in body for body in server.asked)


def answers(folder: RunFolder) -> list[object]:
    return sorted((v.request, v.kind, v.answer.model_dump_json()) for v in folder.data().verdicts)


def test_a_batch_gives_the_verdicts_that_calls_give(drawn, server: Loopback) -> None:
    server.usage = TOKENS
    alone = asked(drawn("alone", batch=False))
    assert chats(server) == QUESTIONS
    assert not server.desk.asked
    folder = asked(drawn())
    assert chats(server) == QUESTIONS, "none was asked alone"
    assert len(server.desk.batches) == 1
    assert answers(folder) == answers(alone)
    rows = folder.verdict_journal.rows()
    assert {v.judge for v in rows} == {v.judge for v in alone.verdict_journal.rows()}
    assert {(v.usage.tokens_in, v.usage.tokens_out, v.usage.model, v.cost_usd) for v in rows} == {
        (70, 9, "m", PRICE)
    }
    # Bodies are the same to the last field, in another order.
    sent = sorted(json.dumps(c["body"], sort_keys=True) for c in server.desk.calls())
    one_by_one = [b for b in server.asked if "messages" in b]
    assert sent == sorted(json.dumps(b, sort_keys=True) for b in one_by_one)
    assert {(c["method"], c["url"]) for c in server.desk.calls()} == {("POST", "/v1/chat/completions")}


def test_probabilities_come_in_batches_too(drawn, server: Loopback, tmp_path: Path) -> None:
    path = tmp_path / "home" / "judges" / "seer.yaml"
    path.write_text(path.read_text().replace("kind: openai-chat", "kind: openai-logprobs"))
    alone, folder = asked(drawn("alone", batch=False)), asked(drawn())
    assert answers(folder) == answers(alone)
    found = {v.answer.p_yes for v in folder.data().verdicts if isinstance(v.answer, YesNo)}
    assert any(0 < p < 1 for p in found), "they are no yes and no"
    assert len(server.desk.batches) == 1


def test_what_it_cost_is_entered_before_it_is_sent_and_said_afterwards(drawn, server: Loopback) -> None:
    made, seen = drawn(), []
    take = server.desk.take

    def watched(method: str, path: str, *more: object) -> object:
        spent = ledger_of(RunFolder(made.folder)).spent()
        seen.append((method, path.partition("?")[0], spent.open_usd))
        return take(method, path, *more)

    server.desk.take = watched
    folder = asked(made)
    opened = {(method, path): usd for method, path, usd in seen}
    assert opened["POST", "/v1/files"] == opened["POST", "/v1/batches"] == pytest.approx(QUESTIONS * PRICE)
    spent = folder.manifest().spent
    assert (spent.pictures, spent.answers, spent.open_usd) == (3, QUESTIONS, 0)
    assert spent.usd == pytest.approx((3 + QUESTIONS) * PRICE)
    # Neither the pictures nor the answers stay with the provider, nor the batch in the folder.
    assert sorted(server.desk.deleted) == sorted(server.desk.files)
    assert not (folder.path / "batches").exists()


def test_it_is_no_part_of_what_a_run_is(drawn, run) -> None:
    made = drawn(batch=False)
    assert run(measures=("DETECT", "CONS"), batch=True).config.digest == made.config.digest


@pytest.mark.parametrize("batch", [True, False])
def test_a_killed_command_takes_its_batch_up_again(
    drawn, server: Loopback, monkeypatch: pytest.MonkeyPatch, batch: bool
) -> None:
    """Also where the next command is told nothing of batches: it is paid."""
    made = drawn()
    server.desk.looks = 3
    with monkeypatch.context() as killed:
        killed.setattr(Batches, "rest", lambda self, seconds: _kill())
        with pytest.raises(Killed):
            asked(made)
    folder = RunFolder(made.folder)
    assert not folder.verdict_journal.rows()
    assert folder.manifest().spent.open_usd == pytest.approx(QUESTIONS * PRICE)
    judge(folder, made.judging, config=made.config.model_copy(update={"batch": batch}))
    assert len(server.desk.batches) == 1
    assert chats(server) == 0
    assert len([v for v in folder.verdict_journal.rows() if v.scored]) == QUESTIONS
    spent = folder.manifest().spent
    assert (spent.answers, spent.open_usd) == (QUESTIONS, 0)
    assert spent.usd == pytest.approx((3 + QUESTIONS) * PRICE)


def _kill() -> None:
    raise Killed


@pytest.mark.parametrize(
    ("at", "batches", "again"),
    [
        ("upload", 0, "sent anew"),
        ("begin", 0, "sent anew"),
        ("begun", 1, "found"),
        ("items", 1, "known"),
        ("forget", 1, "known"),
    ],
)
def test_wherever_it_is_killed_nothing_is_paid_twice(
    drawn, server: Loopback, monkeypatch: pytest.MonkeyPatch, at: str, batches: int, again: str
) -> None:
    made, begin = drawn(), Batches.begin

    def killed_once_begun(self: Batches, file: str) -> str:
        begin(self, file)
        raise Killed

    def killed(self: Batches, *_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        name, instead = ("begin", killed_once_begun) if at == "begun" else (at, killed)
        patched.setattr(Batches, name, instead)
        with pytest.raises(Killed):
            asked(made)
    assert len(server.desk.batches) == batches
    folder = asked(made)
    assert len(server.desk.batches) == 1, again
    assert len(server.desk.calls()) == QUESTIONS
    assert len(folder.verdict_journal.rows()) == QUESTIONS
    spent = folder.manifest().spent
    assert (spent.answers, spent.open_usd) == (QUESTIONS, 0)
    assert spent.usd == pytest.approx((3 + QUESTIONS) * PRICE)
    assert not (folder.path / "batches").exists()


def test_a_process_that_is_killed_between_create_and_download_pays_once(
    drawn, server: Loopback, tmp_path: Path
) -> None:
    made = drawn()
    server.desk.looks = 10**6
    command = [sys.executable, "-c", "from copycat.cli.main import main; main()", "judge", str(made.folder)]
    with (tmp_path / "told").open("w") as told:
        process = subprocess.Popen(
            [*command, "--batch", "--no-cache"], stdout=told, stderr=told, env=os.environ
        )
        try:
            until = time.monotonic() + 60
            while not any(p.endswith("/batches/batch-1") for p in server.desk.asked):
                assert process.poll() is None, (tmp_path / "told").read_text()
                assert time.monotonic() < until, "it never asked how far the batch is"
                time.sleep(0.05)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    folder = RunFolder(made.folder)
    assert not folder.verdict_journal.rows()
    server.desk.looks = 1
    asked(made)
    assert len(server.desk.batches) == 1
    assert len(folder.verdict_journal.rows()) == QUESTIONS
    assert folder.manifest().spent.usd == pytest.approx((3 + QUESTIONS) * PRICE)
    assert "sent 6 questions in a batch" in " ".join((tmp_path / "told").read_text().split())


def test_a_batch_whose_beginning_was_not_heard_of_is_not_begun_again(drawn, server: Loopback) -> None:
    server.desk.lost["create"] = 1
    folder = asked(drawn())
    assert len(server.desk.batches) == 1
    assert len(folder.verdict_journal.rows()) == QUESTIONS


def test_an_unreachable_provider_loses_nothing(drawn, server: Loopback) -> None:
    made = drawn()
    server.desk.lost["retrieve"] = 2
    with pytest.raises(MissingRequirement, match=r"did not tell of the batch .*the same command goes on"):
        asked(made)
    assert len(asked(made).verdict_journal.rows()) == QUESTIONS
    assert len(server.desk.batches) == 1


def test_the_cap_is_kept_and_makes_batches_smaller(drawn, server: Loopback) -> None:
    # Three pictures are paid; room for four of six questions.
    made = drawn(max_cost=7 * PRICE)
    with pytest.raises(MissingRequirement, match=r"could pass --max-cost 0.28"):
        asked(made)
    folder = RunFolder(made.folder)
    assert len(server.desk.calls()) == 4
    assert len(folder.verdict_journal.rows()) == 4
    assert folder.manifest().spent.counted == pytest.approx(7 * PRICE)
    higher = made.config.model_copy(update={"max_cost": 9 * PRICE})
    judge(folder, made.judging, config=higher)
    assert [
        len(server.desk.files[b["input_file_id"]].splitlines()) for b in server.desk.batches.values()
    ] == [
        4,
        2,
    ]
    assert len(folder.verdict_journal.rows()) == QUESTIONS


def test_answers_that_cost_less_make_room_for_the_next_batch(
    drawn, card, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, written, write = drawn(), [], batched.write
    monkeypatch.setattr(batched, "write", lambda *given: written.append(1) or write(*given))
    server.desk.looks = 5
    card("judges", price_usd=0.01, ceiling_usd=0.03)
    # Room for three calls at their dearest, and for all six at their price.
    judge(RunFolder(made.folder), config=made.config.model_copy(update={"max_cost": 3 * PRICE + 0.09}))
    sizes = [len(server.desk.files[b["input_file_id"]].splitlines()) for b in server.desk.batches.values()]
    assert sizes == [3, 2, 1]
    # Files are not written while there is no room for them: once for each batch, and once more for the next.
    assert len(written) == 2 * len(sizes) - 1
    assert RunFolder(made.folder).manifest().spent.usd == pytest.approx(3 * PRICE + QUESTIONS * 0.01)


def test_files_are_kept_below_the_providers_limit(
    drawn, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QuestionWork, "most_calls", 4)
    folder = asked(drawn())
    sizes = [len(server.desk.files[b["input_file_id"]].splitlines()) for b in server.desk.batches.values()]
    assert sizes == [4, 2]
    assert len(folder.verdict_journal.rows()) == QUESTIONS
    monkeypatch.setattr(batch_work, "MOST_BYTES", 1)
    server.desk.batches.clear()
    asked(drawn("bytes"))
    assert len(server.desk.batches) == QUESTIONS


def test_what_failed_is_asked_once_more_and_then_a_row(drawn, server: Loopback) -> None:
    made = drawn()
    server.behave = {"owl": "broken once", "frog": "broken"}
    folder = asked(made)
    why = {v.answer.reason for v in folder.data().verdicts if isinstance(v.answer, Unscored)}
    assert why == {"in a batch: oops"}
    named = [c["custom_id"] for c in server.desk.calls()]
    assert len(named) == len(set(named)) == QUESTIONS + 2
    assert sum(v.scored for v in folder.data().verdicts) == QUESTIONS - 1
    # What failed is not billed.
    assert folder.manifest().spent.usd == pytest.approx((3 + QUESTIONS - 1) * PRICE)
    server.behave = {}
    asked(made)
    assert all(v.scored for v in folder.data().verdicts)


def test_what_is_refused_for_itself_is_asked_once(drawn, server: Loopback) -> None:
    made = drawn()
    server.behave = {"owl": "wrong"}
    folder = asked(made)
    assert len(server.desk.calls()) == QUESTIONS
    (said,) = [v for v in folder.data().verdicts if not v.scored]
    assert "no such size" in said.answer.reason


def test_no_money_ends_it_with_the_other_answers_kept(drawn, server: Loopback) -> None:
    made = drawn()
    server.behave = {"owl": "no money"}
    with pytest.raises(MissingRequirement, match=r"seer cannot be used \(pay first\)"):
        asked(made)
    assert len(RunFolder(made.folder).verdict_journal.rows()) == QUESTIONS - 1
    server.behave = {}
    assert len(asked(made).verdict_journal.rows()) == QUESTIONS
    assert len(server.desk.calls()) == QUESTIONS + 1


@pytest.mark.parametrize(("end", "words"), [("expired", "expired"), ("cancelled", "was cancelled")])
def test_a_batch_that_ends_early_is_said_and_its_answers_are_kept(
    drawn, server: Loopback, end: str, words: str
) -> None:
    server.desk.ends = end
    made = drawn()
    with pytest.raises(
        MissingRequirement, match=f"a batch {words} with 3 of 6 questions answered, which are kept"
    ):
        asked(made)
    folder = RunFolder(made.folder)
    assert [v.scored for v in folder.verdict_journal.rows()] == [True] * 3
    assert folder.manifest().spent.counted == pytest.approx((3 + 3) * PRICE)
    server.desk.ends = "completed"
    asked(made)
    assert len(server.desk.calls()) == QUESTIONS + 3
    assert len(folder.verdict_journal.rows()) == QUESTIONS


def test_a_batch_that_is_refused_is_said_and_costs_nothing(drawn, server: Loopback) -> None:
    server.desk.refused = "invalid_json_line"
    made = drawn()
    with pytest.raises(
        MissingRequirement, match=r"refused a batch of 6 questions \(not like this\); nothing of it is paid"
    ):
        asked(made)
    folder = RunFolder(made.folder)
    assert folder.manifest().spent.counted == pytest.approx(3 * PRICE)
    assert len(asked(made).verdict_journal.rows()) == QUESTIONS


def test_where_too_much_waits_the_rest_is_sent_later(
    drawn, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QuestionWork, "most_calls", 3)
    server.desk.looks = 2
    made, begin = drawn(), server.desk._begin

    def full_at_the_second(told: dict) -> dict:
        server.desk.refused = "token_limit_exceeded" if len(server.desk.batches) == 1 else ""
        return begin(told)

    server.desk._begin = full_at_the_second
    folder = asked(made)
    assert [b["status"] for b in server.desk.batches.values()] == ["completed", "failed", "completed"]
    assert len(folder.verdict_journal.rows()) == QUESTIONS
    assert folder.manifest().spent.usd == pytest.approx((3 + QUESTIONS) * PRICE)


def test_a_server_without_batches_is_said(drawn, server: Loopback) -> None:
    server.desk.none = True
    made = drawn()
    with pytest.raises(MissingRequirement, match=r"The judge seer: .* takes none .*leave --batch out"):
        asked(made)
    folder = RunFolder(made.folder)
    assert folder.manifest().spent.counted == pytest.approx(3 * PRICE)
    assert not (folder.path / "batches").exists()


def test_a_server_that_deletes_nothing_does_no_harm(
    drawn, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.desk.keeps = True
    monkeypatch.setattr(QuestionWork, "most_calls", 2)
    monkeypatch.setattr(batched, "_AT_ONCE", 1)
    assert len(asked(drawn()).verdict_journal.rows()) == QUESTIONS
    assert len(server.desk.batches) == 3
    assert not server.desk.deleted


@pytest.mark.parametrize("batch", [True, False])
def test_a_batch_that_its_provider_forgot_is_not_paid_again_unasked(
    drawn, server: Loopback, monkeypatch: pytest.MonkeyPatch, batch: bool
) -> None:
    made = drawn()
    with monkeypatch.context() as killed:
        killed.setattr(Batches, "look", lambda self, batch: _kill())
        with pytest.raises(Killed):
            asked(made)
    server.desk.batches.clear()
    folder = RunFolder(made.folder)
    (note,) = (folder.path / "batches").glob("*.json")
    config = made.config.model_copy(update={"batch": batch})
    with pytest.raises(MissingRequirement, match=r"if it is gone, remove .*are asked for again") as told:
        judge(folder, made.judging, config=config)
    assert str(note) in str(told.value)
    note.unlink()
    judge(folder, made.judging, config=config)
    assert len(folder.verdict_journal.rows()) == QUESTIONS
    # What may have been paid before stays counted.
    assert folder.manifest().spent.open_usd == pytest.approx(QUESTIONS * PRICE)


def test_an_answer_that_is_not_there_is_no_verdict_and_counts_as_perhaps_paid(
    drawn, server: Loopback
) -> None:
    server.desk.dropped = 1
    folder = asked(drawn())
    (lacking,) = [v for v in folder.data().verdicts if not v.scored]
    assert lacking.answer.reason == "the answers to its batch hold none to it"
    spent = folder.manifest().spent
    assert (spent.answers, spent.open_usd) == (QUESTIONS - 1, PRICE)


def test_odd_lines_and_second_answers_change_nothing(drawn, server: Loopback) -> None:
    whole = asked(drawn("whole"))
    server.desk.twice = True
    folder = asked(drawn())
    # What is told twice counts as it is told first; the file is read from its end.
    assert len(folder.verdict_journal.rows()) == QUESTIONS
    assert folder.manifest().spent.answers == QUESTIONS
    assert len(whole.verdict_journal.rows()) == QUESTIONS


@pytest.mark.parametrize("content", ["send 5", "send null", "send {}", "say "])
def test_answers_are_validated_as_others_are(drawn, server: Loopback, content: str) -> None:
    made = drawn()
    server.behave = {"": content}
    with suppress(MissingRequirement):  # where all of them are none
        asked(made)
    folder = RunFolder(made.folder)
    assert {v.scored for v in folder.verdict_journal.rows()} == {False}
    assert folder.manifest().spent.answers == QUESTIONS, "they are paid"


def test_ten_failures_of_one_kind_end_it_and_are_not_counted_again(drawn, server: Loopback) -> None:
    made = drawn(seeds=(0, 1))
    server.behave = {"": "wrong"}
    with pytest.raises(MissingRequirement, match="10 verdicts in a row failed in the same way"):
        asked(made)
    server.behave = {}
    folder = asked(made)
    assert {v.scored for v in folder.data().verdicts} == {True}


def test_a_picture_that_does_not_open_is_not_sent(drawn, server: Loopback) -> None:
    made = drawn()
    folder = RunFolder(made.folder)
    spoilt = folder.path / folder.image_journal.rows()[0].file
    spoilt.write_bytes(b"no picture")
    asked(made)
    assert len(server.desk.calls()) == QUESTIONS - 2
    told = [v.answer.reason for v in folder.data().verdicts if isinstance(v.answer, Unscored)]
    assert len(told) == 2
    assert all(why.startswith("the picture does not open") for why in told)


def test_answers_go_into_the_cache_and_come_from_it(drawn, server: Loopback) -> None:
    asked(drawn(cache=True))
    folder = asked(drawn("again", cache=True))
    assert len(server.desk.batches) == 1
    assert {v.reused for v in folder.verdict_journal.rows()} == {True}


def test_a_judge_on_this_machine_has_no_batches(
    config, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = config(batch=True)
    with pytest.raises(UserError, match=r"neither .* nor the judge .* can be asked so; leave --batch out"):
        check(made)
    with pytest.raises(UserError, match="can be asked so"):
        expected(made, plan(made, ask=False))
    assert not made.folder.exists()
    generate(prepare(config()), config())
    for more in ([], ["--dry-run"]):
        monkeypatch.setattr("sys.argv", ["copycat", "judge", str(made.folder), "--batch", *more])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        assert "leave --batch out" in " ".join(capsys.readouterr().err.split())


def test_a_batch_without_a_price_of_its_own_is_refused_with_a_cap(drawn, card, server: Loopback) -> None:
    made = drawn()
    card("judges", price_usd=None)
    config = made.config.model_copy(update={"max_cost": 5})
    with pytest.raises(MissingRequirement, match="What a call of The judge seer in a batch costs at most"):
        judge(RunFolder(made.folder), config=config)
    assert not server.desk.asked


def test_a_spoilt_note_of_a_batch_is_said(drawn, server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    made = drawn()
    with monkeypatch.context() as killed:
        killed.setattr(Batches, "items", lambda self, batch: _kill())
        with pytest.raises(Killed):
            asked(made)
    (note,) = (made.folder / "batches").glob("*.json")
    note.write_text("{")
    with pytest.raises(CopycatError, match=r"may have been paid\. Remove it to have them made again"):
        asked(made)


def test_a_run_whose_batch_waits_is_sound_but_unfinished(
    drawn, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = drawn()
    with monkeypatch.context() as killed:
        killed.setattr(Batches, "items", lambda self, batch: _kill())
        with pytest.raises(Killed):
            asked(made)
    found = verify(RunFolder(made.folder)).findings
    assert not [f for f in found if "not the run's" in f.what]
