"""`copycat audit`: whether data sets keep to the best practices for open data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import typer


def audit(
    datasets: list[str] = typer.Argument(
        help="Folders of data sets, or names on the hub: user/name or user/name@revision."
    ),
    out: Path | None = typer.Option(
        None, help="Folder for audit.json and audit.html; of several data sets one folder each in it."
    ),
    fail_on: Literal["fail", "unknown"] = typer.Option(
        "fail", help="Which items make the exit code 1: those that fail, or those that could not be told too."
    ),
    sample: Path | None = typer.Option(
        None, help="A table of items and their true licences; measures how often licences are wrong."
    ),
    rows: int = typer.Option(10_000, min=0, help="Rows of each table that are read, evenly; 0 for all."),
    everything: bool = typer.Option(False, "--all", help="Show the items that pass, too."),
    as_json: bool = typer.Option(False, "--json", help="Print what was found as one JSON list."),
) -> None:
    """Check data sets item by item, with evidence: sources, licences, opt-outs, personal data and more.

    Exit code 1 where an item fails; 2 where a data set could not be looked at, after the others were.
    """
    import json

    from copycat.audit.find import find
    from copycat.audit.run import audit as check
    from copycat.audit.sample import error_rate, read_sample
    from copycat.audit.write import folder_name, lines, write
    from copycat.errors import UserError
    from copycat.runtime.progress import for_stream

    true = read_sample(sample) if sample else None
    reports, broken = [], 0
    folders = dict[str, int]()
    for name in datasets:
        try:
            dataset = find(name, rows)
            if true is not None:
                dataset.licence_errors = error_rate(dataset, true)
            report = check(dataset, for_stream())
        except UserError as e:
            broken += 1
            typer.echo(" ".join(str(e).split()), err=True)
            continue
        reports.append(report)
        if not as_json:
            for line in lines(report, everything=everything):
                typer.echo(line)
        if out is not None:
            # Two folders in different places may be called alike.
            name = folder_name(report.dataset)
            folders[name] = folders.get(name, 0) + 1
            own = name if folders[name] == 1 else f"{name}-{folders[name]}"
            for path in write(report, out / own if len(datasets) > 1 else out):
                typer.echo(f"Written: {path}", err=as_json)
    if as_json:
        typer.echo(json.dumps([r.model_dump(mode="json") for r in reports], indent=1, ensure_ascii=False))
    if broken:
        raise typer.Exit(2)
    bad = {"fail"} if fail_on == "fail" else {"fail", "unknown"}
    if any(f.status in bad for r in reports for f in r.findings):
        raise typer.Exit(1)
