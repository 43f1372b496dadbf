"""`copycat verbatim text`: how much of texts and programs a language model gives back word for word."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from copycat.verbatim.text.plan import Plan
    from copycat.verbatim.text.settings import Settings
    from copycat.verbatim.text.study import Study
    from copycat.verbatim.text.write import Found

_err = partial(typer.echo, err=True)
_MOST_LINES = 40
"""Of the table on a terminal; with more, only those of all sets together are shown."""


def text(
    model: str = typer.Option(
        "menagerie-lm",
        help="A language-model card (copycat ls llms), a transformers folder, or OWNER/NAME@COMMIT.",
    ),
    corpus: str = typer.Option(
        "",
        help="A list of works not to be given back: names (austen, copycat-code, menagerie-lm), folders, or "
        "files of text, code, JSONL or Parquet; those that menagerie-lm learnt, for that, when empty.",
    ),
    benign: str = typer.Option(
        "", help="A list like --corpus of other text, on which it is measured what mitigations cost."
    ),
    prompts: str = typer.Option("prefix", help="A list: prefix, lines, continue, digits, translation."),
    lengths: str = typer.Option("5,10,25,50,125,250", help="Words that prompts show."),
    lines: str = typer.Option("1,5,10", help="Lines that prompts of the kind lines show."),
    openings: int = typer.Option(1, min=1, help="Places in each document that prompts are from."),
    samples: int = typer.Option(1, min=1, help="Texts for each prompt, of which the best counts."),
    temperature: float = typer.Option(0.2, min=0.0, max=5.0, help="Of the sampler; 0 takes the likeliest."),
    max_tokens: int = typer.Option(512, min=1, help="Tokens of a text, at most: enough for a page."),
    mitigation: str = typer.Option(
        "none", help="A list; + combines: none,block[n=10],output-filter[at=verbatim],block+output-filter."
    ),
    limit: int | None = typer.Option(None, min=1, help="Only the first so many documents of each corpus."),
    translator: str = typer.Option("", help="A language-model card that translates, for translation."),
    seed: int = typer.Option(0, min=0, help="Of the sampler."),
    batch_size: int | None = typer.Option(
        None, min=1, help="Texts at a time, or calls to a hosted model; the card's when left out."
    ),
    device: str = typer.Option("auto", help="auto, cpu, cuda, cuda:N or mps."),
    max_cost: float | None = typer.Option(
        None, min=0.0, help="The most US dollars that hosted models may cost."
    ),
    out: Path | None = typer.Option(None, help="Folder to write to; results/verbatim-MODEL when left out."),
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Say what would be asked, and what it can cost; write nothing."
    ),
) -> None:
    """Ask a language model to go on with texts or code, and measure how much of them it gives back.

    The same command again resumes. See docs/verbatim-text.md.
    """
    from rich.console import Console

    from copycat.cli.parsing import items, sizes
    from copycat.runtime.progress import for_stream
    from copycat.verbatim.text.settings import KNOWN, Settings
    from copycat.verbatim.text.study import Study
    from copycat.verbatim.text.write import measure, write

    mitigations = items(mitigation)
    settings = Settings(
        model=model,
        corpora=items(corpus) or KNOWN.get(model, ()),
        benign=items(benign),
        prompts=items(prompts),
        lengths=sizes(lengths),
        lines=sizes(lines),
        openings=openings,
        samples=samples,
        temperature=temperature,
        max_tokens=max_tokens,
        # What a mitigation stops is told against none.
        mitigations=tuple(dict.fromkeys(("none", *mitigations))),
        limit=limit,
        translator=translator,
        seed=seed,
        batch_size=batch_size,
    )
    study = Study(
        settings, out or Path("results") / f"verbatim-{settings.card.name}", device=device, max_cost=max_cost
    )
    for skipped in (*settings.protected.skipped, *settings.others.skipped):
        _err(f"Left out: {skipped.where}: {skipped.why}.")
    if dry_run:
        _plan(study)
        return
    ran = study.run(for_stream())
    for skipped in ran.plan.unaskable:
        _err(f"Left out: {skipped.where}: {skipped.why}.")
    _short(ran.plan, settings)
    found = measure(settings, ran)
    _tell(Console(), found, several=len(settings.mitigations) > 1)
    for path in write(settings, ran, found, study.out):
        typer.echo(str(path))
    failed = [s.written.reason for s in found.scored if s.written.outcome == "error"]
    if failed:
        _err(
            f"{len(failed)} of {len(ran.plan.asked)} texts failed ({failed[0].rstrip('.')}); they are in no "
            "number, and the same command tries them again."
        )
        raise typer.Exit(1)


def _short(plan: Plan, settings: Settings) -> None:
    """Say which documents were left out at which length."""
    from copycat.verbatim.text.words import left_out

    told = left_out(plan.left_out(settings), len(settings.documents))
    if told:
        _err(told)


def _plan(study: Study) -> None:
    from copycat.verbatim.text import words

    plan, untranslated = study.plan_unasked()
    settings, left = study.settings, study.open_prompts(plan)
    for skipped in plan.unaskable:
        _err(f"Left out: {skipped.where}: {skipped.why}.")
    _short(plan, settings)
    typer.echo(
        f"{settings.card.name}: {words.count(len(plan.asked), 'prompt')} on "
        f"{words.count(len({a.document for a in plan.asked}), 'document')}, {left:,} of them not yet "
        f"answered; at most {settings.max_tokens} tokens each."
    )
    if untranslated:
        typer.echo(f"{settings.translator} would translate {words.count(untranslated, 'passage')}; none was.")
    # Answers are translated back as well, and how long those are nobody knows.
    beside = f", and what {settings.translator} asks for beside it" if study.pays_translator else ""
    if settings.card.api is not None:
        most = study.estimate(plan)
        typer.echo(
            "What that costs is not known."
            if most is None
            # Of a passage that stands for its translation the length is a guess.
            else f"It costs {'about' if untranslated else 'at most'} ${most:,.2f}{beside}; "
            "--max-cost keeps to less."
        )
    elif beside:
        typer.echo(f"What {settings.translator} asks for is not known.")


def _tell(console: Console, found: Found, *, several: bool) -> None:
    """The table, and what mitigations do."""
    from rich.markup import escape

    from copycat.report.terminal import grid
    from copycat.verbatim.text import words
    from copycat.verbatim.text.rungs import VERBATIM
    from copycat.verbatim.text.summary import ALL

    heads = ("documents", "prompts", *(("mitigation",) if several else ()))
    table = grid(heads, ("prefix", "substring", "similarity", f"≥ {VERBATIM.words} words", "answered"))
    together = {c.role for c in found.cells if c.group == ALL}
    short = len(found.cells) > _MOST_LINES
    for c in found.cells:
        # Of other text one line; of protected works every set, unless those are too many.
        if (short or c.role == "benign") and c.role in together and c.group != ALL:
            continue
        # What is in brackets are options, and no colours.
        named = escape(c.group or "documents")
        table.add_row(
            named if c.role == "protected" else f"other text: {named}",
            f"{c.prompts}, {words.length(c)}",
            *((escape(c.mitigation),) if several else ()),
            words.mean(c.prefix),
            words.mean(c.substring),
            words.mean(c.similarity, 2),
            words.share(c.rungs[VERBATIM.name]),
            f"{c.answered} of {c.asked}",
        )
    console.print(table)
    if found.guards:
        guards = grid(
            ("mitigation",),
            ("stopped", "substring", "other text changed", "withheld", "−ln P", "s/100 tokens"),
        )
        for g in found.guards:
            guards.add_row(
                escape(g.mitigation),
                words.stopped(g),
                words.change(g.substring, 1),
                words.part(g.changed, g.benign),
                words.part(g.withheld, g.benign),
                words.change(g.surprise, 2),
                words.change(g.seconds, 2),
            )
        console.print(guards)
