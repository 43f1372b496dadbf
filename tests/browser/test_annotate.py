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

from copycat.annotate.store import Store
from copycat.runs.folder import RunFolder
from copycat.stages.generate import generate
from copycat.stages.plan import prepare

pytestmark = pytest.mark.browser
NASTY = "<img src=x onerror=\"document.title='broken'\"> & ‘Bo’"

BACKSPACE, ENTER, LEFT = "\ue003", "\ue007", "\ue012"


class Server:
    """`copycat annotate` as a user starts it."""

    def __init__(self, run: Path) -> None:
        program = "from copycat.cli.main import main; main()"
        command = [sys.executable, "-c", program, "annotate", str(run), "--no-open"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
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


def wait(condition: Callable[[], Any], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the page did not get there"
        time.sleep(0.02)


def keys(page: Any, *pressed: str) -> None:
    for key in pressed:
        page.switch_to.active_element.send_keys(key)


def begin(page: Any, url: str, name: str) -> None:
    page.get(url)
    page.find_element("id", "name").send_keys(name + "\n")
    wait(lambda: page.find_element("id", "work").is_displayed())


def count(page: Any) -> int:
    return int(page.find_element("id", "count").text.split()[0])


def label(page: Any, *pressed: str) -> None:
    """Answer the picture that is shown, and wait until the server has confirmed it."""
    before = count(page)
    keys(page, *pressed)
    wait(lambda: count(page) == before + 1)


def test_twenty_labels_by_keyboard_and_nothing_is_lost(
    browsers: Callable[[], Any], serve: Callable[[], Server], folder: RunFolder
) -> None:
    page, server = browsers(), serve()
    begin(page, server.url, NASTY)
    assert page.find_element("id", "who").text == NASTY
    for answer in (("y", "3"), ("n", ENTER, "1"), ("u",), ("n", "x", BACKSPACE, ENTER, "2"), ("y", "1")):
        label(page, *answer)
    page.refresh()
    wait(lambda: count(page) == 5)
    for _ in range(7):
        label(page, "y", "2")
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    # What is pressed now is not kept, and the page says so.
    keys(page, "y", "3")
    wait(lambda: page.find_element("id", "trouble").is_displayed())
    assert "not kept" in page.find_element("id", "trouble").text
    assert len(Store(folder.path).labels()) == 12

    server = serve()
    page.get(server.url)
    page.execute_script("sessionStorage.clear()")
    begin(page, server.url, NASTY)
    assert count(page) == 12
    for _ in range(8):
        label(page, "n", ENTER, "3")
    labels = Store(folder.path).labels()
    assert len(labels) == 20
    assert {x.rater for x in labels} == {NASTY}
    assert [x.label for x in labels].count(True) == 9
    assert [x.label for x in labels].count(None) == 1
    # Back to the last one, another answer: it replaces the first.
    keys(page, LEFT)
    wait(lambda: page.find_element("id", "before").is_displayed())
    keys(page, "y", "1")
    wait(lambda: [x.label for x in Store(folder.path).labels()].count(True) == 10)
    assert page.title == "Label pictures – copycat", "a name is text"
    for _ in range(4):
        label(page, "u")
    wait(lambda: page.find_element("id", "end").is_displayed())
    os.kill(server.process.pid, signal.SIGINT)
    assert server.process.stdout is not None
    assert "24 labels in" in server.process.stdout.read()
    assert server.process.wait() == 0


def test_two_raters_at_once(
    browsers: Callable[[], Any], serve: Callable[[], Server], folder: RunFolder
) -> None:
    server = serve()
    pages = {name: browsers() for name in ("Ann", NASTY)}
    for name, page in pages.items():
        begin(page, server.url, name)
    for _ in range(24):
        for page in pages.values():
            label(page, "y", "3")
    labels = Store(folder.path).labels()
    assert sorted(x.rater for x in labels) == sorted(["Ann", NASTY] * 24)
    wait(lambda: "24 pictures labelled by two" in pages["Ann"].find_element("id", "agreement").text)
    severe = [e for page in pages.values() for e in page.get_log("browser") if e["level"] == "SEVERE"]
    assert not severe
