"""Opens the leaderboard in headless Chromium and uses it as a reader would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from copycat.leaderboard import site
from tests.leaderboard.test_leaderboard import changed, made

pytestmark = pytest.mark.browser


@pytest.fixture
def board(browser: Any, tmp_path: Path) -> Any:
    found = [
        *made(tmp_path / "a"),
        *made(tmp_path / "a", by="Bob", model="sdxl@9", config={"model": "sdxl"}),
        *made(tmp_path / "a", judge="other@1"),
    ]
    for name, content in site(found).items():
        (tmp_path / name).write_bytes(content)
    browser.get((tmp_path / "index.html").as_uri())
    return browser


def _column(board: Any, key: str) -> list[list[str]]:
    script = (
        f"return [...document.querySelectorAll('.board:not([hidden]) table')].map(t => "
        f"[...t.querySelectorAll('tbody:not([hidden])')].map(r => r.dataset.{key}))"
    )
    return list(board.execute_script(script))


def test_sorting_stays_within_a_judge(board: Any) -> None:
    assert _column(board, "mitigation") == [["none", "none", "negprompt", "negprompt"], ["none", "negprompt"]]
    head = board.find_element("css selector", "[data-sort=m0]")
    for direction, first in (("ascending", "negprompt"), ("descending", "none")):
        head.find_element("tag name", "button").send_keys("\ue007")
        assert head.get_attribute("aria-sort") == direction
        ours, theirs = _column(board, "mitigation")
        assert ours[0] == ours[1] == first
        assert theirs == ["none", "negprompt"]
    board.find_element("css selector", "[data-sort=model] button").click()
    assert _column(board, "model")[0] == ["menagerie", "menagerie", "sdxl", "sdxl"]
    assert head.get_attribute("aria-sort") is None


def test_filters_and_search(board: Any) -> None:
    board.find_element("css selector", "select[name=judge] option[value='other@1']").click()
    assert _column(board, "judge") == [["other@1"] * 2]
    assert board.find_element("id", "shown").text == "2 of 6 results"
    board.find_element("css selector", "select[name=judge] option").click()
    board.find_element("name", "text").send_keys("bob none")
    assert _column(board, "mitigation") == [["none"]]
    board.find_element("name", "text").send_keys("zzz")
    board.find_element("id", "reset").click()
    assert board.find_element("id", "shown").text == "6 of 6 results"


def test_older_results_are_behind_a_switch_and_refusals_below_whatever_is_sorted_by(
    browser: Any, tmp_path: Path
) -> None:
    none, negprompt = made(tmp_path / "a", finished="2027-01-01T00:00:00+00:00", model="menagerie@new")
    found = [
        none,
        changed(negprompt, value=1.0),
        changed(negprompt, value=0.0, refused=9, scored=9, mitigation="filter"),
        *made(tmp_path / "a", finished="2026-01-01T00:00:00+00:00"),
    ]
    (tmp_path / "index.html").write_bytes(site(found)["index.html"])
    browser.get((tmp_path / "index.html").as_uri())
    assert _column(browser, "mitigation") == [["none", "negprompt", "filter"]]
    assert browser.find_element("id", "shown").text == "3 of 3 results"
    for key in ("m0", "m1"):
        for _ in range(2):
            browser.find_element("css selector", f"[data-sort={key}] button").click()
            assert _column(browser, "mitigation")[0][-1] == "filter"
    browser.find_element("name", "older").click()
    assert browser.find_element("id", "shown").text == "5 of 5 results"
    assert len(_column(browser, "mitigation")[0]) == 5
    browser.find_element("name", "older").click()
    assert browser.find_element("id", "shown").text == "3 of 3 results"


@pytest.mark.parametrize("width", [390, 1280])
def test_no_column_is_cut_off(browser: Any, tmp_path: Path, width: int) -> None:
    long = "rewrite+negprompt[of=generic,words=emb-cooc]"
    found = [
        e.model_copy(update={"mitigation": long}) for e in made(tmp_path / "a", by="copycat maintainers")
    ]
    (tmp_path / "index.html").write_bytes(site(found)["index.html"])
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get((tmp_path / "index.html").as_uri())
    script = (
        "const box = document.querySelector('.wide').getBoundingClientRect();"
        "return [...document.querySelectorAll('tbody td:not([colspan]), tbody td:not([colspan]) > *')]"
        ".filter(e => e.getClientRects().length)"
        ".every(e => e.scrollWidth <= e.clientWidth + 1 || getComputedStyle(e).display === 'inline')"
        " && [...document.querySelectorAll('.more')].every(e => e.getBoundingClientRect().right <= box.right)"
    )
    assert browser.execute_script(script)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [390, 1280])
def test_how_a_number_was_measured_is_a_key_away(board: Any, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    board.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    button = board.find_element("css selector", ".more")
    about = board.find_element("id", button.get_attribute("aria-controls"))
    assert not about.is_displayed()
    button.send_keys("\ue007")
    assert button.get_attribute("aria-expanded") == "true"
    for text in ("copycat run --model", "0123456", "withheld: not kept", "a processor"):
        assert text in about.text
    assert board.execute_script("return document.documentElement.scrollWidth") <= width
    assert board.get_log("browser") == []
