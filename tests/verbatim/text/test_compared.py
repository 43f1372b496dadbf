"""Texts beside their works: what is marked is what they have in common."""

from __future__ import annotations

from typing import Any

from copycat.verbatim.text.compared import Compared, compare
from copycat.verbatim.text.documents import Document
from copycat.verbatim.text.metrics import Closeness
from copycat.verbatim.text.rows import Asked, Written
from copycat.verbatim.text.scores import Scored

WORDS = [f"w{i}" for i in range(120)]
WORK = Document(title="T", text=" ".join(WORDS))


def compared(text: str, begin: int = 40, end: int = 50, **more: Any) -> Compared:
    asked = Asked(
        model="m", role="protected", document=WORK.id, title="T", group="", kind="text", prompts="prefix",
        instructs=False, length=10, begin=begin, end=end, behind=70, mitigation="none", guarded="", sample=0,
        seed=1, temperature=0, max_tokens=100, prompt="p",
    )  # fmt: skip
    written = Written(asked="x", outcome="ok", text=text, **more)
    return compare(Scored(asked, written, Closeness(0, 0, 0.0)), WORK, str)


def marked(pieces: Any, mark: str) -> list[str]:
    return [p.text for p in pieces if p.mark == mark]


def test_the_longest_run_and_shorter_ones_are_marked_on_both_sides() -> None:
    text = " ".join([*WORDS[50:60], "other", "words,", *WORDS[62:67], "and", WORDS[70]])
    found = compared(text)
    assert not found.elsewhere
    for side in (found.written, found.work):
        assert marked(side, "longest") == [" ".join(WORDS[50:60])]
        assert marked(side, "same") == [" ".join(WORDS[62:67])]
    assert "".join(p.text for p in found.written) == text


def test_a_run_from_elsewhere_in_the_work_is_shown_where_it_stands() -> None:
    found = compared("so " + " ".join(WORDS[5:25]))
    assert found.elsewhere
    assert marked(found.work, "longest") == [" ".join(WORDS[5:25])]
    assert WORDS[26] in "".join(p.text for p in found.work)


def test_what_the_prompt_shows_is_nowhere_marked() -> None:
    found = compared(" ".join(WORDS[40:50]))
    assert not [p for p in (*found.written, *found.work) if p.mark]


def test_text_that_was_translated_back_is_what_is_compared() -> None:
    found = compared("autre chose", restored=" ".join(WORDS[50:58]))
    assert marked(found.written, "longest") == [" ".join(WORDS[50:58])]
