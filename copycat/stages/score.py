"""Score: metrics from rows alone."""

from __future__ import annotations

from copycat.errors import UserError
from copycat.metrics.summary import summarise
from copycat.records import Metric
from copycat.report import table_markdown
from copycat.runs.atomic import write_text
from copycat.runs.folder import RunFolder


def score(folder: RunFolder) -> list[Metric]:
    """Compute `metrics.json` and `table.md` from the verdicts of the judge that was asked last."""
    folder.open()
    judge = folder.manifest().judge
    if judge is None:
        raise UserError(f"{folder.path} has not been judged yet; run `copycat judge {folder.path}` first.")
    with folder.stage("score"):
        characters = {c.slug: c for c in folder.registry().characters}
        verdicts = [v for v in folder.verdicts() if v.judge == judge]
        metrics = summarise(folder.requests(), folder.frames(), verdicts, characters)
        folder.write_metrics(metrics)
        write_text(folder.path / "table.md", table_markdown(metrics, folder.manifest()))
    return metrics
