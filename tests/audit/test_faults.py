"""Planted faults are found, each by its item and with the place; the clean twins raise no alarm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from copycat.audit.dataset import Dataset
from copycat.audit.item import sections
from copycat.audit.results import Report
from copycat.audit.run import audit
from copycat.io.paths import ROOT
from tests.audit.faults import FAULTS, HELD, OPEN, Fault
from tests.audit.twins import Twin, kites, lanterns, tides

Audited = Callable[[Twin], Report]
pytest.importorskip("mlcroissant")


def found(report: Report, fault: Fault) -> bool:
    """Whether an item of the fault fails, and says what and where."""
    hit = [report.of(i) for i in fault.items if report.of(i).status == "fail"]
    said = " ".join([f.reason for f in hit] + [f"{e.file} {e.found}" for f in hit for e in f.evidence])
    rows = {e.row for f in hit for e in f.evidence}
    return bool(hit) and fault.says in said and (fault.row is None or fault.row in rows)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_a_planted_fault_is_found(fault: Fault, audited: Audited) -> None:
    assert found(audited(fault.planted()), fault)


@pytest.mark.parametrize("twin", [lanterns, kites, tides])
def test_a_clean_twin_raises_no_alarm(twin: Callable[[], Twin], audited: Audited) -> None:
    report = audited(twin())
    assert [f.item for f in report.findings if f.status in ("fail", "unknown")] == []
    assert report.tier == report.declared_tier == "openly licensed"
    assert report.unread == ()


def test_there_are_enough_items_and_every_one_can_fail() -> None:
    items = {i.name for s in sections() for i in s.items}
    assert len(items) >= 40
    assert items == {i for f in FAULTS for i in f.items}


def test_the_page_of_the_documentation_lists_every_item() -> None:
    page = (ROOT / "docs" / "audit.md").read_text()
    assert [i.name for s in sections() for i in s.items if f"| `{i.name}` | {i.title} |" not in page] == []


def test_there_are_enough_faults_in_both_halves() -> None:
    assert len(FAULTS) >= 60
    assert min(len(OPEN), len(HELD)) >= 30
    assert len({f.name for f in FAULTS}) == len(FAULTS)


def test_several_faults_at_once_are_all_found(audited: Audited) -> None:
    names = [
        "licence-unknown",
        "date-in-the-future",
        "an-e-mail-address",
        "parts-relicensed",
        "croissant-dangling",
        "robots-disallow-an-item",
        "opted-out-author-still-there",
        "religion-of-people",
        "workers-to-do",
    ]
    planted = [f for f in FAULTS if f.name in names]
    twin = lanterns()
    for fault in planted:
        fault.plant(twin)
    report = audited(twin)
    assert [f.name for f in planted if not found(report, f)] == []


def test_a_folder_that_says_nothing_gets_nothing_for_free(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text,n\nhello,1\nworld,2\n")
    report = audit(Dataset(tmp_path, "bare"))
    # That a table of two words holds no personal data is all that is good about it.
    assert {f.item for f in report.findings if f.status == "pass"} <= {"pii-email", "pii-phone", "pii-other"}
    assert report.count("fail") >= 35
    assert report.of("card").reason == "It has no card: README.md is missing."


def test_text_about_other_things_is_no_documentation(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text\nhello\n")
    (tmp_path / "README.md").write_text(
        "# Recipes\n\nA list of soups. You need a pot, water and salt. Cook for ten minutes; "
        "never remove the lid. The people in the kitchen liked it, and the search for a better one goes on.\n"
    )
    report = audit(Dataset(tmp_path, "soups"))
    passing = {f.item for f in report.findings if f.status == "pass"}
    assert passing <= {"pii-email", "pii-phone", "pii-other"}
