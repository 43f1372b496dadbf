"""The journal mends torn tails and reports real damage."""

from __future__ import annotations

import pytest

from copycat.errors import BadFile, UserError
from copycat.io.journal import Journal
from copycat.io.words import words, words_or_none
from copycat.llms.base import Reply
from copycat.llms.replies import Kept
from copycat.records import ImageRow, Named, Verdict
from copycat.runtime.engines import batches

ROWS = [ImageRow(request=str(i), outcome="error", error="é") for i in range(3)]


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_torn_last_line_is_left_out_and_then_mended(tmp_path, cut):
    journal = Journal(tmp_path / "images.jsonl", ImageRow)
    journal.append(ROWS)
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-cut])
    assert journal.rows() == ROWS[:2]
    journal.append(ROWS[2:])
    assert journal.path.read_bytes() == whole


def test_damage_inside_is_not_a_torn_line(tmp_path):
    journal = Journal(tmp_path / "images.jsonl", ImageRow)
    journal.append(ROWS)
    lines = journal.path.read_text().splitlines(keepends=True)
    journal.path.write_text(lines[0] + "{broken\n" + lines[2])
    with pytest.raises(BadFile, match="line 2"):
        journal.rows()


def test_batches_share_a_key_and_keep_the_order():
    assert batches(range(7), 2, lambda n: n % 2) == [[0, 2], [4, 6], [1, 3], [5]]


BROKEN = [
    {"revised_prompt": 5},
    {"error": "half a character: \ud800"},
    {"seconds": float("nan")},
    {"review": "none"},
    {"file": b"\xff"},
]


@pytest.mark.parametrize("change", BROKEN)
def test_a_row_that_would_not_be_read_back_becomes_an_error_of_its_own(tmp_path, change):
    journal = Journal(tmp_path / "images.jsonl", ImageRow)
    good = ImageRow(request="1", outcome="ok", file="a.png", sha256="0")
    journal.append([good, good.model_copy(update={"request": "2", **change})])
    fresh = Journal(journal.path, ImageRow).rows()
    assert fresh == journal.rows()
    assert fresh[0] == good
    assert (fresh[1].request, fresh[1].outcome, fresh[1].file) == ("2", "error", None)
    assert "cannot be kept as it is" in fresh[1].error


def test_a_verdict_that_would_not_be_read_back_is_unscored(tmp_path):
    verdict = Verdict(
        request="r", kind="identify", image_sha256="s", judge="j", question="q", question_hash="h",
        answer=Named(names=("Zori",)), reply="Zori",
    )  # fmt: skip
    journal = Journal(tmp_path / "verdicts.jsonl", Verdict)
    journal.append([verdict, verdict.model_copy(update={"frame": 1, "reply": "\udfff"})])
    first, second = Journal(journal.path, Verdict).rows()
    assert first == verdict
    assert (second.frame, second.scored, second.reply) == (1, False, None)


def test_nothing_is_written_of_rows_that_nothing_can_stand_for(tmp_path):
    kept = Kept(key="k", model="m", asked=(), reply=Reply(text="t"))
    journal = Journal(tmp_path / "replies.jsonl", Kept)
    journal.append([kept])
    with pytest.raises(UserError, match="nothing was written"):
        journal.append([kept, kept.model_copy(update={"model": 5})])
    with pytest.raises(UserError, match="nothing was written"):
        journal.replace([kept.model_copy(update={"key": "\ud800"})])
    assert journal.rows() == [kept]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (None, ""),
        ("a\ud800b", "a\ufffdb"),
        ([{"type": "text", "text": "a"}, "b", {"type": "image"}, 5], "ab"),
        ([], ""),
    ],
)
def test_words_of_a_server(sent, kept):
    assert words(sent) == kept


@pytest.mark.parametrize("sent", [5, 0.5, True, {"text": "a"}])
def test_what_is_no_text_is_refused_or_left_out(sent):
    with pytest.raises(ValueError, match="the reply is no text but"):
        words(sent)
    assert words_or_none(sent) is None
