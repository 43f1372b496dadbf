"""Every reader of what comes from outside, with small files that it reads, for `benchmarks/fuzz.py`."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from copycat.audit.dataset import Dataset as Folder
from copycat.audit.preferences import robots
from copycat.audit.run import audit
from copycat.audit.sample import read_sample
from copycat.calibration.labels import load_labels
from copycat.cards.calibration import read_calibration
from copycat.cards.folders import config
from copycat.cards.judges import CATALOG as JUDGES
from copycat.cards.llms import CATALOG as LLMS
from copycat.cards.models import CATALOG as MODELS
from copycat.cli.parsing import items, seeds
from copycat.copies.build import read_thresholds
from copycat.copies.references import references_at
from copycat.export.folder import check_target
from copycat.imitation.counts import read_counts
from copycat.imitation.estimate import Settings, estimate
from copycat.imitation.outliers import outliers
from copycat.imitation.scores import Scored, read_scores
from copycat.imitation.write import record
from copycat.io.hosted import Item
from copycat.io.hosted.batches import read_item
from copycat.io.journal import Journal
from copycat.io.paths import DATA
from copycat.io.tables import read_table
from copycat.io.words import words_or_none
from copycat.judges.replies import read_names, read_yes_no
from copycat.leaderboard.entry import Entry
from copycat.llms.replies import Replies
from copycat.mining.captions import read_captions
from copycat.mitigations import parse
from copycat.publish.columns import from_cells
from copycat.publish.people import PublishedLabel
from copycat.publish.read import Dataset
from copycat.records import ImageRow, Request, Row, Shift, Verdict
from copycat.release.declared import FILE as RELEASE
from copycat.release.declared import read_release
from copycat.runs.folder import RunFolder
from copycat.runs.imitation import read_imitation
from copycat.runs.importing import open_picture, read_given
from copycat.runs.ladder import FILE, Ladder, read_ladder
from copycat.runs.recorded import read_recorded
from copycat.runs.sent_batches import SentBatches
from copycat.subjects.characters import Registry, load_registry
from copycat.subjects.franchises import CATALOG as FRANCHISES
from copycat.subjects.keywords import load_list
from copycat.subjects.mentions import mentions
from copycat.subjects.neutral import read_neutral
from copycat.subjects.prompts import read_prompts
from copycat.subjects.upstream.results import read_results
from copycat.subjects.upstream.table import read_table as read_upstream

HERE = Path(__file__).resolve().parents[1]
RUN = HERE / "tests" / "data" / "first_rows" / "whole"


@dataclass(frozen=True)
class Reader:
    """One reader: what it is given is written to `file` in a folder of its own, and `read` is called with
    that path."""

    file: str
    read: Callable[[Path], object]
    seeds: Callable[[], list[bytes]]
    """Files that it reads, to begin with."""
    share: float = 1.0
    """Of all inputs, beside the other readers' shares; less for those that take long."""


def _text(*texts: str) -> Callable[[], list[bytes]]:
    return lambda: [t.encode() for t in texts]


def _first_lines(path: Path, n: int = 4) -> Callable[[], list[bytes]]:
    return lambda: [b"\n".join(path.read_bytes().split(b"\n")[:n]) + b"\n"]


def _whole(*paths: Path) -> Callable[[], list[bytes]]:
    return lambda: [p.read_bytes() for p in paths]


def _pictures() -> list[bytes]:
    found = []
    for mode in ("RGB", "RGBA", "L", "P", "I;16", "1", "CMYK"):
        for kind in ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"):
            out = io.BytesIO()
            try:
                Image.new(mode, (9, 7)).save(out, kind)
            except (OSError, ValueError, KeyError):
                continue
            found.append(out.getvalue())
    return found


def _batch_answers(path: Path) -> list[Item]:
    """What a batch's answers say; a line that tells of no call says nothing."""
    read = map(read_item, path.read_bytes().splitlines())
    return [item for item in read if item is not None]


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


