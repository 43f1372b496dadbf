"""`copycat mine`: rankings of words for each character, and the prompt sets made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from copycat.cli import mine_asked
from copycat.cli.mine_sets import overlong

if TYPE_CHECKING:
    from copycat.mining.ranking import Term
    from copycat.subjects.characters import Registry

app = typer.Typer(help="Rank the words that go with each character, and make prompt sets of them.")
app.command()(mine_asked.describe)
app.command()(mine_asked.keywords)

REGISTRY = typer.Option("menagerie", help="Character registry: a name or a YAML file.")
SIZES = typer.Option("3,5,10,20", help="How many words the prompts have; one set each.")
GENERIC = typer.Option(True, "--generic-only/--all", help="Leave out owners' and other characters' names.")
OUT = typer.Option(Path("mined"), help="Folder for the ranking and the sets.")
FIT = typer.Option("", "--fit", help="Say which prompts are too long for this model's text encoder.")
COLUMN = typer.Option(None, help="Column of the captions; found by itself when left out.")
LIMIT = typer.Option(None, min=1, help="Read only the first so many captions.")
_err = partial(typer.echo, err=True)


@app.command()
def cooccurrence(
    corpus: str = typer.Argument(
        help="A Parquet, JSONL, CSV, TSV or text file, a folder of them, or a hub dataset; or a counts file "
        "(.json) of `copycat count`, which reads a large corpus much faster."
    ),
    registry: str = REGISTRY,
    candidates: str = typer.Option(
        "",
        help="Which words are ranked: a keyword list (YAML), a ranking (JSONL), a language model that is "
        "asked for some (copycat ls llms), or `corpus` for all words of the captions. When left out, the "
        "language model's list that there is for the registry, else `corpus`.",
    ),
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
    words, whose = _candidates(candidates, people, out)
    find = partial(mining.terms, longest=longest) if words is None else mining.finder(words)
    if corpus.endswith(".json"):
        from copycat.mining.counted import counted, cut_off
        from copycat.subjects.counts import read_counts_file

        _check_counted(by, words, longest, limit)
        file = read_counts_file(Path(corpus))
        counts = counted(file, people, find)
        if lacking := cut_off(file, counts, people, words, least=least):
            _err(lacking)
    else:
        counts = mining.read_counts(corpus, people, find, column=column, limit=limit, tell=_err)
    told = f"co-occurrence by {by} over {Path(corpus).name}, {counts.captions} captions"
    if words is None:
        ranking = list(mining.rank(counts, people, by, least=least))
    else:
        told += f", of these candidates: {whose}"
        ranking = list(mining.rerank(words, counts, people, by, least=least))
    told += "; `copycat mine`"
    typer.echo(f"Candidates: {whose}")
    _write(out, name, ranking, people, sizes, told, generic_only=generic_only, fit=fit)


def _check_counted(
    by: str, words: Mapping[str, Sequence[str]] | None, longest: int, limit: int | None
) -> None:
    """Refuse what a counts file cannot say."""
    from copycat.errors import UserError
    from copycat.subjects.characters import normalise

    # As words are compared: "t-shirt" is two of them.
    phrases = [w for some in (words or {}).values() for w in some if len(normalise(w).split()) > 1]
    if by != "count":
        raise UserError(
            f"--by {by} needs the captions: a counts file has no words that stand without a name."
        )
    if longest > 1 or phrases:
        named = f" such as '{phrases[0]}'" if phrases else ""
        raise UserError(
            f"A counts file has single words and no phrases{named}; mine the captions, or add --candidates "
            "corpus and leave --phrase out."
        )
    if limit is not None:
        raise UserError("--limit is about captions, and these are counted already; leave it out.")


def _candidates(given: str, people: Registry, out: Path) -> tuple[Mapping[str, Sequence[str]] | None, str]:
    """The words to be ranked, by slug, and where they are from; None for all words of the corpus."""
    from copycat.cli.mine_asked import ask_keywords
    from copycat.mining.lists import load_candidates
    from copycat.subjects.keywords import listed

    if not given and (there := listed("lm", people.name)):
        return there.keywords, there.source
    if given in ("", "corpus"):
        return None, "all words of the captions"
    if Path(given).suffix in (".yaml", ".yml", ".jsonl"):
        return load_candidates(Path(given)), Path(given).name
    asked = ask_keywords(people, given, out)
    return {slug: a.texts for slug, a in asked.items()}, f"50 words asked of {given}"


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
    find = partial(mining.terms, longest=longest)
    counts = mining.read_counts(corpus, people, find, column=column, limit=limit, tell=_err)
    told = f"commonest words of {Path(corpus).name}, {counts.captions} captions; `copycat mine`"
    ranking = list(mining.common(counts, people, least=least, keep=keep, generic_only=generic_only))
    _write(out, name, ranking, people, sizes, told, generic_only=generic_only, fit=fit)


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
    registry: str = typer.Option(
        "", help="Character registry: a name or a YAML file; the model's when empty."
    ),
    model: str = typer.Option("menagerie", help="Whose text encoder: a model card or a diffusers folder."),
    missing: bool = typer.Option(
        False, "--missing", help="Only those that the registry lacks; say what cannot be made, and go on."
    ),
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
    from copycat.mining.negatives import Corpus, Negatives
    from copycat.reproduce.rankings import make_missing, make_rankings, own_corpus
    from copycat.subjects.characters import load_registry
    from copycat.subjects.keywords import CATALOG as KEYWORDS
    from copycat.subjects.keywords import check_target, listed, write_rankings

    card = load_card(model)
    named, people = corpus, load_registry(registry or card.registry)
    target = out or KEYWORDS.own(people.name)
    source = corpus or own_corpus(people)
    captions = Corpus(source, column, limit, longest, least) if source else None
    how = Negatives(people, listed("lm", people.name), keep, generic_only)
    make = make_missing if missing else make_rankings
    check_target(target)
    made = make(how, card, captions, device=device, tell=_err)
    if not made:
        return
    place = f"{f' {named}' if named else ''} --registry {registry or card.registry} --model {model}"
    write_rankings(target, people.name, made, f"copycat mine negatives{place}")
    for name, ranking in made.items():
        typer.echo(f"{name}: words for {len(ranking.keywords)} of {len(people)} characters; {ranking.source}")
    typer.echo(f"In {target}; use them as negprompt[words={'-'.join(sorted(made, reverse=True))}]")


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
def variants(registry: str = REGISTRY, out: Path = OUT, own: bool = mine_asked.OWN) -> None:
    """Make the sets `misspelt1`, `misspelt3`, `languages` and `actions` of the registry's names."""
    from copycat.io.jsonl import write_lines
    from copycat.mining import variants as mining
    from copycat.subjects.characters import load_registry

    people = load_registry(registry)
    folder = mine_asked.folder_of(people, out, own)
    made = {
        "misspelt1": list(mining.misspelt(people, 1)),
        "misspelt3": list(mining.misspelt(people, 3)),
        "languages": list(mining.languages(people)),
        "actions": list(mining.actions(people)),
    }
    for name, rows in made.items():
        if not rows:
            _err(f"{name}: nothing, since no {people.noun} of {people.name} has a name for it.")
            continue
        write_lines(folder / f"{name}.jsonl", rows)
        typer.echo(f"{len(rows)} prompts in {folder / name}.jsonl")


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
    long = overlong(sets, fit)
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


def _names(out: Path, sets: Iterable[str]) -> str:
    return ", ".join(str(out / f"{s}.jsonl") for s in sets)
