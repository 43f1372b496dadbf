"""The structure of a reply: what is thinking, what is an object, what are labelled lines, what is prose."""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from copycat.io.documents import parse_yaml

LONGEST = 20_000
"""Characters of a reply that are read, what it thinks aside; it counts as cut off there."""
_SIGNS = re.compile(r"(\W{100})\W+(\W{100})")
"""Long runs of signs and blanks, whose middle says nothing; what looks for words tries each place in them."""
_THINKING = re.compile(r"<(/?)(think\w*|thought|reasoning|reflection|scratchpad)>", re.IGNORECASE)
_OPENED = re.compile(r"<(think\w*|thought|reasoning|reflection|scratchpad)>.*\Z", re.DOTALL | re.IGNORECASE)
_LONE_END = re.compile(
    r"\A.*</(?:think\w*|thought|reasoning|reflection|scratchpad)>", re.DOTALL | re.IGNORECASE
)
_TAGGED = re.compile(
    r"<(answer|final|output|response|result)>\s*(.*?)\s*(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE
)
_BOXED = re.compile(r"\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}")
_TEX = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\{([^{}]*)\}")
_MARKUP = re.compile(
    r"!\[[^\]]*\]\([^)]*\)|\*\*|__|`+|^\s*#+\s*|^\s*>\s?|<\|[^|]*\|>|</?[a-z]+/?>",
    re.MULTILINE | re.IGNORECASE,
)


def without_thoughts(reply: str) -> str:
    """What follows the thinking; nothing where that does not end."""
    text = _LONE_END.sub("", _without_pairs(reply))
    return _OPENED.sub("", text).strip()


def _without_pairs(reply: str) -> str:
    """`reply` without each thinking that ends with the tag it begins with, in one pass over the tags."""
    tags = list(_THINKING.finditer(reply))
    closing: dict[str, list[re.Match[str]]] = {}
    for tag in tags:
        if tag[1]:
            closing.setdefault(tag[2].lower(), []).append(tag)
    kept, at = [], 0
    for tag in tags:
        if tag[1] or tag.start() < at:
            continue
        ends = closing.get(tag[2].lower(), [])
        first = bisect_left(ends, tag.end(), key=re.Match.start)
        if first < len(ends):
            kept.append(reply[at : tag.start()])
            at = ends[first].end()
    return "".join((*kept, reply[at:]))


def answer_part(reply: str) -> tuple[str, bool]:
    """The reply without its thinking, only what stands in an answer's tags or box, where there is one; and
    whether the reply is longer than is read."""
    whole = without_thoughts(reply)
    text = unicodedata.normalize("NFC", _SIGNS.sub(r"\1\2", whole[:LONGEST]))
    tagged, boxed = _TAGGED.search(text), _BOXED.search(text)
    text = tagged[2] if tagged else boxed[1] if boxed else text
    return _TEX.sub(r"\1", text).strip(), len(whole) > LONGEST


def plain(text: str) -> str:
    """`text` without the signs of Markdown and other markup, with straight apostrophes."""
    bare = _MARKUP.sub("", text).replace("’", "'").replace("‘", "'")
    # Single signs of emphasis stand at the edge of a word; those within one stay.
    return re.sub(r"(?<!\w)[*_](?=\w)|(?<=[\w.!?])[*_](?!\w)", "", bare).strip()


@dataclass(frozen=True)
class Entry:
    """One figure of a reply in a fixed form."""

    name: str | None
    """None where the form has no name there."""
    work: str = ""
    score: str | None = None
    """As it is written; None without one."""


class Unclear(ValueError):
    """A reply in a form that says no one thing, with the reason."""


# --- objects ---


_MOST_OBJECTS = 500
"""Objects and lists that a reply may hold; each is compared with those before it."""
_MOST_BROKEN = 1000
"""Brackets that may begin like JSON and turn out to be none."""
_WORK = 8
"""Times a reply's length that are read again, after brackets which turned out to be no JSON."""