_LABEL = {"image": "images/a.png", "character": "mario", "rater": "ann", "label": "1", "saw": "none"}
_GIVEN = {"file": "a.png", "character": "mario", "prompt": "a plumber", "seed": "3"}
_RECORDED = {"image": "images/a.png", "judge": "gpt", "score": "0.5"}


_COUNT = {"concept": "mario", "alias": "Mario", "count": "30", "downloaded": "20", "passed": "10"}


def _csv(row: Mapping[str, str]) -> bytes:
    return (",".join(row) + "\n" + ",".join(row.values()) + "\n").encode()


def _tables(row: dict[str, str], kind: str) -> Callable[[], list[bytes]]:
    made = {
        "csv": lambda: _csv(row),
        "jsonl": lambda: json.dumps(row).encode() + b"\n",
        "parquet": lambda: _parquet([row]),
    }
    return lambda: [made[kind]()]


def _text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


@cache
def _people() -> Registry:
    return load_registry("copycat")


def _named(path: Path) -> object:
    text = _text_of(path)
    found = read_names(text), read_names(text, cut_off=True), read_names(text, scored=True)
    for figure in getattr(found[0], "figures", None) or ():
        for c in _people().characters[:2]:
            list(mentions(figure.name, c))
    return found


def _said(path: Path) -> object:
    text = _text_of(path)
    return read_yes_no(text), read_yes_no(text, cut_off=True)


def _sent(path: Path) -> object:
    """A server's JSON, as the client hands it over: content of any type."""
    try:
        sent = json.loads(_text_of(path))
    except (ValueError, RecursionError):
        return None
    text = words_or_none(sent)
    return text is None or read_names(text)


def _journal(kind: type[Row], path: Path) -> object:
    return Journal(path, kind).rows()


def _kept_again(kind: type[Row], path: Path) -> object:
    """What is read can be written, and comes back."""
    rows = Journal(path, kind).rows()
    again = Journal(path.with_name("again.jsonl"), kind)
    again.replace(rows)
    return again.rows()


def _cells(model: type[Row], path: Path) -> object:
    """A row of a published table, whose cells are whatever JSON says."""
    try:
        cells = json.loads(_text_of(path))
    except (ValueError, RecursionError):
        return None
    return from_cells(cells, model, "a row") if isinstance(cells, dict) else None


def _cell_seed(path: Path, model: type[Row]) -> Callable[[], list[bytes]]:
    from copycat.publish.columns import to_cells

    return lambda: [json.dumps(to_cells(row)).encode() for row in Journal(path, model).rows()[:3]]


def _spec(path: Path) -> object:
    text = _text_of(path)
    return [parse(part) for part in items(text)]


def _looked_up(path: Path) -> object:
    return [_people().find(name) for name in _text_of(path).split("\n")]


_CARD = """---
license: cc-by-4.0
language: [en]
version: 1.0.0
---
# A

## Removal

Write to a@b.org; TODO. [code](a.py)
"""
_REGISTRY = """registry: mine
version: 1
noun: logo
questions: {verify: "Is this {name}?"}
characters:
- {slug: a, name: Ärno, aliases: [x, y], names: {fr: b}, owner: me, generic: a thing,
   attributes: [{text: t, generic: g, also: [u, {v: w}]}], references: [a.png],
   origin: {work: w, medium: m, country: US, year: 1999}}
- &b {slug: b, name: Bo, owner: me, generic: it, keywords: [k, l]}
"""
_KEYWORDS = """registry: mine
version: 1
source: by hand
keywords: {a: [x, y]}
rankings: {emb: {source: s, keywords: {a: [z]}}}
"""


def _yaml_cards(kind: str, n: int = 3) -> Callable[[], list[bytes]]:
    return lambda: [p.read_bytes() for p in sorted((DATA / kind).glob("*.yaml"))[:n]]


def _audited(path: Path) -> object:
    """The audit of the folder with one file, whatever it is."""
    return audit(Folder(path.parent, "x"))


