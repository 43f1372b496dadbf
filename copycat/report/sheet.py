"""Every picture of a run as data, which the page's script lays out; each text is kept once."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from copycat.measures import DETECT, Measure
from copycat.records import Named, Unscored, Verdict, YesNo
from copycat.report.embed import references
from copycat.report.gallery import Gallery
from copycat.report.view import STATES, Picture, shown_measures
from copycat.runs.data import RunData

LARGEST_REFERENCE = 256


class _Kept:
    """Strings, each once; places count from 0, and the empty string is at 0."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {"": 0}

    def __call__(self, text: str | None) -> int:
        return self._places.setdefault(text or "", len(self._places))

    def all(self) -> list[str]:
        return list(self._places)


def sheet(run: RunData, shown: Sequence[Picture], gallery: Gallery) -> dict[str, Any]:
    """A JSON object that holds every picture once.

    `texts` and `images` are what others point into; `pictures` are columns, and `values` one more column for
    each of the `measures`. Of a pulled run whose pictures stayed with the publisher, those without a file are
    called withheld.
    """
    texts, images = _Kept(), _Kept()
    slugs = list(dict.fromkeys(p.request.character for p in shown))
    sets = list(dict.fromkeys(p.request.prompt_set for p in shown))
    mitigations = list(dict.fromkeys(p.request.mitigation for p in shown))
    states = list(STATES)
    of = {name: {x: i for i, x in enumerate(xs)} for name, xs in
          (("c", slugs), ("s", sets), ("m", mitigations), ("k", states))}  # fmt: skip
    withheld = bool(run.manifest.origin and run.manifest.origin.withheld)
    columns: dict[str, list[Any]] = {}
    for p in shown:
        r, picture, identified = p.request, gallery.shown.get(p.request.id), p.identified
        told = {
            "c": of["c"][r.character],
            "s": of["s"][r.prompt_set],
            "m": of["m"][r.mitigation],
            "k": of["k"][p.state],
            "seed": r.run_seed,
            "p": r.prompt_index,
            "i": r.index,
            "sent": texts(r.prompt),
            "source": texts(r.source_prompt),
            "negative": texts(r.negative),
            "reply": texts(_reply(identified)),
            "reason": texts((p.image.error if p.image else None) or _reason(identified)),
            "frames": texts(_frames(p)),
            "file": texts(p.file),
            "small": images(picture.small) if picture else 0,
            "large": images(picture.large) if picture else 0,
            "pixelated": int(bool(picture and picture.pixelated)),
            "video": int(p.video),
            "withheld": int(bool(withheld and p.file and picture is None)),
        }
        for name, value in told.items():
            columns.setdefault(name, []).append(value)
    # What the first measure says of a picture is its state already.
    beside = [m for m in shown_measures(run) if m is not DETECT]
    return {
        "characters": [_character(run, s, images, beside) for s in slugs],
        "sets": sets,
        "mitigations": mitigations,
        "states": states,
        "words": list(STATES.values()),
        "measures": [{"name": m.name, "lower": m.better == "lower"} for m in beside],
        "values": [[_value(m, p) for p in shown] for m in beside],
        "pictures": columns,
        "texts": texts.all(),
        "images": images.all(),
    }


def _character(run: RunData, slug: str, images: _Kept, beside: Sequence[Measure]) -> dict[str, Any]:
    c = run.registry[slug]
    return {
        "name": c.name,
        "owner": c.owner,
        "key": c.key,
        "training": c.training_images,
        "who": " ".join((*c.spoken, c.owner, c.slug, c.key)),
        "captions": [m.caption(c) for m in beside],
        "references": [
            [images(e.small), int(e.pixelated)] for e in references(c.references, LARGEST_REFERENCE)
        ],
    }


def _value(measure: Measure, picture: Picture) -> float | None:
    seen = picture.values.get(measure.name)
    value = measure.degree(seen) if seen else None
    # JSON has no number for what is none.
    return round(value, 4) if value is not None and math.isfinite(value) else None


def _reply(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    if isinstance(verdict.answer, YesNo) and not verdict.reply:
        return f"asked for it by name: P(Yes) {verdict.answer.p_yes:.2f}"
    named = verdict.answer.names if isinstance(verdict.answer, Named) else ()
    return verdict.reply or ", ".join(named)


def _reason(verdict: Verdict | None) -> str:
    return verdict.answer.reason if verdict and isinstance(verdict.answer, Unscored) else ""


def _frames(p: Picture) -> str:
    if not p.video:
        return ""
    sampling = p.request.sampling
    decided = f"; the verdict is that on frame {p.identified.frame}" if p.identified else ""
    return f"{', '.join(map(str, sampling.judged))} of {sampling.frames}{decided}"


def inline(content: object) -> Markup:
    """`content` as JSON that can stand in a `<script>` element: no text in it can end the element."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    # Inside a script element nothing is escaped as HTML; what could be read as markup is gone from it.
    return Markup(text)  # noqa: S704
