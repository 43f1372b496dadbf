"""`copycat mine`: rankings of words for each character, and the prompt sets made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

if TYPE_CHECKING:
    from copycat.mining.cooccurrence import Counts
    from copycat.mining.ranking import Term
    from copycat.subjects.characters import Registry
    from copycat.subjects.prompts import Prompt

app = typer.Typer(help="Rank the words that go with each character, and make prompt sets of them.")

REGISTRY = typer.Option("menagerie", help="Character registry: a name or a YAML file.")
SIZES = typer.Option("3,5,10,20", help="How many words the prompts have; one set each.")
GENERIC = typer.Option(True, "--generic-only/--all", help="Leave out owners' and other characters' names.")
OUT = typer.Option(Path("mined"), help="Folder for the ranking and the sets.")
FIT = typer.Option("", "--fit", help="Say which prompts are too long for this model's text encoder.")
COLUMN = typer.Option(None, help="Column of the captions; found by itself when left out.")
LIMIT = typer.Option(None, min=1, help="Read only the first so many captions.")


@app.command()
def cooccurrence(
    corpus: str = typer.Argument(
        help="A Parquet, JSONL, CSV, TSV or text file, a folder of them, or a hub dataset."
    ),
    registry: str = REGISTRY,
    by: Literal["count", "pmi", "npmi"] = typer.Option("count", help="The paper ranks by count."),
    name: str = typer.Option("cooc", "--set", help="The sets are called NAME3, NAME5, …"),
    sizes: str = SIZES,
    generic_only: bool = GENERIC,
    longest: int = typer.Option(1, "--phrase", min=1, max=4, help="Longest phrase, in words."),
    least: int = typer.Option(2, min=1, help="Captions a word must share with the name."),
    column: str | None = COLUMN,
    limit: int | None = LIMIT,
    fit: str = FIT,
    out: Path = OUT,
) -> None:
    """Rank words by how often they stand in the same captions as the name."""
    from copycat.mining import cooccurrence as mining
    from copycat.subjects.characters import load_registry

    people = load_registry(registry)
    counts = _counts(corpus, people, longest, column, limit)
    told = f"co-occurrence by {by} over {Path(corpus).name}, {counts.captions} captions; `copycat mine`"
    ranking = list(mining.rank(counts, people, by, least=least))
    _write(out, name, ranking, people, sizes, told, generic_only=generic_only, fit=fit)


@app.command()
def common(
    corpus: str = typer.Argument(help="As for `cooccurrence`."),
    registry: str = REGISTRY,
    name: str = typer.Option("common", "--set", help="The sets are called NAME3, NAME5, …"),
    sizes: str = SIZES,
    generic_only: bool = GENERIC,
    longest: int = typer.Option(1, "--phrase", min=1, max=4, help="Longest phrase, in words."),
    least: int = typer.Option(2, min=1, help="Captions a word must stand in."),
    keep: int = typer.Option(200, min=1, help="How many words."),
    column: str | None = COLUMN,
    limit: int | None = LIMIT,
    fit: str = FIT,
    out: Path = OUT,
) -> None:
    """Take the commonest words of all captions: candidates for `embedding`, and a control."""
    from copycat.mining import cooccurrence as mining
    from copycat.subjects.characters import load_registry

    people = load_registry(registry)
    counts = _counts(corpus, people, longest, column, limit)
    told = f"commonest words of {Path(corpus).name}, {counts.captions} captions; `copycat mine`"
    ranking = list(mining.common(counts, people, least=least, keep=keep, generic_only=generic_only))
    _write(out, name, ranking, people, sizes, told, generic_only=generic_only, fit=fit)


def _counts(corpus: str, people: Registry, longest: int, column: str | None, limit: int | None) -> Counts:
    from copycat.mining import cooccurrence as mining
    from copycat.mining.captions import Reading, read_captions

    reading = Reading()
    counts = mining.count(read_captions(corpus, column=column, limit=limit, reading=reading), people, longest)
    for line in reading.skipped:
        typer.echo(f"Skipped {line}", err=True)
    typer.echo(f"{reading.captions} captions of {reading.files} files, {len(reading.skipped)} skipped")
    return counts


@app.command()
def embedding(
    candidates: Path = typer.Argument(help="A keyword list (YAML) or a ranking (JSONL) to reorder."),
    model: str = typer.Option("menagerie", help="Whose text encoder: a model card or a diffusers folder."),
    registry: str = REGISTRY,
    name: str = typer.Option("emb", "--set", help="The sets are called NAME3, NAME5, …"),
    sizes: str = SIZES,
    generic_only: bool = GENERIC,
    device: str = typer.Option("cpu", help="cpu, cuda or mps."),
    out: Path = OUT,
) -> None:
    """Rank candidates by their cosine to the name in the target model's text encoder."""
    from copycat.cards.models import load_card
    from copycat.generators.text_encoder import text_embedder
    from copycat.mining import embedding as mining
    from copycat.mining.lists import load_candidates
    from copycat.runtime.device import resolve_device
    from copycat.subjects.characters import load_registry

    people, card = load_registry(registry), load_card(model)
    words = load_candidates(candidates)
    embed = text_embedder(card, resolve_device(device, f"The text encoder of {card.name}"))
    told = f"cosine to the name in {card.identity()}'s text encoder, of {candidates.name}; `copycat mine`"
    ranking = list(mining.rank(words, people, embed))
    _write(out, name, ranking, people, sizes, told, generic_only=generic_only, fit=model)


