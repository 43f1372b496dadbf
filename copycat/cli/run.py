"""`copycat run`: the whole way from a plan to the page."""

from __future__ import annotations

from pathlib import Path

import typer

from copycat.cli.asking import Batch


def run(
    model: str = typer.Option(
        "menagerie", help="A model card or card@preset (copycat ls models), or a local diffusers folder."
    ),
    mitigation: str = typer.Option(
        "",
        help="A list; + combines, options in brackets. When empty none,negprompt, and none alone for a model "
        "that takes no negative prompt.",
    ),
    attack: str = typer.Option(
        "",
        help="A list of attacks (copycat ls attacks) that each mitigation is run under; none leaves it as it "
        "is. The same as --mitigation GUARDRAIL@ATTACK.",
    ),
    prompts: str = typer.Option("name", help="A list of prompt sets (copycat ls prompts)."),
    seeds: str = typer.Option("3", help="How many run seeds (0, 1, …), or a list: 0,1,5."),
    characters: str = typer.Option("", help="A list of names, aliases or slugs; all when empty."),
    limit: int | None = typer.Option(None, min=1, help="Only the first so many characters."),
    oracle: bool = typer.Option(
        True,
        "--oracle/--no-oracle",
        help="TargetGuesser mitigations the character, or let them guess from the prompt.",
    ),
    also: str = typer.Option(
        "", help="Innocent prompts that are drawn too, to see what guardrails cost there: neutral,lookalikes."
    ),
    features: str = typer.Option(
        "",
        help="An encoder that tells how far those pictures are moved: a judge card or the folder of a vision "
        "model; the registry's own when empty.",
    ),
    images: int = typer.Option(1, min=1, help="Images per prompt and seed."),
    judge: str = typer.Option("", help="A judge card (copycat ls judges) or folder; the model's when empty."),
    registry: str = typer.Option(
        "", help="Character registry; the model card's, of a folder copycat, when empty."
    ),
    measures: str = typer.Option("", help="A list of measures (copycat ls measures); all when empty."),
    device: str = typer.Option("auto", help="cpu, cuda, mps; auto takes the best there is."),
    devices: str = typer.Option("", help="A list, such as cuda:0,cuda:1: a process on each of them."),
    workers: int | None = typer.Option(
        None, min=1, help="Processes that share --device; one, with --engine ray one a GPU, when left out."
    ),
    engine: str = typer.Option(
        "local", help="Where to draw and judge: local, on this machine, or ray, on a cluster (docs/scale.md)."
    ),
    address: str | None = typer.Option(
        None, help="host:port of the Ray cluster's head, or auto; one of this machine alone when left out."
    ),
    gpus_per_worker: float | None = typer.Option(
        None, min=0, max=1, help="Share of a GPU that each worker of --engine ray takes; 1 when left out."
    ),
    concurrency: int | None = typer.Option(
        None, min=1, help="Calls in flight to a hosted model or judge; its card's when left out."
    ),
    batch_size: str | None = typer.Option(
        None, help="Images a batch; auto finds on a GPU how many; the model card's when left out."
    ),
    dtype: str | None = typer.Option(
        None, help="float32, float16 or bfloat16; the model card's when left out."
    ),
    steps: int | None = typer.Option(None, min=1, help="Sampling steps; the model card's when left out."),
    guidance: float | None = typer.Option(
        None, min=0, help="Guidance scale; the model card's when left out."
    ),
    height: int | None = typer.Option(None, min=1, help="Of pictures, in pixels; the card's when left out."),
    width: int | None = typer.Option(None, min=1, help="Of pictures, in pixels; the card's when left out."),
    frames: int | None = typer.Option(None, min=1, help="Of videos; the model card's when left out."),
    variant: str | None = typer.Option(
        None, help="Which weight files, such as fp16; none for the plain ones. The card's when left out."
    ),
    offload: str | None = typer.Option(
        None, help="none, model or sequential: keep parts in main memory; the model card's when left out."
    ),
    compile: bool | None = typer.Option(  # noqa: A002  the option's name
        None, "--compile/--no-compile", help="Compile the denoiser; the model card's when left out."
    ),
    max_cost: float | None = typer.Option(
        None, min=0, help="Dollars that the run's hosted calls may cost; no call passes it (docs/costs.md)."
    ),
    cache: bool | None = typer.Option(
        None,
        "--cache/--no-cache",
        help="Take pictures and answers from other runs and keep them; on for hosted models.",
    ),
    batch: Batch = False,
    out: Path | None = typer.Option(None, help="The run folder; derived from the settings when left out."),
    sync_to: str | None = typer.Option(
        None, help="Where to copy the run folder in the end, such as s3://bucket/run (docs/scale.md)."
    ),
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Say what is left to do and what it costs; write and send nothing."
    ),
) -> None:
    """Generate, judge, score and report; the same command again resumes."""
    from rich.console import Console

    from copycat.cli.parsing import batch_size as parse_batch_size
    from copycat.cli.parsing import items
    from copycat.cli.parsing import seeds as parse_seeds
    from copycat.io.copies import Copy
    from copycat.resolve import resolve_settings
    from copycat.runtime.progress import for_stream
    from copycat.stages.run import execute

    found = resolve_settings(
        model=model,
        registry=registry or None,
        mitigations=items(mitigation) or None,
        attacks=items(attack) or None,
        prompts=items(prompts),
        seeds=parse_seeds(seeds),
        characters=items(characters) or None,
        limit=limit,
        oracle=oracle,
        also=items(also) or None,
        features=features or None,
        images_per_prompt=images,
        judge=judge or None,
        measures=items(measures) or None,
        device=device,
        devices=items(devices),
        workers=workers,
        engine=engine,
        address=address,
        gpus_per_worker=gpus_per_worker,
        concurrency=concurrency,
        max_cost=max_cost,
        cache=cache,
        batch=batch,
        batch_size=parse_batch_size(batch_size),
        dtype=dtype,
        steps=steps,
        guidance=guidance,
        height=height,
        width=width,
        frames=frames,
        variant=variant,
        offload=offload,
        compile=compile,
        out=out,
    )
    execute(Console(), found, for_stream(), dry_run=dry_run, copy=Copy(sync_to) if sync_to else None)