READERS: dict[str, Reader] = {
    "registry": Reader("r.yaml", lambda p: load_registry(str(p)), _text(_REGISTRY), share=0.3),
    "names": Reader(
        "names.txt", _looked_up, _text("mario\nYoda", "Luigi", "SPONGEBOB\nBart Simpson"), share=0.3
    ),
    "model-card": Reader("m.yaml", MODELS.read, _yaml_cards("models"), share=0.3),
    "judge-card": Reader("j.yaml", JUDGES.read, _yaml_cards("judges"), share=0.3),
    "llm-card": Reader("l.yaml", LLMS.read, _yaml_cards("llms"), share=0.3),
    "keywords": Reader("k.yaml", load_list, _text(_KEYWORDS)),
    "franchises": Reader("f.yaml", FRANCHISES.read, lambda: [_franchises()], share=0.3),
    "prompts": Reader("p.jsonl", read_prompts, _first_lines(HERE / "prompts/copycat/name.jsonl")),
    "neutral": Reader("n.jsonl", read_neutral, lambda: [_neutral()]),
    "labels-csv": Reader("l.csv", lambda p: load_labels(str(p)), _tables(_LABEL, "csv")),
    "labels-jsonl": Reader("l.jsonl", lambda p: load_labels(str(p)), _tables(_LABEL, "jsonl")),
    "labels-parquet": Reader("l.parquet", lambda p: load_labels(str(p)), _tables(_LABEL, "parquet")),
    "table-tsv": Reader("t.tsv", lambda p: read_table(p, "table"), _text("a\tb\n1\t2\n")),
    "pictures-csv": Reader("g.csv", lambda p: read_given(p, _people()), _tables(_GIVEN, "csv")),
    "pictures-jsonl": Reader("g.jsonl", lambda p: read_given(p, _people()), _tables(_GIVEN, "jsonl")),
    "verdicts-csv": Reader("v.csv", lambda p: read_recorded(str(p)), _tables(_RECORDED, "csv")),
    "verdicts-jsonl": Reader("v.jsonl", lambda p: read_recorded(str(p)), _tables(_RECORDED, "jsonl")),
    "counts-csv": Reader("n.csv", read_counts, _tables(_COUNT, "csv")),
    "counts-json": Reader(
        "n.json", read_counts, _text('{"corpus": "c", "counts": {"mario": 3, "yoda": {"count": 1}}}')
    ),
    "counts-yaml": Reader(
        "n.yaml", read_counts, _text("corpus: c\ncounts: [{character: a, captions: 3}]\n"), share=0.3
    ),
    "scores-csv": Reader("s.csv", read_scores, _text("concept,count,score,prompt\na,3,0.5,p\nb,1,-0.5,p\n")),
    "threshold": Reader("threshold.json", lambda p: read_imitation(p.parent), lambda: [_threshold()]),
    "ladder": Reader(FILE, lambda p: read_ladder(p.parent), lambda: [_ladder()]),
    "ladder-thresholds": Reader("t.json", read_thresholds, lambda: [_thresholds()]),
    "references-parquet": Reader("r.parquet", lambda p: _references(p), lambda: [_pictures()]),
    "captions-jsonl": Reader("c.jsonl", lambda p: list(read_captions(str(p))), _text('{"caption": "a"}\n')),
    "captions-csv": Reader("c.csv", lambda p: list(read_captions(str(p))), _text("caption,x\na,b\n")),
    "captions-text": Reader("c.txt", lambda p: list(read_captions(str(p))), _text("a cat\na dog\n")),
    "upstream-csv": Reader(
        "u.csv", lambda p: read_upstream(p, "prompt"), _text(",target,prompt\n0,Mario,a plumber\n")
    ),
    "upstream-log": Reader(
        "model/prompts/run-1/neg_prompt_none/log.json",
        lambda p: read_results(p.parents[3]),
        _text('[{"target": "Mario", "prompt": "p", "negative prompt": "", "image_path": "images/0.png"}]'),
        share=0.3,
    ),
    "reply-names": Reader("reply.txt", _named, lambda: _replies(), share=0.03),
    "reply-yes-no": Reader("reply.txt", _said, lambda: _replies(), share=0.2),
    "reply-sent": Reader("sent.json", _sent, _text('"Mario"', '[{"type": "text", "text": "Mario"}]', "5")),
    "reply-kept": Reader(
        "replies.jsonl",
        Replies,
        _text(
            '{"key": "k", "model": "m", "asked": [{"role": "user", "content": "c"}], "reply": {"text": "t"}}'
            "\n"
        ),
    ),
    "rows-requests": Reader("r.jsonl", partial(_kept_again, Request), _first_lines(RUN / "requests.jsonl")),
    "rows-images": Reader("i.jsonl", partial(_kept_again, ImageRow), _first_lines(RUN / "images.jsonl")),
    "rows-verdicts": Reader("v.jsonl", partial(_kept_again, Verdict), _first_lines(RUN / "verdicts.jsonl")),
    "rows-shifts": Reader(
        "s.jsonl",
        partial(_journal, Shift),
        _text('{"request": "r", "frame": 0, "pictures": ["a", "b"], "encoder": "e", "distance": 0.5}\n'),
    ),
    "manifest": Reader(
        "manifest.json", lambda p: RunFolder(p.parent).manifest(), _whole(RUN / "manifest.json")
    ),
    "metrics": Reader("metrics.json", lambda p: RunFolder(p.parent).metrics(), _whole(RUN / "metrics.json")),
    "dataset": Reader(
        "publication.json",
        lambda p: Dataset(p.parent),
        lambda: [_dataset()],
    ),
    "export": Reader(
        "export.json",
        lambda p: check_target(p.parent),
        _text('{"format": "eee", "copycat": "0.1.0", "files": {"data/a/b/c/d.json": "0"}}\n'),
    ),
    "cells-label": Reader("c.json", partial(_cells, PublishedLabel), lambda: [_label_cells()]),
    "cells-verdict": Reader("c.json", partial(_cells, Verdict), _cell_seed(RUN / "verdicts.jsonl", Verdict)),
    "cells-request": Reader("c.json", partial(_cells, Request), _cell_seed(RUN / "requests.jsonl", Request)),
    "cells-image": Reader("c.json", partial(_cells, ImageRow), _cell_seed(RUN / "images.jsonl", ImageRow)),
    "batch-answers": Reader(
        "answers.jsonl",
        _batch_answers,
        _text(
            '{"custom_id": "c", "response": {"status_code": 200, "body": {"choices": []}}, "error": null}\n',
            '{"custom_id": "c", "response": {"status_code": 429, "body": {"error": {"code": "x"}}}}\n',
            '{"custom_id": "c", "response": null, "error": {"code": "batch_expired", "message": "late"}}\n',
        ),
    ),
    "batch-note": Reader(
        f"{'a' * 32}.json",
        lambda p: SentBatches(p.parent).of("j", "picture"),
        _text(
            f'{{"name": "{"a" * 32}", "asked": "j", "file": "f", "calls": '
            '[{"entry": {"call": "c", "at": "t", "usd": 0.1}, "about": "q"}]}\n'
        ),
    ),
    "leaderboard": Reader("e.jsonl", partial(_journal, Entry), lambda: [_entry()]),
    "calibration": Reader("c.json", read_calibration, lambda: [_calibration()], share=0.1),
    "model-folder": Reader("config.json", lambda p: config(p.parent), _text('{"model_type": "clip"}')),
    "mitigations": Reader(
        "spec.txt", _spec, _text("none,rewrite+negprompt[k=3]", "gate[fpr=0.1]+rewrite"), share=0.1
    ),
    "seeds": Reader("seeds.txt", lambda p: seeds(_text_of(p)), _text("3", "0,1,5", "7,")),
    "audit-card": Reader("README.md", _audited, _text(_CARD), share=0.05),
    "audit-csv": Reader("t.csv", _audited, _text("text,license,url\na,MIT,https://a.org/x\n"), share=0.05),
    "audit-jsonl": Reader(
        "t.jsonl",
        _audited,
        _text('{"text": "a +49 30 901820", "meta": {"date": "2026-01-01"}}\n'),
        share=0.05,
    ),
    "audit-croissant": Reader(
        "croissant.json",
        _audited,
        _text('{"@type": "sc:Dataset", "distribution": [{"contentUrl": "a"}], "recordSet": [{"field": []}]}'),
        share=0.05,
    ),
    "audit-opt-outs": Reader(
        "opt-outs.yaml",
        _audited,
        _text("checked: 2026-01-01\nrequests: [{kind: url, value: x}]\n"),
        share=0.05,
    ),
    "audit-robots": Reader(
        "robots/a.org.txt",
        lambda p: robots(Folder(p.parents[1], "x")),
        _text("User-agent: *\nDisallow: /x\n"),
    ),
    "audit-sample": Reader("s.csv", read_sample, _text("item,true_licence\na,MIT\nb,none\n")),
    "release": Reader("r.yaml", read_release, lambda: [RELEASE.read_bytes()], share=0.1),
    "picture": Reader("a.png", lambda p: open_picture(p, "a.png"), _pictures, share=0.1),
}


