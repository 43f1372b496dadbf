"""`copycat menagerie …`: build the world and its models, and measure them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from copycat.errors import UnknownName
from copycat.io.paths import DATA, PROMPTS, check_writable
from copycat.menagerie.train.recipe import RECIPES, Recipe

app = typer.Typer(help="Build and measure the menagerie.", no_args_is_help=True)


def _recipe(name: str) -> Recipe:
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    return RECIPES[name]


@app.command()
def build(
    recipe: Annotated[str, typer.Option(help="full, quick or smoke")] = "full",
    work: Annotated[
        Path | None, typer.Option(help="where checkpoints go; .menagerie/RECIPE unless given")
    ] = None,
    data: Annotated[Path, typer.Option(help="where the finished folders go")] = DATA,
    prompts: Annotated[Path, typer.Option(help="where the prompt sets go")] = PROMPTS,
) -> None:
    """Rebuild corpus, generator, judge and referee from scratch; run again to resume."""
    from copycat.menagerie.build import Build

    chosen = _recipe(recipe)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    folders = check_writable(data), check_writable(prompts)
    Build(chosen, work or Path(".menagerie") / chosen.name, *folders).run()


@app.command()
def corpus(
    recipe: Annotated[str, typer.Option(help="full, quick or smoke")] = "full",
    data: Annotated[Path, typer.Option()] = DATA,
    prompts: Annotated[Path, typer.Option()] = PROMPTS,
) -> None:
    """Write captions, counts, reference pictures, the registry and the prompt sets."""
    from copycat.menagerie.corpus import draw_all, loose_samples, training_samples, write_files
    from copycat.menagerie.world import make_inhabitants

    people = make_inhabitants()
    samples = training_samples(people, _recipe(recipe).generic) + loose_samples(people)
    write_files(check_writable(data), check_writable(prompts), samples, draw_all(samples)[1])


@app.command()
def neutral(
    data: Annotated[Path, typer.Option(help="the data folder")] = DATA,
) -> None:
    """Write the neutral prompts, on which false positives of a gate are counted."""
    from copycat.io.atomic import write_text
    from copycat.menagerie.neutral import neutral_prompts

    rows = "".join(f"{p.model_dump_json()}\n" for p in neutral_prompts())
    write_text(check_writable(data) / "neutral" / "menagerie.jsonl", rows)


@app.command()
def evaluate(
    seeds: Annotated[int, typer.Option(min=1, help="run seeds 0, 1, …; the bars ask for three")] = 3,
    work: Annotated[Path, typer.Option(help="where the evaluation's run folder goes")] = Path(".menagerie"),
) -> None:
    """Measure every figure of the model card and write the card; run again to resume."""
    from rich.console import Console
    from rich.table import Table

    from copycat.menagerie import card
    from copycat.menagerie.evaluate import evaluate as measure
    from copycat.menagerie.evaluate import full_run

    check_writable(DATA)
    figures = measure(work, tuple(range(seeds)))
    path = card.write_card(full_run(work, tuple(range(seeds))))
    table = Table("what", "bar", "measured", "met")
    for bar in card.bars(figures):
        table.add_row(bar.what, bar.wanted, bar.measured, "yes" if bar.met else "NO")
    Console().print(table)
    typer.echo(f"The card is {path}.")


@app.command()
def judges(
    n: Annotated[int, typer.Option(min=100, help="held-out renders")] = 2000,
    seeds: Annotated[int, typer.Option(min=1, help="run seeds 0, 1, … of the generated pictures")] = 1,
    work: Annotated[Path, typer.Option(help="where runs and labels go")] = Path(".menagerie"),
    out: Annotated[Path, typer.Option(help="where tables and pictures go")] = Path("results/judges"),
) -> None:
    """Compare judges on renders of known truth, and with the referee; run again to resume."""
    from copycat.menagerie.judges import Size, compare
    from copycat.runtime.progress import for_stream

    for path in compare(Size(n, seeds), work, out, for_stream()):
        typer.echo(str(path))


@app.command(name="text-lm")
def text_lm(
    recipe: Annotated[str, typer.Option(help="full or smoke")] = "full",
    corpus: Annotated[str, typer.Option(help="a corpus: its name, a file or a folder")] = "austen",
    work: Annotated[
        Path | None, typer.Option(help="where the checkpoint goes; .menagerie/text-lm/RECIPE unless given")
    ] = None,
    out: Annotated[Path, typer.Option(help="where model and passages go")] = DATA / "texts" / "lm",
) -> None:
    """Train the small language model on passages that stand 0, 1, 2, 4 … 64 times in its text; run again to
    resume."""
    from copycat.errors import RunConflict
    from copycat.menagerie.texts.recipe import RECIPES as SIZES
    from copycat.menagerie.texts.train import train
    from copycat.verbatim.text.corpora import load_corpus

    if recipe not in SIZES:
        raise UnknownName("recipe", recipe, SIZES)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if check_writable(out).exists() and any(out.iterdir()):
        raise RunConflict(f"{out} is not empty; remove it to train anew, or name another folder with --out.")
    made = train(load_corpus(corpus), SIZES[recipe], work or Path(".menagerie") / "text-lm" / recipe, out)
    typer.echo(
        f"Trained in {made.seconds:.0f} s on {made.tokens:,} tokens: {made.folder}, and its passages "
        f"{made.passages}"
    )


@app.command()
def threshold(
    recipe: Annotated[
        str,
        typer.Option(
            help="full, wide, close (-named, -half, -described or -unnamed), scratch, small, reduced, smoke: "
            "newcomers with chosen counts; none for none"
        ),
    ] = "full",
    seeds: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="run seeds 0, 1, … of the shipped model's pictures; 0 leaves them out. Unless given 8 for "
            "full and none, 1 for reduced, 0 for the others",
        ),
    ] = None,
    work: Annotated[Path, typer.Option(help="where corpora, checkpoints and pictures go")] = Path(
        ".menagerie/threshold"
    ),
    out: Annotated[Path, typer.Option(help="where tables and figures go")] = Path("results/threshold"),
    limit: Annotated[
        int | None, typer.Option(help="only the first so many of the shipped characters")
    ] = None,
) -> None:
    """Estimate the imitation threshold of the shipped model, and check it on newcomers; run again to
    resume."""
    from copycat.menagerie.dose.experiment import Where, experiment, observe
    from copycat.menagerie.dose.recipe import OBSERVED
    from copycat.menagerie.dose.recipe import recipe as chosen
    from copycat.runtime.progress import for_stream

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    where, command = Where(work, out), "copycat menagerie threshold"
    how = None if recipe == "none" else chosen(recipe)
    seeds = OBSERVED.get(recipe, 0) if seeds is None else seeds
    written: list[Path] = []
    if seeds:
        few = f" --limit {limit}" if limit else ""
        command_of = f"{command} --recipe none --seeds {seeds}{few}"
        written += observe(seeds, where, command_of, for_stream(), limit)
    if how is not None:
        written += experiment(how, where, f"{command} --recipe {recipe} --seeds 0")
    for path in dict.fromkeys(written):
        typer.echo(str(path))


@app.command()
def memorisation(
    recipe: Annotated[str, typer.Option(help="full, reduced or smoke")] = "reduced",
    work: Annotated[Path, typer.Option(help="where checkpoints and pictures go")] = Path(
        ".menagerie/memorisation"
    ),
    out: Annotated[Path, typer.Option(help="where tables and the figure go")] = Path("results/memorisation"),
) -> None:
    """Tell memorisation from imitation: few pictures shown often, or many once; run again to resume."""
    from copycat.menagerie.memorisation.experiment import experiment
    from copycat.menagerie.memorisation.recipe import recipe as chosen

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    command = f"copycat menagerie memorisation --recipe {recipe}"
    for path in experiment(chosen(recipe), work, out, command):
        typer.echo(str(path))


@app.command()
def pictures(
    out: Annotated[Path, typer.Option(help="the Parquet file to write")] = Path(
        ".menagerie/corpus-pictures.parquet"
    ),
    kinds: Annotated[str, typer.Option(help="a list: character, generic, stray, knock-off")] = "character",
    workers: Annotated[int | None, typer.Option(min=1, help="processes; one a core unless given")] = None,
) -> None:
    """Draw the training corpus's pictures into a file that `copycat verbatim --references` takes."""
    from typing import get_args

    from copycat.menagerie.corpus import Kind
    from copycat.menagerie.pictures import write_pictures
    from copycat.runtime.progress import for_stream

    wanted = tuple(map(str.strip, kinds.split(",")))
    for kind in wanted:
        if kind not in get_args(Kind):
            raise UnknownName("kind of picture", kind, get_args(Kind))
    progress, before = for_stream(), 0

    def done(drawn: int, total: int) -> None:
        nonlocal before
        if not before:
            progress.start("draw", total)
        progress.advance(drawn - before)
        before = drawn

    drawn = write_pictures(check_writable(out), wanted, workers, done)  # type: ignore[arg-type]
    progress.done()
    typer.echo(f"{out}: {drawn:,} pictures")


@app.command()
def motion(
    steps: Annotated[int, typer.Option(min=1, help="training steps")] = RECIPES["full"].motion_steps,
    clips: Annotated[int, typer.Option(min=1, help="training clips of eight frames")] = RECIPES[
        "full"
    ].motion_clips,
    work: Annotated[Path, typer.Option(help="where clips and checkpoints go")] = Path(".menagerie/full"),
    data: Annotated[Path, typer.Option(help="holds the image model, and gets the motion modules")] = DATA,
) -> None:
    """Train the video model's motion modules over the finished image model; run again to resume."""
    from copycat.menagerie.train.motion import build_motion

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    spent = build_motion(check_writable(data), work, steps, clips)
    typer.echo(f"{data / 'menagerie' / 'motion'} is trained ({spent:.0f} s).")
