"""Licences: whether a name is SPDX's, what a licence lets one do, and whether one allows more than another.

What is known of single licences is data (`data/licences/licences.yaml`).
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from copycat.io.documents import parse_yaml, read_text
from copycat.io.paths import DATA

FILE = DATA / "licences" / "licences.yaml"
_ADDRESSES = (
    (re.compile(r"https?://(?:www\.)?spdx\.org/licenses/([\w.+-]+?)(?:\.html)?/?$"), "{0}"),
    (re.compile(r"https?://creativecommons\.org/publicdomain/zero/1\.0.*"), "CC0-1.0"),
    (re.compile(r"https?://creativecommons\.org/publicdomain/mark/1\.0.*"), "CC-PDM-1.0"),
    (re.compile(r"https?://creativecommons\.org/licenses/([a-z-]+)/(\d\.\d)(?:/.*)?$"), "CC-{0}-{1}"),
    (re.compile(r"https?://(?:www\.)?apache\.org/licenses/LICENSE-2\.0.*"), "Apache-2.0"),
    (re.compile(r"https?://opensource\.org/licenses?/([\w.+-]+)/?$"), "{0}"),
)


@dataclass(frozen=True)
class Licence:
    """A licence expression that SPDX can read."""

    expression: str
    """As SPDX writes it."""
    conditions: frozenset[str] | None
    """What it asks of who uses the work; None for one that the table does not know."""
    open: bool | None
    """Whether it is open; None where that is not known."""

    @property
    def known(self) -> bool:
        return self.conditions is not None

    @property
    def gives_permission(self) -> bool | None:
        """Whether it lets anybody use the work at all; None where that is not known."""
        return None if self.conditions is None else "permission" not in self.conditions

    @property
    def own(self) -> bool:
        """Whether it is somebody's own wording, which SPDX has no name for."""
        return "LicenseRef-" in self.expression


def read_licence(value: Any) -> Licence | None:
    """The licence that `value` names, by SPDX's name, the hub's or its address; None where it names none."""
    text = str(value).strip()
    for pattern, made in _ADDRESSES:
        if found := pattern.match(text):
            parts = [g.upper() if "creativecommons" in text else g for g in found.groups()]
            text = made.format(*parts)
            break
    hub = _table()["hub"]
    if text.lower() in hub:
        text = hub[text.lower()] or ""
    if not text or len(text) > 500:
        return None
    try:
        return _known(str(canonicalize_license_expression(text)))
    except InvalidLicenseExpression:
        return None


@cache
def _known(expression: str) -> Licence:
    options = []
    for option in re.split(r"\s+OR\s+", re.sub(r"[()]", " ", expression)):
        names = [n.strip().partition(" WITH ")[0] for n in re.split(r"\s+AND\s+", option.strip())]
        options.append([_family(n) for n in names])
    # Of several to choose from the one that asks least; of several at once all that they ask.
    known = [o for o in options if all(f is not None for f in o)]
    if not known:
        return Licence(expression, None, None)
    asked = [frozenset(c for f in o if f for c in f["conditions"]) for o in known]
    least = min(range(len(known)), key=lambda i: (len(asked[i] - {"attribution"}), len(asked[i])))
    return Licence(expression, asked[least], all(f["open"] for f in known[least] if f))


def _family(name: str) -> Mapping[str, Any] | None:
    for family in _table()["families"].values():
        if any(fnmatch.fnmatchcase(name.lower(), str(p).lower()) for p in family["licences"]):
            found: Mapping[str, Any] = family
            return found
    return None


@cache
def _table() -> dict[str, Any]:
    held: dict[str, Any] = parse_yaml(read_text(FILE))
    return held


WORDS = {
    "attribution": "naming the author",
    "share-alike": "sharing alike",
    "non-commercial": "no commercial use",
    "no-derivatives": "no changes",
    "permission": "permission that nobody gave",
}


def freed(whole: Licence, part: Licence) -> frozenset[str]:
    """Conditions of a part that the licence of the whole does not have: what it would give away without being
    its owner. Empty where one of the two is not known."""
    if whole.conditions is None or part.conditions is None:
        return frozenset()
    return part.conditions - whole.conditions


def texts() -> Mapping[str, list[str]]:
    """Words by which the text of a licence is known, by its name."""
    found: Mapping[str, list[str]] = _table()["texts"]
    return found
