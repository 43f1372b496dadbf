"""People label in headless Chromium: by keyboard, two at once, over a killed server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from copycat.annotate.answers import Answers, RaterAnswer
from copycat.runs.folder import RunFolder
from copycat.stages.generate import generate
from copycat.stages.plan import prepare
from tests.helpers.signals import listen_to_ctrl_c

pytestmark = pytest.mark.browser
NASTY = "<img src=x onerror=\"document.title='broken'\"> & ‘Bo’"

BACKSPACE, ENTER, ESCAPE, LEFT, DOWN = "\ue003", "\ue007", "\ue00c", "\ue012", "\ue015"


class Server:
    """`copycat annotate` as a user starts it."""

    def __init__(self, run: Path) -> None:
        program = "from copycat.cli.main import main; main()"
        command = [sys.executable, "-c", program, "annotate", str(run)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, preexec_fn=listen_to_ctrl_c
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.url = next(word for word in line.split() if word.startswith("http://127.0.0.1:"))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def folder(config: Any) -> RunFolder:
    """Twenty-four pictures."""
    made: RunFolder = prepare(config(seeds=(0, 1, 2, 3)))
    generate(made, device="cpu")
    return made


@pytest.fixture
def serve(folder: RunFolder) -> Iterator[Callable[[], Server]]:
    servers: list[Server] = []

    def begin() -> Server:
        servers.append(Server(folder.path))
        return servers[-1]

    yield begin
    for server in servers:
        server.kill()


def wait(condition: Callable[[], Any], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the page did not get there"
        time.sleep(0.02)


def shown(page: Any) -> str:
    """The question whose picture is on the screen, or `end`; empty before that."""
    return str(page.execute_script("return document.body.dataset.shown || ''"))


def count(page: Any) -> int:
    # Nothing stands there before the server has answered.
    words = page.execute_script("return (document.querySelector('#count') || {}).textContent || '0'").split()
    return int(words[0])


def keys(page: Any, *pressed: str) -> None:
    for key in pressed:
        page.switch_to.active_element.send_keys(key)


def begin(page: Any, url: str, name: str) -> None:
    page.get(url)
    page.switch_to.active_element.send_keys(name + ENTER)
    wait(lambda: shown(page))


def label(page: Any, *pressed: str) -> None:
    """RaterAnswer the picture that is shown, and wait until the server has confirmed it."""
    before = shown(page)
    keys(page, *pressed)
    wait(lambda: shown(page) != before)


def standing(folder: RunFolder) -> tuple[RaterAnswer, ...]:
    """What is on disk now."""
    return tuple(Answers(folder.labels_path).standing())


def said(folder: RunFolder) -> list[str]:
    return [a.answer for a in standing(folder)]


def test_twenty_labels_by_keyboard_and_nothing_is_lost(
    browsers: Callable[[], Any], serve: Callable[[], Server], folder: RunFolder
) -> None:
    page, server = browsers(), serve()
    begin(page, server.url, NASTY)
    assert page.find_element("id", "rater").text == NASTY
    for answer in (
        ("y", "3"),
        ("n", ENTER, "1"),
        ("u",),
        ("n", "zz", BACKSPACE, BACKSPACE, DOWN, ENTER, "2"),
    ):
        label(page, *answer)
    label(page, "y", ESCAPE, "n", ESCAPE, "y", "1")
    assert said(folder) == ["yes", "no", "unsure", "no", "yes"]
    assert [a.saw for a in standing(folder) if a.answer == "no"] == ["none", "look-alike"]
    page.refresh()
    wait(lambda: count(page) == 5)
    for _ in range(7):
        wait(lambda: shown(page))
        label(page, "y", "2")
    acknowledged = standing(folder)
    assert len(acknowledged) == 12

    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    keys(page, "y", "3")
    wait(lambda: page.find_element("id", "alert").is_displayed())
    assert "Not saved" in page.find_element("id", "alert").text
    assert standing(folder) == acknowledged

    server = serve()
    begin(page, server.url, NASTY)
    assert count(page) == 12
    for _ in range(8):
        label(page, "n", ENTER, "3")
    assert standing(folder)[:12] == acknowledged
    assert len(standing(folder)) == 20
    assert {a.rater for a in standing(folder)} == {NASTY}

    # Back to the last one, another answer: it replaces the first. Then that is taken back.
    label(page, LEFT)
    assert page.find_element("id", "mine").text == "Your answer so far: no, nobody known, sure."
    label(page, "y", "1")
    assert (said(folder)[-1], len(standing(folder))) == ("yes", 20)
    label(page, "z")
    assert len(standing(folder)) == 19
    assert page.title == "Label pictures · copycat", "a name is text"
    label(page, "s")
    for _ in range(4):
        label(page, "u")
    assert shown(page) == "end"
    assert "skipped 1" in page.find_element("id", "sum").text
    label(page, ENTER)
    label(page, "y", "3")
    assert "24 of 24" in page.find_element("id", "sum").text
    os.kill(server.process.pid, signal.SIGINT)
    assert server.process.stdout is not None
    assert "24 labels by 1 rater are in" in server.process.stdout.read()
    assert server.process.wait() == 0


def test_two_raters_at_once(
    browsers: Callable[[], Any], serve: Callable[[], Server], folder: RunFolder
) -> None:
    server = serve()
    pages = {name: browsers() for name in ("Ann", NASTY)}
    for name, page in pages.items():
        begin(page, server.url, name)
    for n in range(12):
        for page in pages.values():
            label(page, "y", "3") if n % 2 else label(page, "n", ENTER, "3")
    answers = standing(folder)
    assert sorted(a.rater for a in answers) == sorted(["Ann", NASTY] * 12)
    orders = [[a.about for a in answers if a.rater == name] for name in pages]
    assert orders[0] != orders[1]
    for page in pages.values():
        for _ in range(12):
            label(page, "u")
    ann = pages["Ann"]
    keys(ann, "a")
    wait(lambda: ann.find_element("id", "agreement").is_displayed())
    both = len(set(orders[0]) & set(orders[1]))
    assert f"on {both} pictures" in ann.find_element("id", "figures").text
    keys(ann, ESCAPE)
    assert not ann.find_element("id", "agreement").is_displayed()
    ann.get(server.url)
    assert NASTY in ann.find_element("css selector", ".raters").text
    assert ann.find_elements("css selector", ".raters img") == []
    assert [e for page in pages.values() for e in page.get_log("browser")] == []


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_nothing_is_wider_than_the_screen(
    browsers: Callable[[], Any], serve: Callable[[], Server], width: int, scheme: str
) -> None:
    page = browsers()
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    begin(page, serve().url, "W" * 80)
    for key in ("", "n", ENTER):
        keys(page, key)
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
    paper = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    dark = int(paper.split("(")[1].split(",")[0]) < 128
    assert dark == (scheme == "dark")
