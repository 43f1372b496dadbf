"""A table or a figure of the paper as files, and what it takes to fill it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from copycat.cards.calibration import Calibration, read_calibration
from copycat.errors import BadFile, UserError
from copycat.intent.evaluate import GateReport
from copycat.mitigations.aliases import canonical, parts
from copycat.mitigations.parse import rewrites
from copycat.paper.base import REWRITER, Document, Filter, Measured, Place, Sources
from copycat.paper.catalog import READERS
from copycat.runs.folder import RunFolder

_CALLED = {"runs": "run folders", "calibrations": "calibration files", "filters": "reports of `copycat gate`"}


def document(wanted: Document, sources: Sources) -> dict[str, bytes]:
    """The files of the table or figure `wanted` of `sources`, beside what is published, by their endings.

    Raises UserError for sources of which it reads none, and for a rewriter that is none.
    """
    check_rewriter(wanted, sources.rewriter)
    given = {name: getattr(sources, name) for name in _CALLED}
    if any(given.values()) and not given[wanted.reads]:
        raise UserError(
            f"{wanted.called} is filled from {_CALLED[wanted.reads]}, of which none was given: it reads "
            f"{wanted.hint}."
        )
    return READERS[type(wanted)](wanted, sources)


def needed(
    wanted: Document,
    what: Literal["mitigations", "prompts"],
    usable: Callable[[Place], bool],
    rewriter: str = REWRITER,
) -> str:
    """What a run must hold to fill `wanted`, as a list for `copycat run`, of the places that are `usable`.

    Rewritten cells are asked of `rewriter`, a mitigation or a set of rewritten prompts.
    """
    check_rewriter(wanted, rewriter)
    places = wanted.needed(usable, rewriter)
    found = [canonical(p.mitigation) if what == "mitigations" else p.prompts for p in places]
    return ",".join(dict.fromkeys(found))


def check_rewriter(wanted: Document, rewriter: str) -> None:
    """Raise UserError unless `rewriter` is a mitigation that rewrites, or a set of rewritten prompts that
    `wanted` has a place for."""
    sets = dict.fromkeys(p.prompts for places in wanted.choices() for p in places if p.by)
    told = parts(rewriter)
    if rewriter not in sets and not (len(told) == 1 and rewrites(told[0])):
        others = f", or one of its sets of rewritten prompts: {', '.join(sets)}" if sets else ""
        raise UserError(
            f"'{rewriter}' rewrites no prompt; name a mitigation that does, such as rewrite-llm{others}."
        )


def open_sources(
    given: Sequence[str], opened: Callable[[str], RunFolder], rewriter: str = REWRITER
) -> Sources:
    """Runs, which `opened` finds by name, with the calibrations in their folders; and files by their path.

    Raises UnknownName for a run that is not there, and BadFile for a file of another kind.
    """
    runs, calibrations, filters = [], [], []
    for name in given:
        path = Path(name)
        if path.is_file():
            found = _file(path)
            if isinstance(found, GateReport):
                filters.append(Filter(path, found))
            else:
                calibrations.append(Measured(path, found))
            continue
        folder = opened(name)
        runs.append(folder.data())
        if folder.calibration_path.is_file():
            calibrations.append(Measured(folder.calibration_path, read_calibration(folder.calibration_path)))
    return Sources(tuple(runs), tuple(calibrations), tuple(filters), rewriter)


def _file(path: Path) -> Calibration | GateReport:
    kinds: tuple[Any, ...] = (Calibration, GateReport)
    for kind in kinds:
        try:
            return kind.model_validate_json(path.read_bytes())  # type: ignore[no-any-return]
        except (ValidationError, OSError):
            continue
    raise BadFile(f"{path} is neither a calibration file (copycat calibrate) nor a report of `copycat gate`.")
