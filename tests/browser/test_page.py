"""Opens the page in headless Chromium and uses it as a reader would."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.hat import add_hat, install_hat
from tests.helpers.pages import write_report
from tests.helpers.synthetic import SyntheticRun

pytestmark = pytest.mark.browser
ENTER, ESCAPE, LEFT, UP, RIGHT, DOWN = "\ue007", "\ue00c", "\ue012", "\ue013", "\ue014", "\ue015"


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Any:
    browser.get(write_report(SyntheticRun(tmp_path / "run")).as_uri())
    return browser


def _visible(page: Any) -> list[str]:
    script = (
        "return [...document.querySelectorAll('#lines .cell')]"
        ".filter(c => c.checkVisibility({visibilityProperty: true})).map(c => c.dataset.state)"
    )
    return list(page.execute_script(script))


def _names(page: Any) -> list[str]:
    return list(
        page.execute_script("return [...document.querySelectorAll('.line h3')].map(h => h.textContent)")
    )


def _choose(page: Any, name: str, value: str) -> None:
    page.find_element("css selector", f"select[name={name}] option[value={value}]").click()


def _shown(page: Any) -> str:
    return str(page.find_element("id", "shown").text)


def _press(page: Any, *keys: str) -> None:
    for key in keys:
        page.switch_to.active_element.send_keys(key)


def _wait(condition: Callable[[], bool]) -> None:
    """A closed dialog is told of in a later task of the browser."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "the page did not get there"
        time.sleep(0.02)


def test_filter_by_verdict(page: Any) -> None:
    assert _shown(page) == "36 of 36 pictures"
    page.find_element("css selector", "label.m-refused").click()
    assert _visible(page) == ["refused"]
    assert _shown(page) == "1 of 36 pictures"


def test_filter_by_mitigation_and_character(page: Any) -> None:
    _choose(page, "mitigation", "negprompt")
    assert _shown(page) == "18 of 36 pictures"
    page.find_element("name", "text").send_keys("quil")
    assert _shown(page) == "3 of 36 pictures"
    assert len(_visible(page)) == 3
    page.find_element("name", "text").send_keys("zzz")
    page.find_element("id", "reset").click()
    assert _shown(page) == "36 of 36 pictures"


def test_search_finds_studios_and_prompts(browser: Any, tmp_path: Path) -> None:
    run = SyntheticRun(tmp_path / "run")
    run.requests = [r.model_copy(update={"prompt": f"<i>A {r.mitigation} owl</i>"}) for r in run.requests]
    browser.get(write_report(run).as_uri())
    search = browser.find_element("name", "text")
    for text, found in (
        ("LANTERN tin", 30),
        ("<script>", 6),
        ("negprompt owl", 18),
        ("owl pom", 6),
        ("</i>", 36),
    ):
        search.clear()
        search.send_keys(text)
        assert _shown(browser) == f"{found} of 36 pictures", text


def test_the_worst_come_first_among_what_is_shown(page: Any) -> None:
    # All of Pomkin and Brambet are detected but for one picture without an answer; c0 was seen more.
    assert _names(page)[:2] == ["Pomkin", "Brambet"]
    _choose(page, "mitigation", "none")
    page.find_element("css selector", "label.m-detected").click()
    _choose(page, "sort", "name")
    assert _names(page) == ["Brambet", "Dusty Varn", "Lumo", "Ostrel", "Pomkin", "Quillo"]
    _choose(page, "sort", "seen")
    assert _names(page)[:3] == ["Pomkin", "Dusty Varn", "Quillo"]


def test_mitigations_side_by_side(page: Any) -> None:
    _choose(page, "arrange", "side")
    lines = page.execute_script(
        "return [...document.querySelectorAll('.line')]"
        ".map(l => [...l.querySelectorAll('h4')].map(h => h.textContent))"
    )
    assert lines == [["none", "negprompt"]] * 18


