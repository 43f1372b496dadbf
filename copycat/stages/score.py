"""Score: metrics from rows alone."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from copycat.atomic import write_text
from copycat.calibration import read_calibration
from copycat.errors import UserError
from copycat.metrics.summary import summarise
from copycat.records import Metric
from copycat.report import tables
from copycat.report.view import agreement, judge_rates
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import Cited


def score(folder: RunFolder, calibration: Path | None = None) -> list[Metric]:
    """Compute `metrics.json`, `agreement.json` and the tables; the metrics are of the judge asked last.

    `calibration` is a calibration file that the run is to cite from now on. Raises UserError for one of
    another judge.
    """
    folder.open()
    judge = folder.manifest().judge
    if judge is None:
        raise UserError(f"{folder.path} has not been judged yet; run `copycat judge {folder.path}` first.")
    cited = _cited(calibration, judge) if calibration else None
    with folder.stage("score"):
        if cited:
            folder.update(calibration=cited)
        characters = {c.slug: c for c in folder.registry().characters}
        verdicts = [v for v in folder.verdicts() if v.judge == judge]
        rates = judge_rates(folder.manifest())
        metrics = summarise(folder.requests(), folder.frames(), verdicts, characters, rates)
        folder.write_metrics(metrics)
        agree = agreement(folder)
        rows = [a.model_dump(mode="json") for a in agree]
        write_text(folder.path / "agreement.json", json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
        for name, text in tables(folder).items():
            write_text(folder.path / name, text)
    return metrics


def _cited(path: Path, judge: str) -> Cited:
    found = read_calibration(path)
    rates = found.rates(judge)
    if rates is None:
        measured = ", ".join(dict.fromkeys(j.judge for j in found.judges if j.question != "label"))
        raise UserError(
            f"{path} is a calibration of {measured}, and this run was judged by {judge}; the rates of one "
            "judge say nothing about another."
        )
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Cited(file=str(path), sha256=sha256, judge=judge, rates=rates)