def _first(paths: list[Path], otherwise: bytes) -> bytes:
    found = [p for p in paths if p.is_file()]
    return found[0].read_bytes() if found else otherwise


def _dataset() -> bytes:
    listed = json.loads((HERE / "tests/data/first_dataset/publication.json").read_bytes())
    return json.dumps({**listed, "files": {}}).encode()


def _label_cells() -> bytes:
    told = {"image": "images/a.png", "character": "mario", "rater": "rater-1", "label": True, "saw": "mario"}
    more = {"confidence": 3, "sha256": "0" * 64, "pixels": "0" * 64, "at": "2026-11-03T09:00:00+00:00"}
    return json.dumps({**told, **more}).encode()


def _franchises() -> bytes:
    return _first([DATA / "franchises" / "menagerie.yaml"], b"")


def _neutral() -> bytes:
    found = sorted(HERE.glob("prompts/**/*neutral*.jsonl")) + sorted((DATA / "neutral").glob("*.jsonl"))
    return b"\n".join(_first(found, b"{}").split(b"\n")[:4]) + b"\n"


def _entry() -> bytes:
    found = sorted((HERE / "results" / "leaderboard").glob("*.jsonl"))
    return _first(found, b"{}").split(b"\n")[0] + b"\n"


def _calibration() -> bytes:
    return (HERE / "results/published/judges/renders.json").read_bytes()