def test_keyboard_opens_walks_and_closes_the_detail(page: Any) -> None:
    first = page.find_element("css selector", ".cell")
    first.send_keys(RIGHT)
    _press(page, LEFT, ENTER)
    dialog = page.find_element("id", "detail")
    assert dialog.is_displayed()
    title = page.find_element("id", "d-title")
    assert title.text == "Pomkin · none · name · seed 0"
    for text in ("detected", "Pomkin", "0.900", "The same prompt and seed under each mitigation"):
        assert text in dialog.text
    _press(page, RIGHT)
    assert title.text == "Pomkin · none · name · seed 1"
    _press(page, DOWN)
    assert title.text == "Pomkin · negprompt · name · seed 1"
    _press(page, UP, LEFT, LEFT, LEFT)
    assert title.text == "Pomkin · none · name · seed 0", "there is nothing before the first"
    _press(page, RIGHT, RIGHT, ESCAPE)
    assert not dialog.is_displayed()
    _wait(lambda: "seed 2" in page.switch_to.active_element.get_attribute("textContent"))
    _press(page, "/")
    assert page.switch_to.active_element.get_attribute("name") == "text"


def test_a_measure_of_another_package_is_shown_beside_the_picture(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_hat(monkeypatch)
    browser.get(write_report(add_hat(SyntheticRun(tmp_path / "run"))).as_uri())
    browser.find_element("css selector", ".cell").click()
    told = browser.find_element("id", "d-list").text
    assert "P(Pomkin wears a hat)\n0.500" in told
    assert "P(owl is shown)\n0.900" in told
    assert browser.get_log("browser") == []


def test_what_failed_says_why(page: Any) -> None:
    page.find_element("css selector", ".cell.m-error").click()
    assert "out of memory" in page.find_element("id", "detail").text


def test_markup_in_names_stays_text(page: Any) -> None:
    page.find_element("css selector", ".cell").click()
    assert "<script>alert('x')</script>" in page.find_element("id", "d-list").text
    assert page.execute_script("return document.querySelectorAll('script').length") == 2


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


def test_every_picture_and_control_has_a_name(page: Any) -> None:
    page.find_element("css selector", ".cell").click()
    nameless = page.execute_script(
        "return [...document.querySelectorAll('img, button, input, select, [role=img], nav, dialog')]"
        ".filter(e => e.checkVisibility() && !(e.alt || e.ariaLabel || e.textContent.trim()"
        " || e.labels?.length || e.getAttribute('aria-labelledby'))).map(e => e.outerHTML)"
    )
    assert nameless == []


def test_a_large_run_is_laid_out_a_page_at_a_time(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copycat.report.gallery.MOST_INSIDE", 100)
    run = SyntheticRun(tmp_path / "run", characters=100)
    browser.get(write_report(run).as_uri())
    assert _shown(browser) == "600 of 600 pictures"
    count = "return document.querySelectorAll('img[src]').length"
    assert browser.execute_script(count) <= 240
    assert browser.execute_script(
        "return [...document.querySelectorAll('#lines img')].every(i => i.loading == 'lazy')"
    )
    assert "of 3" in browser.find_element("css selector", ".pager").text
    seen = set(_names(browser))
    for _ in range(2):
        browser.find_element("css selector", ".pager [data-step='1']").click()
        assert browser.execute_script(count) <= 240
        assert not seen & set(_names(browser))
        seen |= set(_names(browser))
    assert len(seen) == 100
    assert not browser.find_element("css selector", ".pager [data-step='1']").is_enabled()
    # Every file was found, nothing else was asked for, and the enlarged picture is the file itself.
    asked = browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert all(url.startswith(("file:", "data:")) for url in asked)
    assert browser.get_log("browser") == []
    browser.find_element("css selector", ".cell").click()
    large = browser.execute_script("return document.querySelector('.d-shown img').src")
    assert large.startswith((run.path / "images").as_uri())
    # The picture before it lies on another page of the sheet, which is turned to when it was looked at last.
    _press(browser, LEFT, ESCAPE)
    _wait(lambda: browser.find_element("css selector", ".pager input").get_attribute("value") == "2")
    assert "cell" in browser.switch_to.active_element.get_attribute("class")
