"""What a data set says in words: its card with front matter, datasheet and other Markdown, by section."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from copycat.io.documents import parse_yaml

_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*\r?$\n?", re.S | re.M)
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
_UNDERLINED = re.compile(r"^(=+|-{3,})[ \t]*$")
_COMMENT = re.compile(r"<!--.*?-->", re.S)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\[`*_\"'“])|\n\s*\n|\n(?=\s*[-*|] )")
_PLACEHOLDER = re.compile(
    r"\[?\bmore information needed\b\]?|\bto[- ]?do\b|\btbd\b|\btba\b|\bto be (?:written|done"
    r"|added|announced)\b"
    r"|\bcoming soon\b|\blorem ipsum\b|\bfill (?:this|me) in\b|\bplaceholder\b|^\W*(?:n/?a"
    r"|none|\?+|\.+|x+)\W*$",
    re.I,
)


_LONGEST = 2000
"""Letters of a sentence that are read."""


@dataclass(frozen=True)
class Part:
    """One section of a document."""

    file: str
    heading: str
    text: str

    @property
    def words(self) -> int:
        return len(re.findall(r"\w+", self.text))

    @property
    def empty(self) -> bool:
        """Whether nothing stands there yet: no words, or what templates have in their place."""
        return not self.words or (self.words < 12 and _PLACEHOLDER.search(self.text.strip()) is not None)

    def sentences(self) -> Iterator[str]:
        """Its sentences and items of lists, each on one line, and no longer than anybody writes one."""
        for sentence in _SENTENCE.split(self.text):
            if sentence.strip():
                yield " ".join(sentence[:_LONGEST].split())


@dataclass(frozen=True)
class Document:
    """One file of words."""

    file: str
    text: str
    parts: tuple[Part, ...]
    front: dict[str, Any] = field(default_factory=dict)
    front_fault: str = ""
    """What is wrong with the front matter; empty where nothing is."""


def read_document(file: str, text: str) -> Document:
    """`text` by section; what stands before the first heading has an empty heading."""
    front: dict[str, Any] = {}
    fault = "it has no front matter"
    match = _FRONT.match(text)
    if match:
        fault = ""
        try:
            held = parse_yaml(match[1])
            front = held if isinstance(held, dict) else {}
            fault = "" if isinstance(held, dict) else "its front matter holds no fields"
        except ValueError as e:
            fault = f"its front matter cannot be read: {e}"
        text = text[match.end() :]
    body = _COMMENT.sub("", text)
    return Document(file, body, tuple(_parts(file, body)), front, fault)


def _parts(file: str, text: str) -> Iterator[Part]:
    heading, lines, fenced = "", list[str](), False
    for line in text.splitlines():
        fenced ^= line.lstrip().startswith("```")
        found = None if fenced else _HEADING.match(line)
        if found is None and not fenced and _UNDERLINED.match(line) and lines and lines[-1].strip():
            yield Part(file, heading, "\n".join(lines[:-1]).strip())
            heading, lines = lines[-1].strip(), []
        elif found is not None:
            yield Part(file, heading, "\n".join(lines).strip())
            heading, lines = found[2], []
        else:
            lines.append(line)
    yield Part(file, heading, "\n".join(lines).strip())
