"""Opens the page in headless Chromium and uses it as a reader would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from copycat.stages.report import report
from tests.report.synthetic import SyntheticRun

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Any:
    browser.get(report(SyntheticRun(tmp_path / "run")).as_uri())
    return browser


def _visible(page: Any) -> list[str]:
    script = (
        "return [...document.querySelectorAll('.cell')]"
        ".filter(c => c.checkVisibility({visibilityProperty: true})).map(c => c.dataset.mark)"
    )
    return list(page.execute_script(script))


def _shown(page: Any) -> str:
    return str(page.find_element("id", "shown").text)


def test_filter_by_verdict(page: Any) -> None:
    assert _shown(page) == "36 of 36 pictures"
    page.find_element("css selector", "label.m-refused").click()
    assert _visible(page) == ["refused"]
    assert _shown(page) == "1 of 36 pictures"


def test_filter_by_mitigation_and_character(page: Any) -> None:
    page.find_element("css selector", "select[name=mitigation] option:nth-child(2)").click()
    assert _shown(page) == "18 of 36 pictures"
    page.find_element("name", "character").send_keys("quil")
    assert _shown(page) == "3 of 36 pictures"
    assert len(_visible(page)) == 3
    page.find_element("name", "character").send_keys("zzz")
    page.find_element("id", "reset").click()
    assert _shown(page) == "36 of 36 pictures"


def test_keyboard_opens_and_closes_the_detail(page: Any) -> None:
    cell = page.find_element("css selector", ".cell.m-error")
    cell.send_keys("\ue007")
    dialog = page.find_element("id", "detail")
    assert dialog.is_displayed()
    assert "out of memory" in dialog.text
    page.find_element("css selector", "#detail button").send_keys("\ue00c")
    assert not dialog.is_displayed()


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen_and_nothing_is_logged(page: Any, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    assert (
        page.execute_script("const w = document.querySelector('.wide'); return w.scrollWidth - w.clientWidth")
        <= 0
    )
    assert page.get_log("browser") == []
