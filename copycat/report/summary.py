"""What a terminal shows at the end of a run."""

from __future__ import annotations

import sys
from pathlib import Path
from shutil import which

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from copycat.report.compare import differences
from copycat.report.review import caution, costs, sentence
from copycat.report.view import Run, groups, judge_rates, lookup, pictures
from copycat.report.words import DASH, digits, estimate, interval, judge_sentence, number


def print_summary(console: Console, folder: Run) -> None:
    """DETECT and CONS with intervals, paired differences, the judge's errors, and what to do next."""
    metrics, manifest = folder.metrics(), folder.manifest()
    sets = sorted({m.prompt_set for m in metrics})
    # One prompt set goes into the title, so that the table fits 80 columns.
    title = folder.path.name if len(sets) > 1 else f"{folder.path.name} ({', '.join(sets)})"
    table = Table(title=escape(title), title_justify="left", header_style="bold", pad_edge=False)
    table.add_column("mitigation", overflow="fold")
    if len(sets) > 1:
        table.add_column("prompts", overflow="fold")
    wished = any(m.metric == "CONS_prompt" for m in metrics)
    more = ("CONS_prompt ↑",) if wished else ()
    for name in ("DETECT ↓", "95 %", "CONS ↑", "95 %", *more, "scored"):
        table.add_column(name, justify="right")
    for mitigation, prompt_set in groups(metrics):
        d = lookup(metrics, "DETECT", mitigation, prompt_set)
        c = lookup(metrics, "CONS", mitigation, prompt_set)
        table.add_row(
            escape(mitigation),
            *([escape(prompt_set)] if len(sets) > 1 else []),
            estimate(d) + (f" of {d.characters}" if d else ""),
            interval(d.low, d.high, 1) if d else DASH,
            estimate(c),
            interval(c.low, c.high, 3) if c else DASH,
            *([estimate(lookup(metrics, "CONS_prompt", mitigation, prompt_set))] if wished else []),
            f"{d.scored}/{d.images}" if d else DASH,
        )
    console.print(table)
    for x in differences(pictures(folder)):
        places = digits(x.metric)
        line = (
            f"{x.metric}, {x.mitigation} minus {x.baseline} ({x.prompt_set}): "
            f"{number(x.value, places, signed=True)} {interval(x.low, x.high, places, signed=True)}, "
            f"{x.pairs} pairs"
        )
        console.print(line, markup=False, highlight=False)
    failed = sum(m.errors for m in metrics if m.metric == "DETECT")
    if failed:
        console.print(f"{failed} pictures failed and count nowhere; the same command tries them again.")
    program = _program()
    unscored = sum(m.unscored for m in metrics)
    if unscored:
        told = (
            f"{unscored} verdicts are unscored and count nowhere; {program} judge {folder.path} asks again."
        )
        console.print(told, markup=False, highlight=False, soft_wrap=True)
    reviews = costs(folder)
    notes = manifest.model_dump(mode="json").get("notes") or ()
    for told in (*notes, *map(sentence, reviews), caution(reviews)):
        if told:
            console.print(told, markup=False, highlight=False, soft_wrap=True)
    console.print(judge_sentence(judge_rates(manifest)), markup=False, highlight=False, soft_wrap=True)
    console.print(f"Report: {folder.path / 'report.html'}", markup=False, highlight=False, soft_wrap=True)
    console.print("Next, for instance:")
    for command in _next(folder):
        console.print(f"  {program} {command}", markup=False, highlight=False, soft_wrap=True)


def _program() -> str:
    """How to call copycat here: by its name where the shell finds it, else by its path."""
    if which("copycat"):
        return "copycat"
    here = Path(sys.executable).with_name("copycat")
    return str(here.relative_to(Path.cwd()) if here.is_relative_to(Path.cwd()) else here)


def _next(folder: Run) -> list[str]:
    config = folder.manifest().model_dump(mode="json").get("config") or {}
    model = config.get("model", "menagerie")
    used = set(config.get("mitigations") or ())
    sets = set(config.get("prompts") or ())
    ideas = []
    if "rewrite+negprompt" not in used:
        ideas.append(f"run --model {model} --mitigation none,rewrite+negprompt")
    if "description" not in sets:
        ideas.append(f"run --model {model} --prompts description")
    ideas += [f"run --model {model} --seeds 5", "ls runs"]
    return ideas[:2]
