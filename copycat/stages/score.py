"""Score: metrics from rows alone."""

from __future__ import annotations

import json

from copycat.errors import UserError
from copycat.metrics.summary import summarise
from copycat.records import Metric
from copycat.report import tables
from copycat.report.view import agreement, judge_rates
from copycat.runs.atomic import write_text
from copycat.runs.folder import RunFolder


def score(folder: RunFolder) -> list[Metric]:
    """Compute `metrics.json`, `agreement.json` and the tables; the metrics are of the judge asked last."""
    folder.open()
    judge = folder.manifest().judge
    if judge is None:
        raise UserError(f"{folder.path} has not been judged yet; run `copycat judge {folder.path}` first.")
    with folder.stage("score"):
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
