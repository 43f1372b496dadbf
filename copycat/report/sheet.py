"""Every picture of a run as data, which the page's script lays out; each text is kept once."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from copycat.characters import Character, Registry
from copycat.paths import DATA
from copycat.records import Verdict
from copycat.report.embed import embed
from copycat.report.gallery import Gallery
from copycat.report.view import MARKS, Picture

REFERENCES = 2
"""Reference pictures shown beside each character."""
LARGEST_REFERENCE = 256


class _Kept:
    """Strings, each once; places count from 0, and the empty string is at 0."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {"": 0}

    def __call__(self, text: str | None) -> int:
        return self._places.setdefault(text or "", len(self._places))

    def all(self) -> list[str]:
        return list(self._places)


def sheet(
    shown: Sequence[Picture], registry: Registry, gallery: Gallery, *, withheld: bool
) -> dict[str, Any]:
    """A JSON object: `texts` and `images` that others point into, the `characters`, and columns of pictures.

    Of a pulled run whose pictures stayed with the publisher, `withheld` says so for those without a file.
    """
    texts, images = _Kept(), _Kept()
    slugs = list(dict.fromkeys(p.request.character for p in shown))
    sets = list(dict.fromkeys(p.request.prompt_set for p in shown))
    mitigations = list(dict.fromkeys(p.request.mitigation for p in shown))
    marks = list(MARKS)
    of = {name: {x: i for i, x in enumerate(xs)} for name, xs in
          (("c", slugs), ("s", sets), ("m", mitigations), ("k", marks))}  # fmt: skip
    columns: dict[str, list[Any]] = {}
    for p in shown:
        r, picture = p.request, gallery.show(p)
        told = {
            "c": of["c"][r.character],
            "s": of["s"][r.prompt_set],
            "m": of["m"][r.mitigation],
            "k": of["k"][p.mark],
            "seed": r.run_seed,
            "p": r.prompt_index,
            "i": r.index,
            "sent": texts(r.prompt),
            "source": texts(r.source_prompt),
            "negative": texts(r.negative),
            "reply": texts(_reply(p.which)),
            "reason": texts((p.image.error if p.image else None) or (p.which.reason if p.which else None)),
            "frames": texts(_frames(p)),
            "file": texts(p.file),
            "target": _score(p.target),
            "key": _score(p.key),
            "content": _rounded(p.content),
            "small": images(picture.small) if picture else 0,
            "large": images(picture.large) if picture else 0,
            "pixelated": int(bool(picture and picture.pixelated)),
            "video": int(p.video),
            "withheld": int(bool(withheld and p.file and picture is None)),
        }
        for name, value in told.items():
            columns.setdefault(name, []).append(value)
    return {
        "characters": [_character(registry[s], images) for s in slugs],
        "sets": sets,
        "mitigations": mitigations,
        "marks": marks,
        "words": [MARKS[m] for m in MARKS],
        "pictures": columns,
        "texts": texts.all(),
        "images": images.all(),
    }


def _character(c: Character, images: _Kept) -> dict[str, Any]:
    references = [e for f in c.references[:REFERENCES] if (e := embed(DATA / f, LARGEST_REFERENCE))]
    return {
        "name": c.name,
        "owner": c.owner,
        "key": c.key,
        "training": c.training_images,
        "who": " ".join((*c.spoken, c.owner, c.slug, c.key)),
        "references": [[images(e.uri), int(e.pixelated)] for e in references],
    }


def _reply(which: Verdict | None) -> str:
    return (which.reply or ", ".join(which.names or ())) if which else ""


def _frames(p: Picture) -> str:
    if not p.video:
        return ""
    sampling = p.request.sampling
    decided = f"; the verdict is that on frame {p.which.frame}" if p.which else ""
    return f"{', '.join(map(str, sampling.judged))} of {sampling.frames}{decided}"


def _score(verdict: Verdict | None) -> float | None:
    return _rounded(verdict.score) if verdict and verdict.status == "scored" else None


def _rounded(value: float | None) -> float | None:
    # JSON has no number for what is none.
    return round(value, 4) if value is not None and math.isfinite(value) else None


def inline(content: object) -> Markup:
    """`content` as JSON that can stand in a `<script>` element: no text in it can end the element."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    # Inside a script element nothing is escaped as HTML; what could be read as markup is gone from it.
    return Markup(text)  # noqa: S704
