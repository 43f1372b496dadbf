"""Reading our own pages back."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from copycat.report import render_page
from copycat.report.gallery import Where
from copycat.runs.folder import RunFolder
from tests.helpers.synthetic import SyntheticRun


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.data = ""
        self._in_data = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._in_data = dict(attrs).get("id") == "data"

    def handle_endtag(self, tag: str) -> None:
        self._in_data = False

    def handle_data(self, data: str) -> None:
        if self._in_data:
            self.data += data


def tags(page: str) -> list[tuple[str, dict[str, str | None]]]:
    """Every start tag with its attributes."""
    parser = _Tags()
    parser.feed(page)
    return parser.found


def sheet(page: str) -> list[dict[str, Any]]:
    """The pictures that the page's script lays out, with their texts and addresses looked up."""
    parser = _Tags()
    parser.feed(page)
    data = json.loads(parser.data)
    columns = data["pictures"]
    pictures = []
    for i in range(len(columns["c"])):
        p = {name: values[i] for name, values in columns.items()}
        for name in ("sent", "source", "negative", "reply", "reason", "frames", "file"):
            p[name] = data["texts"][p[name]]
        for name in ("small", "large"):
            p[name] = data["images"][p[name]]
        p |= {"state": data["states"][p["k"]], "words": data["words"][p["k"]]}
        p |= {"character": data["characters"][p["c"]], "mitigation": data["mitigations"][p["m"]]}
        p["values"] = dict(zip(p["character"]["captions"], (v[i] for v in data["values"]), strict=True))
        pictures.append(p)
    return pictures


def write_report(run: SyntheticRun, where: Where = "auto") -> Path:
    """The page of `run` as it is now, in its folder."""
    path = RunFolder(run.path).page_path
    path.write_text(render_page(run.data(), where), encoding="utf-8")
    return path
