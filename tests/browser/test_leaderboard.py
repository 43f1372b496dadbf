"""Opens the leaderboard in headless Chromium and uses it as a reader would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from copycat.leaderboard import site
from tests.leaderboard.test_leaderboard import made

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
    assert _column(board, "mitigation") == [["negprompt", "negprompt", "none", "none"], ["negprompt", "none"]]
    head = board.find_element("css selector", "[data-sort=m0]")
    for direction, first in (("ascending", "negprompt"), ("descending", "none")):
        head.find_element("tag name", "button").send_keys("\ue007")
        assert head.get_attribute("aria-sort") == direction
        ours, theirs = _column(board, "mitigation")
        assert ours[0] == ours[1] == first
        assert theirs == ["negprompt", "none"]
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