@app.command()
def negatives(
    corpus: str | None = typer.Argument(
        None, help="As for `cooccurrence`; the registry's own in data/REGISTRY/ when left out."
    ),
    registry: str = REGISTRY,
    model: str = typer.Option("menagerie", help="Whose text encoder: a model card or a diffusers folder."),
    keep: int = typer.Option(20, min=1, help="Words of each character."),
    generic_only: bool = GENERIC,
    longest: int = typer.Option(1, "--phrase", min=1, max=4, help="Longest phrase, in words."),
    least: int = typer.Option(2, min=1, help="Captions a word must share with the name."),
    column: str | None = COLUMN,
    limit: int | None = LIMIT,
    device: str = typer.Option("cpu", help="cpu, cuda or mps."),
    out: Path | None = typer.Option(None, help="The keyword file; one in your own folder when left out."),
) -> None:
    """Rank words for negative prompts (`negprompt[words=emb-cooc]`) by captions and by text encoder."""
    from copycat.cards.models import load_card
    from copycat.errors import UserError
    from copycat.generators.text_encoder import text_embedder
    from copycat.io.paths import DATA
    from copycat.mining import cooccurrence as counting
    from copycat.mining import embedding
    from copycat.mining import negatives as mining
    from copycat.runtime.device import resolve_device
    from copycat.subjects.characters import load_registry
    from copycat.subjects.keywords import CATALOG as KEYWORDS
    from copycat.subjects.keywords import Mined, Ranking
    from copycat.subjects.keywords import written as written_list

    people, card = load_registry(registry), load_card(model)
    target, named = out or KEYWORDS.own(people.name), corpus
    mining.check_target(target)
    own_corpus = DATA / people.name / "corpus.parquet"
    corpus = corpus or (str(own_corpus) if own_corpus.is_file() else None)
    listed = written_list(people.name)
    written = listed.keywords if listed else {}
    if corpus is None and not written:
        raise UserError(f"There is nothing to rank for {people.name}: name a corpus of captions.")
    mined: dict[Mined, Ranking] = {}
    common: list[Term] = []
    if corpus is not None:
        counts = _counts(corpus, people, longest, column, limit)
        common = list(counting.common(counts, people, least=least, generic_only=generic_only))
        told = f"co-occurrence with the name in {counts.captions} captions of {Path(corpus).name}"
        terms = list(counting.rank(counts, people, least=least))
        mined["cooc"] = mining.ranking(terms, told, keep=keep, generic_only=generic_only)
    else:
        typer.echo("No corpus, so no ranking by co-occurrence.", err=True)
    embed = text_embedder(card, resolve_device(device, f"The text encoder of {card.name}"))
    words = mining.candidates(people, written, common)
    commonest = f"the {len({t.term for t in common})} commonest words of the captions"
    of = f"{people.name}.yaml" if written else commonest
    told = f"cosine to the name in the text encoder of {card.identity()}, of {of}"
    terms = list(embedding.rank(words, people, embed))
    mined["emb"] = mining.ranking(terms, told, keep=keep, generic_only=generic_only)
    command = f"copycat mine negatives{f' {named}' if named else ''} --registry {registry} --model {model}"
    mining.write(target, people, mined, command)
    for name, made in mined.items():
        typer.echo(f"{name}: words for {len(made.keywords)} of {len(people)} characters; {made.source}")
    typer.echo(f"In {target}; use them as negprompt[words={'emb-cooc' if corpus else 'emb'}]")


