"""`copycat compare`: runs and mitigations beside one another."""

from __future__ import annotations

from pathlib import Path

import typer


def compare(
    runs: list[str] = typer.Argument(
        help="Run folders, or their names under results/; one with several mitigations will do."
    ),
    out: Path | None = typer.Option(None, help="Folder to write to; by default one under results/."),
    mitigation: str = typer.Option("", help="A list: only these mitigations."),
    prompts: str = typer.Option("", help="A list: only these prompt sets."),
    baseline: str | None = typer.Option(
        None, help="What the others are compared with: a mitigation, or 'RUN: MITIGATION'; by default none."
    ),
    all_pairs: bool = typer.Option(False, "--all-pairs", help="Compare every two conditions."),
    worst: int = typer.Option(20, min=0, help="Characters of each comparison whose pictures are shown."),
) -> None:
    """Compare runs on the characters, seeds and prompt sets that they have in common."""
    from rich.console import Console

    from copycat.cli.folders import RESULTS, opened
    from copycat.cli.parsing import items
    from copycat.compare import common, comparisons
    from copycat.compare.folder import default_name, write
    from copycat.compare.terminal import print_comparison
    from copycat.compare.write import Document

    read = [opened(r).data() for r in runs]
    shared = common(read, mitigations=items(mitigation), prompt_sets=items(prompts))
    doc = Document(shared, comparisons(shared, baseline=baseline, all_pairs=all_pairs))
    folder = out or RESULTS / default_name(shared, baseline, all_pairs)
    page = write(doc, folder, worst)
    print_comparison(Console(), doc)
    typer.echo(f"Written: {page}")
