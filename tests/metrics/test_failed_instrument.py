"""What the judge did not answer is no observation, not a zero."""

from __future__ import annotations

import pytest

from copycat.characters import Character
from copycat.metrics import cons, detect
from copycat.records import QuestionKind, Verdict

WHO = Character(slug="zorimo", name="Zorimo", owner="Tin Comet", key="owl", generic="an owl")


@pytest.mark.parametrize(
    ("kind", "measure"), [("which", detect.named), ("target", detect.targeted), ("key", cons.shown)]
)
def test_an_unscored_verdict_has_no_value(kind: QuestionKind, measure: object) -> None:
    verdict = Verdict(
        request="r",
        kind=kind,
        image_sha256="0",
        judge="j",
        question="q",
        question_hash="h",
        status="unscored",
    )
    assert callable(measure)
    assert measure(verdict, WHO) is None