@app.command()
def fuse(
    rankings: list[Path] = typer.Argument(help="Two or more rankings (JSONL) that miners wrote."),
    registry: str = REGISTRY,
    name: str = typer.Option("fused", "--set", help="The sets are called NAME3, NAME5, …"),
    sizes: str = SIZES,
    generic_only: bool = GENERIC,
    fit: str = FIT,
    out: Path = OUT,
) -> None:
    """Make one ranking of several: words that stand high in all of them come first."""
    from copycat.errors import UserError
    from copycat.mining import ranking as mining
    from copycat.subjects.characters import load_registry

    if len(rankings) < 2:
        raise UserError("Fusing needs two rankings or more.")
    people = load_registry(registry)
    fused = list(mining.fuse([mining.read_ranking(r) for r in rankings]))
    told = f"reciprocal rank fusion of {' and '.join(r.stem for r in rankings)}; `copycat mine`"
    _write(out, name, fused, people, sizes, told, generic_only=generic_only, fit=fit)


@app.command("list")
def list_(
    words: Path | None = typer.Argument(
        None,
        help="A keyword list (YAML), such as data/keywords/copycat.yaml; else the registry's own.",
    ),
    registry: str | None = typer.Option(None, help="Character registry; the list's own when left out."),
    name: str = typer.Option("lm", "--set", help="The sets are called NAME3, NAME5, …"),
    sizes: str = SIZES,
    generic_only: bool = GENERIC,
    fit: str = FIT,
    out: Path = OUT,
) -> None:
    """Make prompt sets of keywords that were written down, in the order they are in."""
    from copycat.errors import UserError
    from copycat.mining import lists
    from copycat.subjects.characters import load_registry
    from copycat.subjects.keywords import load_list

    if words is None and registry is None:
        raise UserError("Name a keyword list, or with --registry a registry whose keywords are meant.")
    own = lists.own_list(load_registry(registry)) if words is None and registry else None
    given = own or load_list(words or Path())
    people = load_registry(registry or given.registry)
    told = f"{given.source}; {words.name if words else people.name} version {given.version}"
    ranking = list(lists.rank(given, people))
    _write(
        out, name, ranking, people, sizes, told,
        generic_only=generic_only, ranked_here=False, fit=fit, version=given.version,
    )  # fmt: skip


@app.command()
def variants(
    registry: str = REGISTRY,
    out: Path = OUT,
) -> None:
    """Make the sets `misspelt1`, `misspelt3`, `languages` and `actions` of the registry's names."""
    from copycat.io.jsonl import write_lines
    from copycat.mining import variants as mining
    from copycat.subjects.characters import load_registry

    people = load_registry(registry)
    made = [*mining.misspelt(people, 1), *mining.misspelt(people, 3)]
    made += [*mining.languages(people), *mining.actions(people)]
    for name in dict.fromkeys(p.set for p in made):
        rows = [p for p in made if p.set == name]
        write_lines(out / f"{name}.jsonl", rows)
        typer.echo(f"{len(rows)} prompts in {out / name}.jsonl")


def _write(
    out: Path,
    name: str,
    ranking: Sequence[Term],
    registry: Registry,
    sizes: str,
    provenance: str,
    *,
    generic_only: bool,
    ranked_here: bool = True,
    fit: str = "",
    version: int = 1,
) -> None:
    from copycat.cli.parsing import sizes as parse_sizes
    from copycat.errors import UserError
    from copycat.io.jsonl import write_lines
    from copycat.mining.ranking import prompt_sets
    from copycat.subjects.prompts import check

    wanted = parse_sizes(sizes)
    if not ranking:
        raise UserError(f"No character of {registry.name} has a word; is this the right corpus or list?")
    sets = prompt_sets(ranking, name, wanted, provenance, generic_only=generic_only, version=version)
    long = _overlong(sets, fit)
    if ranked_here:
        write_lines(out / "rankings" / f"{name}.jsonl", ranking)
    for set_name, prompts in sets.items():
        write_lines(out / f"{set_name}.jsonl", prompts)
        for finding in check(prompts, registry):
            typer.echo(finding, err=True)
    for finding in long:
        typer.echo(finding, err=True)
    covered = len({t.character for t in ranking})
    marked = sum(t.kind != "generic" for t in ranking)
    typer.echo(
        f"{covered} of {len(registry)} characters ranked ({marked} of {len(ranking)} words are names): "
        f"{_names(out, sets)}"
    )


def _overlong(sets: Mapping[str, Sequence[Prompt]], model: str) -> list[str]:
    if not model:
        return []
    from copycat.cards.models import load_card
    from copycat.generators.reading import overlong, planned_reading

    texts = {f"prompts of {name}": [p.text for p in prompts] for name, prompts in sets.items()}
    return overlong(texts, planned_reading(load_card(model)))


def _names(out: Path, sets: Iterable[str]) -> str:
    return ", ".join(str(out / f"{s}.jsonl") for s in sets)
