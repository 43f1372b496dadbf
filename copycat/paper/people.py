"""How far judges agree with people, and people with one another (He et al. 2024: Tables 6, 7, Figure 6)."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from copycat.cards.calibration import Calibration, Judged, Share
from copycat.paper.base import Data, Document, Measured, Sources
from copycat.paper.laid import Laid
from copycat.paper.write import NOT_RUN
from copycat.records import IDENTIFY, VERIFY
from copycat.report.words import DASH, interval, number

_HINT = "calibration files of runs; `copycat calibrate RUN --labels FILE` writes one"


class Agreement(Data):
    """What is printed of one judge under one question."""

    accuracy: float = Field(ge=0, le=1)
    kappa: float = Field(ge=-1, le=1)


class Line(Data):
    """One published judge."""

    label: str
    unnamed: Agreement | None = None
    """Asked which character there is."""
    named: Agreement | None = None
    """Asked for the character by name."""


class Judges(Document):
    """Judges against what most people say, by whether the question names the character."""

    reads = "calibrations"
    hint = _HINT
    measured: str
    registries: tuple[str, ...] = ()
    """The registries whose calibrations it is about; any when empty."""
    rows: tuple[Line, ...] = Field(min_length=1)


class PairLine(Data):
    """What is printed of two raters, or of one and the majority."""

    label: str
    kappa: str
    """As the paper says it; a plot has no value."""


class Raters(Document):
    """Cohen's κ between raters, and between judges and most of them."""

    reads = "calibrations"
    hint = _HINT
    measured: str
    rows: tuple[PairLine, ...] = Field(min_length=1)


_WAYS = (("unnamed", IDENTIFY), ("named", VERIFY))
JUDGE_HEADS = (
    *("judge", "accuracy, name not in the question", "κ", "accuracy, name in the question", "κ", "whose"),
)
JUDGE_COLUMNS = (
    *(
        "table",
        "judge",
        "whose",
        "question",
        "accuracy",
        "accuracy_low",
        "accuracy_high",
        "kappa",
        "kappa_low",
    ),
    *("kappa_high", "pictures", "registry", "file"),
)


def read_judges(document: Judges, sources: Sources) -> Laid:
    """Published judges first, then every judge of each calibration."""
    lines: list[tuple[str, ...]] = []
    records: list[dict[str, object]] = []
    for row in document.rows:
        cells: list[str] = []
        for way, question in _WAYS:
            printed: Agreement | None = getattr(row, way)
            cells += [f"{printed.accuracy:.1%}", f"{printed.kappa:.2f}"] if printed else [DASH, DASH]
            if printed:
                numbers = {"accuracy": printed.accuracy, "kappa": printed.kappa}
                about = {"judge": row.label, "whose": "published", "question": question}
                records.append({"table": document.table, **about, **numbers})
        lines.append((row.label, *cells, "published"))
    remarks = []
    for m in sources.calibrations:
        c = m.calibration
        if document.registries and c.registry not in document.registries:
            wanted = " or ".join(document.registries)
            remarks.append(f"Not shown: {m.path} (of {c.registry}; {document.called} is about {wanted}).")
            continue
        for judge in dict.fromkeys(j.judge for j in c.judges):
            found = {j.question: j for j in c.of(judge)}
            if found:
                lines.append((judge, *_cells(found), f"ours, {c.registry}: {m.path}"))
                records += _records(document, m, found)
        remarks.append(_truth(m))
    if not any(r["whose"] == "ours" for r in records):
        lines.append(("ours", *(NOT_RUN for _ in JUDGE_HEADS[1:-1]), "ours"))
    return Laid(JUDGE_HEADS, lines, JUDGE_COLUMNS, records, remarks)


def _cells(found: dict[str, Judged]) -> Iterator[str]:
    for _, question in _WAYS:
        j = found.get(question)
        yield _share(j.accuracy) if j else "not asked"
        yield f"{number(j.kappa, 2)} {interval(j.kappa_low, j.kappa_high, 2)}" if j else "not asked"


def _share(share: Share) -> str:
    if share.value is None:
        return DASH
    limits = "" if share.low is None or share.high is None else f" [{share.low:.1%}, {share.high:.1%}]"
    return f"{share.value:.1%}{limits}"


def _records(document: Judges, m: Measured, found: dict[str, Judged]) -> Iterator[dict[str, object]]:
    for _, question in _WAYS:
        j = found.get(question)
        if j:
            yield {
                "table": document.table,
                "judge": j.judge,
                "whose": "ours",
                "question": question,
                "accuracy": j.accuracy.value,
                "accuracy_low": j.accuracy.low,
                "accuracy_high": j.accuracy.high,
                "kappa": j.kappa,
                "kappa_low": j.kappa_low,
                "kappa_high": j.kappa_high,
                "pictures": j.counts.n,
                "registry": m.calibration.registry,
                "file": str(m.path),
            }


def _truth(m: Measured) -> str:
    c = m.calibration
    return (
        f"{m.path}: {c.items} pictures of {', '.join(c.models)}, {c.positives} of which show the character "
        f"by the majority of {len(c.truth)} rater{'s' * (len(c.truth) != 1)} ({c.labels}); 95 % intervals, "
        "that of κ over characters."
    )


PAIR_HEADS = ("who", "Cohen's κ", "the same on", "pictures", "whose")
PAIR_COLUMNS = ("figure", "first", "second", "whose", "kappa", "agree", "pictures", "registry", "file")


def read_raters(document: Raters, sources: Sources) -> Laid:
    """What is printed, then every pair of raters of each calibration and every judge with the majority."""
    lines: list[tuple[str, ...]] = [(r.label, r.kappa, DASH, DASH, "published") for r in document.rows]
    records: list[dict[str, object]] = []
    for m in sources.calibrations:
        for first, second, kappa, agree in _pairs(m.calibration):
            whose = f"ours, {m.calibration.registry}: {m.path}"
            lines.append((f"{first} and {second}", number(kappa, 2), _share(agree), str(agree.n), whose))
            records.append(
                {
                    "figure": document.figure,
                    "first": first,
                    "second": second,
                    "whose": "ours",
                    "kappa": kappa,
                    "agree": agree.value,
                    "pictures": agree.n,
                    "registry": m.calibration.registry,
                    "file": str(m.path),
                }
            )
    if not records:
        lines.append(("ours", *(NOT_RUN for _ in PAIR_HEADS[1:-1]), "ours"))
    return Laid(PAIR_HEADS, lines, PAIR_COLUMNS, records, [_truth(m) for m in sources.calibrations])


def _pairs(c: Calibration) -> Iterator[tuple[str, str, float | None, Share]]:
    for p in c.raters.pairs:
        yield *p.raters, p.kappa, p.agree
    for j in c.judges:
        asked = f" ({j.question})" if c.of(j.judge) else ""
        yield f"{j.judge}{asked}", "the majority", j.kappa, j.accuracy
