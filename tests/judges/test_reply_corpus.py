"""How well replies are read, on every half of the labelled corpus that is here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.replies import FALSE, MISSED, errors, halves, read_half


@pytest.mark.parametrize("half", halves(), ids=lambda p: p.stem)
def test_replies_are_read_within_the_bars(half: Path) -> None:
    cases = read_half(half)
    assert len(cases) > 200
    found = errors(cases)
    wrong = "\n".join(
        f"{c.id}: {c.expected}, read as {c.got}: {c.reply!r}" for c in cases if c.got != c.expected
    )
    assert found.false <= FALSE * found.not_detected, wrong
    assert found.missed <= MISSED * found.detected, wrong
    assert found.scored == 0, wrong
    assert found.doubtful_otherwise <= found.doubtful / 2, wrong


def test_the_development_half_is_here() -> None:
    assert [p.stem for p in halves()][:1] == ["development"]
