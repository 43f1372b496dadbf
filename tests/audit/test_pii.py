"""Personal data is found in sentences, and not where there is none."""

from __future__ import annotations

import time

import pytest

from copycat.audit import pii
from copycat.audit.pii import Kind, kinds, mask, personal
from tests.audit.pii_cases import CASES, HELD, OPEN

pytest.importorskip("phonenumbers")


@pytest.mark.parametrize("cases", [OPEN, HELD], ids=["open", "held"])
@pytest.mark.parametrize("kind", ["email", "phone", "other"])
def test_precision_and_recall(cases: tuple[tuple[str, str], ...], kind: Kind) -> None:
    there = [text for text, k in cases if k == kind]
    missed = [text for text in there if kind not in kinds(personal(text))]
    wrong = [text for text, k in cases if k != kind and kind in kinds(personal(text))]
    assert len(there) >= 5
    assert (missed, wrong) == ([], [])


def test_the_halves_hold_all_kinds() -> None:
    assert {k for _, k in OPEN} == {k for _, k in HELD} == {"email", "phone", "other", ""}
    assert len(CASES) >= 100


def test_what_is_shown_is_masked() -> None:
    (found,) = personal("Write to mara.holt@fjordmail.no now.")
    assert found.text == "mara.holt@fjordmail.no"
    assert "holt" not in found.masked
    assert mask("+49 30 901820") == "+4• •• ••••••"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://x-site.org/list?mail=mara@fjordmail.no&n=1", True),
        ("https://x-site.org/a,mara@fjordmail.no", True),
        ("https://me:key@x-site.org/a", False),
        ("https://me@x-site.org", False),
        ("mara@fjordmail.no:", True),
        ("git@x-site.org:a/b", False),
    ],
)
def test_addresses_of_people_in_addresses_of_pages(text: str, found: bool) -> None:
    assert bool(personal(text, digits=False)) is found


def test_without_the_package_no_number_is_found_and_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pii, "_numbers", lambda: None)
    assert not pii.knows_phones()
    assert personal("Call +49 30 901820 between nine and five.") == []


@pytest.mark.parametrize(
    "text",
    ["a-" * 50_000 + " at b", "!" * 100_000 + "@", "a." * 50_000 + "@", "0 " * 50_000, "1:" * 50_000 + "@x"],
)
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    personal(text)
    assert time.process_time() - began < 3