def _threshold() -> bytes:
    """What a table of scores with a step gives."""
    scored = [Scored(f"c{i}", float(i), ((0.1 + 0.5 * (i > 5),),)) for i in range(12)]
    found = estimate(scored, Settings(draws=0))
    return record(found, outliers(found), [], {"x": "why"}, {"source": "s.csv"}).model_dump_json().encode()


def _thresholds() -> bytes:
    return (DATA / "judges" / "menagerie-ladder.json").read_bytes()


def _ladder() -> bytes:
    """That of a run without pictures."""
    told = {"source": "r", "model": "m@1", "judge": "", "references": "some", "count": 400, "broken": ["why"]}
    measured = json.loads(_thresholds())
    whole = {**told, "thresholds": measured, "cells": [], "by_explicitness": []}
    return Ladder.model_validate(whole).model_dump_json().encode()


def _pictures() -> bytes:
    """Two pictures, as bytes."""
    first = sorted((DATA / "menagerie" / "references").glob("*/00.png"))[:2]
    return _parquet([{"image": path.read_bytes(), "character": path.parent.name} for path in first])


def _references(path: Path) -> list[str]:
    """Of each picture of a table its name, and whether it opens."""
    found = references_at(path, load_registry("menagerie"))
    return [f"{found.known[i].name} {isinstance(image, str)}" for i, image in found.images()]


def _replies() -> list[bytes]:
    rows = (HERE / "tests/data/replies/development.jsonl").read_bytes().split(b"\n")
    told = [json.loads(row) for row in rows if row.strip()]
    return [str(r.get("reply", "")).encode() for r in told]
