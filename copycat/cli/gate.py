"""`copycat gate`: how well intent detection tells character prompts from neutral ones."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

if TYPE_CHECKING:
    from copycat.intent.evaluate import GateReport


def gate(
    registry: str = typer.Option("menagerie", help="Character registry: a name or a YAML file."),
    by: Literal["lexical", "embedding", "llm"] = typer.Option("lexical", help="What detects."),
    model: str = typer.Option("menagerie", help="Whose text encoder embeds; a card or a diffusers folder."),
    llm: str = typer.Option("gpt-4o-mini", help="Who is asked with --by llm (copycat ls llms) or a folder."),
    prompts: str = typer.Option("", help="A list of prompt sets; all of the registry's when empty."),
    neutral: Path | None = typer.Option(
        None, help="A JSONL file of neutral prompts; the registry's own when left out."
    ),
    out: Path = typer.Option(Path("results"), help="Folder for the report and the picture."),
) -> None:
    """Measure the gate in front: ROC, sensitivity at 1 % and 5 % false positives, and what they are."""
    from copycat.atomic import write_bytes, write_text
    from copycat.characters import load_registry
    from copycat.cli.parsing import items
    from copycat.errors import UserError
    from copycat.intent.evaluate import measure
    from copycat.intent.neutral import FOLDER, load_neutral, read_neutral
    from copycat.intent.picture import draw
    from copycat.mitigations.gate import GateOptions, detector
    from copycat.prompts import available, load_prompts
    from copycat.stages.plan import model_world

    people = load_registry(registry)
    nobody = read_neutral(neutral) if neutral else load_neutral(people.name)
    if not nobody:
        raise UserError(
            f"There are no neutral prompts in {neutral or FOLDER / f'{people.name}.jsonl'}; write some, or "
            "name a file with --neutral."
        )
    wanted = items(prompts) or tuple(available(people.name))
    read = {name: load_prompts(name, people.name) for name in wanted}
    # Files of one set go by their paths, so that none takes the other's place.
    named = Counter(p[0].set for p in read.values())
    sets = {p[0].set if named[p[0].set] == 1 else name: p for name, p in read.items()}
    if not sets:
        raise UserError(f"{people.name} has no prompt sets; name some with --prompts.")
    found = measure(
        detector(GateOptions(by=by, model=llm), model_world(model, people)),
        (people.name, people.version),
        nobody,
        sets,
    )
    path = out / f"gate-{people.name}-{by}"
    write_text(path.with_suffix(".json"), found.report.model_dump_json(indent=1) + "\n")
    write_bytes(path.with_suffix(".png"), draw(found))
    _tell(found.report)
    typer.echo(f"{path.with_suffix('.json')}, {path.with_suffix('.png')}")


def _tell(report: GateReport) -> None:
    typer.echo(
        f"{report.detector} on {report.registry} version {report.version}, {report.neutral} neutral prompts"
    )
    rows = [("SET", "PROMPTS", "AUC", "TPR AT 1 %", "TPR AT 5 %", "GUESSED", "TOLD")]
    rows += [
        (
            s.set, str(s.prompts), f"{s.auc:.3f}", f"{s.tpr_at_1:.2f}", f"{s.tpr_at_5:.2f}",
            f"{s.guessed:.2f}", f"{s.told:.2f}",
        )
        for s in report.sets
    ]  # fmt: skip
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for row in rows:
        typer.echo("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip())
    near = "" if report.fpr_near is None else f"; {report.fpr_near:.0%} of those near a character"
    typer.echo(
        f"The guardrail would act on {len(report.false_positives)} of {report.neutral} neutral prompts "
        f"({report.fpr_plain:.0%} of the plain ones{near}), at a score of {report.threshold:.4f} or more; "
        f"{report.fpr_held_out:.0%} with thresholds from the other half of them."
    )
    if report.unanswered:
        typer.echo(f"{report.unanswered} prompts got no answer and are counted nowhere.")
    for text, slug, score in report.false_positives:
        typer.echo(f"  {score:.3f}  {text}  (taken for {slug})")