def objects(text: str) -> list[Any]:
    """The JSON objects and lists in `text`, in a code fence or in prose, each once.

    Trailing commas, single quotes and bare words are read too. Takes time in proportion to the length of
    `text`. Raises Unclear for a key that stands twice, for objects nested too deeply, and for a text of
    brackets that could only be read over and over.
    """
    decoder = json.JSONDecoder(object_pairs_hook=_unambiguous)
    ends = _ends(text)
    found: list[Any] = []
    at, work, broken = 0, _WORK * len(text) + 1000, 0
    while match := _OPENING.search(text, at):
        start = match.start()
        end = ends.get(start, start)
        try:
            # Looked at first, since an error of the decoder's counts all lines before it.
            value, at = decoder.raw_decode(text, start) if _JSON.match(text, start) else (None, start)
        except json.JSONDecodeError as e:
            value, at, broken = None, start, broken + 1
            work -= e.pos - start
        except RecursionError:
            raise Unclear("the object is nested too deeply") from None
        except Unclear:
            raise
        except ValueError as e:
            raise Unclear("a number in the object has too many digits") from e
        if at == start:
            value, at = _leniently(text, start, end)
            work -= end - start if at == start + 1 else 0
        if work < 0 or broken > _MOST_BROKEN:
            raise Unclear("its brackets are no objects")
        if isinstance(value, dict | list) and value not in found and _is_data(value):
            found.append(value)
            if len(found) > _MOST_OBJECTS:
                raise Unclear("too many objects")
    return found


_OPENING, _BRACKET = re.compile(r"[{\[]"), re.compile(r"[{}\[\]]")
_JSON = re.compile(r"\{\s*[\"}]|\[\s*[\[\]{\"\w-]")
"""How an object or a list of JSON begins."""


