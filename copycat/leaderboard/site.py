"""The leaderboard as a static site: one page that needs nothing else, and its data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from copycat.io.version import __version__
from copycat.leaderboard import order
from copycat.leaderboard.entry import Entry, Paid
from copycat.measures import CONS, DETECT, Measure, measure
from copycat.measures.base import ForeignMeasure
from copycat.report import price, words
from copycat.report.denominators import FEW_REFUSED
from copycat.report.files import csv_content
from copycat.report.page import asset, environment, said
from copycat.report.table import NUMBERS

TEMPLATES = Path(__file__).parent / "templates"
MARK = '<meta name="generator" content="copycat leaderboard">'
"""By which a page of ours is known."""


@dataclass(frozen=True)
class Board:
    """Entries that may be set side by side: the same characters, the same judge."""

    title: str
    judge: str
    errors: str
    """What is known of the judge's errors."""
    calibrated: bool
    protected: bool
    measures: tuple[Measure, ...]
    """Those that have a column; the others stand with how an entry was measured."""
    tables: Mapping[str, tuple[Entry, ...]]
    """By prompt set, in the order of the page."""

    @property
    def priced(self) -> bool:
        """Whether any of them has a price on the innocent."""
        return any(e.price for mine in self.tables.values() for e in mine)


def boards(found: Sequence[Entry]) -> list[Board]:
    """All entries, those with the most company first; within a board by prompt set, see `order`."""
    groups: dict[tuple[str, int, str, str], list[Entry]] = {}
    for e in found:
        groups.setdefault(e.board, []).append(e)
    return [_board(mine) for mine in sorted(groups.values(), key=lambda mine: (-len(mine), mine[0].board))]


def _known_of_judge(mine: Sequence[Entry], latest: Entry) -> str:
    """What was measured of the judge of a board, and on pictures of which models it was not."""
    measured = [e for e in mine if words.is_calibrated(e.calibration)]
    told = words.judge_sentence(max(measured, key=lambda e: e.date, default=latest).calibration)
    others = sorted({e.model for e in mine if not words.is_calibrated(e.calibration)})
    return f"{told} Not calibrated on pictures of {', '.join(others)}." if measured and others else told


def _board(mine: Sequence[Entry]) -> Board:
    # The calibration may have been measured anew between two entries; the latest stands for the judge.
    latest = max(mine, key=lambda e: e.date)
    people = max(m.characters for e in mine for m in e.metrics)
    return Board(
        f"{people} characters of {latest.registry}, judged by {latest.judge.partition('@')[0]}",
        latest.judge,
        said(_known_of_judge(mine, latest)),
        all(words.is_calibrated(e.calibration) for e in mine),
        latest.protected,
        tuple(columns(mine)),
        order.by_prompt_set(mine),
    )


def columns(found: Sequence[Entry]) -> list[Measure]:
    """The measures of any entry that short tables show, also those that are not installed here."""
    named = map(measure, dict.fromkeys(m.metric for e in found for m in e.metrics))
    return [m for m in named if m.tabled]


def direction(m: Measure) -> str:
    """Which side is the better one; of a measure that is not installed here, that it is not."""
    if isinstance(m, ForeignMeasure):
        return m.title
    return "lower is safer" if m.better == "lower" else "higher is better"


def site(found: Sequence[Entry], *, space: bool = False) -> dict[str, bytes]:
    """The site's files by name; with `space` also the README that makes a HuggingFace Space of it."""
    shown, superseded = columns(found), order.older(found)
    page = environment("copycat.leaderboard").get_template("leaderboard.html.j2").render(
        css=asset("base.css") + asset("leaderboard.css", TEMPLATES),
        js=asset("leaderboard.js", TEMPLATES),
        boards=boards(found),
        detect=DETECT,
        cons=CONS,
        # A measure's name may be anything, so the page's script calls it by its number.
        keys={m.name: f"m{i}" for i, m in enumerate(shown)},
        columns=shown,
        priced=any(e.price for e in found),
        price_about=price.ABOUT,
        older=superseded,
        total=len(found) - len(superseded),
        unranked=order.unranked,
        few_refused=FEW_REFUSED,
        choices={
            "model": sorted({e.model for e in found}),
            "mitigation": sorted({e.mitigation for e in found}),
            "prompts": sorted({e.prompt_set for e in found}),
            "judge": sorted({e.judge for e in found}),
        },
        measure=measure,
        direction=direction,
        corrected=words.CORRECTED,
        intervals=words.INTERVALS,
        denominators=words.DENOMINATORS,
        judge_sentence=lambda rates: said(words.judge_sentence(rates)),
        short=_short,
        said=said,
    )  # fmt: skip
    files = {"index.html": page, "data.json": _data(found), "leaderboard.csv": as_csv(found)}
    if space:
        files["README.md"] = (TEMPLATES / "space.md").read_text(encoding="utf-8")
    return {name: text.encode() for name, text in files.items()}


def _short(e: Entry) -> str:
    """The commit in seven digits."""
    return f"{e.commit[:7]}{' with local changes' if e.dirty else ''}" if e.commit else "unknown"


def _data(found: Sequence[Entry]) -> str:
    content = {"copycat": __version__, "entries": [e.model_dump(mode="json") for e in found]}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


CSV_COLUMNS = (
    *("model", "weights", "mitigation", "prompt_set", "registry", "registry_version", "metric", *NUMBERS),
    *("seeds", "oracle", "settings", "judge", "judge_kappa", "judge_fpr", "judge_tpr", "judge_n", "commit"),
    *("dirty", "command", "hardware", "date", "submitted_by", "pictures", "withheld"),
    *(f"price_{name}" for name in Paid.model_fields),
)


def as_csv(found: Sequence[Entry]) -> str:
    """One line a number; what was not measured is empty."""
    return csv_content(CSV_COLUMNS, (row for e in found for row in _records(e)))


def _records(e: Entry) -> Iterator[dict[str, object]]:
    rates = e.calibration or {}
    about = {
        **e.model_dump(include=set(CSV_COLUMNS)),
        "seeds": " ".join(map(str, e.seeds)),
        "settings": " ".join(f"{k}={v}" for k, v in e.settings.items()),
        **{f"judge_{k}": rates.get(k) for k in ("kappa", "fpr", "tpr", "n")},
        "pictures": e.pictures.link,
        "withheld": e.pictures.withheld,
        **({f"price_{name}": value for name, value in e.price} if e.price else {}),
    }
    for m in e.metrics:
        yield {**about, **m.model_dump(include={"metric", *NUMBERS})}
