"""`copycat run`: the whole way from a plan to the page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from copycat.config import RunConfig
    from copycat.records import Request


def run(
    model: str = typer.Option(
        "menagerie", help="A model card or card@preset (copycat ls models), or a local diffusers folder."
    ),
    mitigation: str = typer.Option("none,negprompt", help="A list; + combines, options in brackets."),
    prompts: str = typer.Option("name", help="A list of prompt sets (copycat ls prompts)."),
    seeds: str = typer.Option("3", help="How many run seeds (0, 1, …), or a list: 0,1,5."),
    characters: str = typer.Option("", help="A list of names, aliases or slugs; all when empty."),
    limit: int | None = typer.Option(None, min=1, help="Only the first so many characters."),
    oracle: bool = typer.Option(
        True,
        "--oracle/--no-oracle",
        help="Tell mitigations the character, or let them guess from the prompt.",
    ),
    images: int = typer.Option(1, min=1, help="Images per prompt and seed."),
    judge: str = typer.Option("", help="A judge card (copycat ls judges) or folder; the model's when empty."),
    registry: str = typer.Option("", help="Character registry; the model card's own when empty."),
    device: str = typer.Option("auto", help="cpu, cuda, mps; auto takes the best there is."),
    batch_size: int | None = typer.Option(
        None, min=1, help="Images a batch; the model card's when left out."
    ),
    dtype: str | None = typer.Option(
        None, help="float32, float16 or bfloat16; the model card's when left out."
    ),
    steps: int | None = typer.Option(None, min=1, help="Sampling steps; the model card's when left out."),
    guidance: float | None = typer.Option(
        None, min=0, help="Guidance scale; the model card's when left out."
    ),
    offload: str | None = typer.Option(
        None, help="none, model or sequential: keep parts in main memory; the model card's when left out."
    ),
    compile: bool | None = typer.Option(  # noqa: A002  the option's name
        None, "--compile/--no-compile", help="Compile the denoiser; the model card's when left out."
    ),
    out: Path | None = typer.Option(None, help="The run folder; derived from the settings when left out."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would be done, and write nothing."),
) -> None:
    """Generate, judge, score and report; the same command again resumes."""
    from copycat.cli.parsing import items
    from copycat.cli.parsing import seeds as parse_seeds
    from copycat.config import make_config

    config = make_config(
        model=model,
        registry=registry or None,
        mitigations=items(mitigation),
        prompts=items(prompts),
        seeds=parse_seeds(seeds),
        characters=items(characters) or None,
        limit=limit,
        oracle=oracle,
        images_per_prompt=images,
        judge=judge or None,
        device=device,
        batch_size=batch_size,
        dtype=dtype,
        steps=steps,
        guidance=guidance,
        offload=offload,
        compile=compile,
        out=out,
    )
    _execute(config, dry_run=dry_run)


def _execute(config: RunConfig, *, dry_run: bool) -> None:
    from rich.console import Console

    from copycat.progress import for_stream
    from copycat.report.summary import print_summary
    from copycat.stages import generate, judge, report, score
    from copycat.stages.plan import UNASKED, check, plan, prepare

    console = Console()
    progress = for_stream()
    if not dry_run:
        check(config)
    requests = plan(config, progress=progress, ask=not dry_run)
    seeds = len(config.seeds)
    people = len({r.character for r in requests})
    what = "videos" if config.card().sampling.frames else "images"
    console.print(
        f"{len(requests)} {what} with {config.model}: {people} characters × {seeds} seeds × "
        f"{', '.join(config.mitigations)} × {', '.join(config.prompts)}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    for prompt_set, slugs in _uncovered(config, requests).items():
        told = f"{prompt_set} has no prompt for {len(slugs)} of them, which are left out: {', '.join(slugs)}"
        console.print(told, markup=False, highlight=False, soft_wrap=True)
    if dry_run:
        console.print("Dry run: nothing was written.")
        unasked = {
            (r.mitigation, r.character, r.source_prompt)
            for r in requests
            if any(s.name == UNASKED for s in r.trail)
        }
        if unasked:
            console.print(f"A language model would be asked about {len(unasked)} prompts; none was.")
        return
    folder = prepare(config, requests)
    if folder.finished:
        console.print(f"{folder.path} is finished; nothing is left to do.", markup=False, soft_wrap=True)
    else:
        generate.generate(folder, progress=progress, device=config.device)
        judge.judge(folder, progress=progress, device=config.device)
        score.score(folder)
    if not _current(folder.path / "report.html", folder.path / "metrics.json"):
        report.report(folder, progress=progress)
    print_summary(console, folder)


def _uncovered(config: RunConfig, requests: list[Request]) -> dict[str, list[str]]:
    """Chosen characters that a prompt set says nothing for."""
    asked: dict[str, set[str]] = {}
    for r in requests:
        asked.setdefault(r.prompt_set, set()).add(r.character)
    lacking = {s: [c.slug for c in config.chosen() if c.slug not in had] for s, had in asked.items()}
    return {s: slugs for s, slugs in lacking.items() if slugs}


def _current(page: Path, metrics: Path) -> bool:
    """Whether `page` exists and is no older than the numbers it shows."""
    return page.is_file() and page.stat().st_mtime_ns >= metrics.stat().st_mtime_ns