def _ends(text: str) -> dict[int, int]:
    """Where each opening bracket of `text` is closed, whichever kind the closing one is."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for match in _BRACKET.finditer(text):
        if match[0] in "{[":
            opened.append(match.start())
        elif opened:
            ends[opened.pop()] = match.end()
    return ends


def _is_data(value: Any) -> bool:
    """Whether a bracket holds data: any object, or a list of strings or objects, empty or not."""
    return isinstance(value, dict) or all(isinstance(v, dict | str) for v in value)


def _leniently(text: str, start: int, end: int) -> tuple[Any, int]:
    """What YAML makes of the bracket from `start` to `end`, its closing one, and where to go on."""
    if end == start:
        return None, start + 1
    balanced = text[start:end]
    if not re.search(r":|\A\[\s*(?:[\"'].*)?\]\Z", balanced, re.DOTALL):
        return None, end
    try:
        return parse_yaml(re.sub(r",(\s*[}\]])", r"\1", balanced)), end
    except ValueError:
        return None, start + 1


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({k for k, _ in pairs}) < len(pairs):
        raise Unclear("a key stands twice in the object")
    return dict(pairs)


def field(value: dict[Any, Any], *names: str) -> tuple[bool, Any]:
    """Whether an object has one of these keys, in any case of letters, and what it holds."""
    lower = {re.sub(r"[\W_]+", "", str(k)).lower(): v for k, v in value.items()}
    return next(((True, lower[n]) for n in names if n in lower), (False, None))


_LISTS = ("characters", "figures", "names", "people", "subjects", "results", "entries", "answers")
_NAMES = (
    "name",
    "character",
    "charactername",
    "figure",
    "fullname",
    "identity",
    "subject",
    "answer",
    "who",
    "id",
)
_WORKS = (
    "work", "works", "series", "franchise", "source", "origin", "from", "film", "movie", "game", "show",
    "title", "media", "universe",
)  # fmt: skip


def entries_of(value: Any) -> list[Entry]:
    """The figures of an object or a list. Raises Unclear for an object with none of the keys for them."""
    if value is None:
        return [Entry(None)]
    if isinstance(value, list):
        return [e for v in value for e in entries_of(v)]
    if not isinstance(value, dict):
        return [Entry(str(value))]
    listed, inner = field(value, *_LISTS)
    if listed:
        return entries_of(inner) if inner is not None else []
    named, name = field(value, *_NAMES)
    if isinstance(name, dict | list):
        return entries_of(name)
    has_work, work = field(value, *_WORKS)
    _, score = field(value, "score")
    if not named and not has_work:
        if len(value) == 1 and isinstance(inner := next(iter(value.values())), dict | list):
            return entries_of(inner)
        raise Unclear("the object has no key for a name")
    told = ", ".join(map(str, work)) if isinstance(work, list) else str(work or "")
    return [Entry(None if name is None else str(name), told, None if score is None else str(score))]


_PAIR = re.compile(r'"([\w ]+)"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|null)')


def broken_entries(text: str) -> list[Entry]:
    """The figures of an object that was cut off: those whose names are whole."""
    found: list[Entry] = []
    for key, value in _PAIR.findall(text):
        if key.lower() in _NAMES:
            found.append(Entry(value or None))
        elif key.lower() in _WORKS and found:
            found[-1] = Entry(found[-1].name, value)
    return found


# --- labelled lines ---

_LABELS = {
    "name": (
        "name",
        "character",
        "characters",
        "character name",
        "full name",
        "figure",
        "names",
        "nom",
        "nombre",
    ),
    "work": (
        "work",
        "works",
        "series",
        "franchise",
        "source",
        "origin",
        "from",
        "film",
        "movie",
        "game",
        "show",
        "media",
    ),
    "score": ("score",),
}
_KIND = {label: kind for kind, labels in _LABELS.items() for label in labels}
_LABEL = re.compile(
    r"(?:(?:^|(?<=[\n,;|/(]))[\s\W]*?\b(?P<any>" + "|".join(sorted(_KIND, key=len, reverse=True)) + r")"
    r"\s*\d*\s*(?:[:：=]|\s[-–—]\s)"
    r"|(?<=\s)(?<!the )(?<!this )(?<!any )(?<!a )(?P<asked>name|work|character|score)\s?[:：=])\s*",
    re.IGNORECASE,
)


def labelled(text: str) -> list[Entry]:
    """The figures of a reply in labelled lines, such as `Name: …` and `Work: …`; none for any other reply."""
    found: list[dict[str, str]] = []
    labels = list(_LABEL.finditer(text))
    for label, following in zip_longest(labels, labels[1:]):
        kind = _KIND[" ".join((label["any"] or label["asked"]).lower().split())]
        value = text[label.end() : following.start() if following else len(text)]
        value = value.split("\n", 1)[0] if value.strip() else ""
        if not found or kind in found[-1]:
            found.append({})
        found[-1][kind] = value.strip(" \t,;|/")
    return [Entry(f.get("name"), f.get("work", ""), f.get("score")) for f in found] if _is_form(found) else []


def _is_form(found: list[dict[str, str]]) -> bool:
    return any("name" in f or "score" in f for f in found)


def sentences(text: str) -> Iterator[str]:
    """The sentences and lines of `text`; "Mr. Krabs" and "Monkey D. Luffy" stay whole."""
    titles = [
        "Mr",
        "Mrs",
        "Ms",
        "Dr",
        "St",
        "Jr",
        "Sr",
        "Capt",
        "Prof",
        "Lt",
        "Sgt",
        "vs",
        "e.g",
        "i.e",
        "Inc",
        "No",
        "c",
        "ca",
    ]
    stops = "".join(rf"(?<!\b{re.escape(t)}\.)" for t in titles) + r"(?<!\b[A-Z]\.)"
    for line in text.split("\n"):
        for part in re.split(rf"{stops}(?:(?<=[.!?])|(?<=[.!?][\"'”)]))\s+|(?<=[。！？])|;\s+", line):
            if re.search(r"\w", part):
                yield part.strip()
