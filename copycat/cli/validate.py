"""`copycat validate`: reads every card, registry, prompt set and word list, or those in some files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from copycat.cards.catalog import Catalog
    from copycat.subjects.characters import Registry

T = TypeVar("T")


def findings(warnings: list[str] | None = None) -> Iterator[str]:
    """What is wrong with all that the catalogues hold; one sentence each.

    What is only to be known goes to `warnings`.
    """
    from copycat.cards.judges import CATALOG as JUDGES
    from copycat.cards.llms import CATALOG as LLMS
    from copycat.cards.models import CATALOG as MODELS
    from copycat.mitigations import CATALOG as MITIGATIONS
    from copycat.stages.soundness import of_cards, unpinned
    from copycat.subjects.characters import CATALOG as REGISTRIES
    from copycat.subjects.counts import CATALOG as COUNTS
    from copycat.subjects.franchises import CATALOG as FRANCHISES
    from copycat.subjects.keywords import CATALOG as KEYWORDS
    from copycat.subjects.neutral import CATALOG as NEUTRAL
    from copycat.subjects.neutral import check_neutral
    from copycat.subjects.prompts import CATALOG as PROMPTS
    from copycat.subjects.prompts import check
    from copycat.subjects.thresholds import CATALOG as THRESHOLDS
    from copycat.subjects.words import ambiguous_names

    broken: list[str] = []
    with_cards: tuple[Catalog[Any], ...] = (MODELS, JUDGES, LLMS)
    for catalog in with_cards:
        cards = _read(catalog, broken)
        yield from of_cards(cards)
        if warnings is not None:
            warnings += unpinned(cards)
    alone: tuple[Catalog[Any], ...] = (MITIGATIONS, KEYWORDS, FRANCHISES, COUNTS, THRESHOLDS)
    for catalog in alone:
        _read(catalog, broken)
    read = _read(REGISTRIES, broken)
    for name, registry in read.items():
        yield from _missing_references(name, registry)
        if warnings is not None:
            warnings += ambiguous_names(registry)
    # What belongs to a registry goes by the name that this gives itself, whatever its file is called.
    registries = {registry.name: registry for registry in read.values()}
    for name, neutral in _read(NEUTRAL, broken).items():
        if name in registries:
            yield from check_neutral(neutral, registries[name])
    for name, prompts in _read(PROMPTS, broken).items():
        owner = name.partition("/")[0]
        if owner in registries:
            yield from check(prompts, registries[owner])
    yield from broken


def findings_in(
    files: Iterable[Path], registry: str = "", warnings: list[str] | None = None
) -> Iterator[str]:
    """What is wrong with the cards, registries and prompt sets in `files`; one sentence each.

    Prompt sets are read against `registry`; where it is empty against the one among `files`, or else the one
    that their folder is called after. What is only to be known goes to `warnings`.
    """
    from copycat.cards.weights import Card
    from copycat.errors import UserError
    from copycat.stages.soundness import of_cards, unpinned
    from copycat.subjects.characters import Registry, load_registry
    from copycat.subjects.prompts import check
    from copycat.subjects.words import ambiguous_names

    told = warnings if warnings is not None else []
    registries: list[Registry] = []
    prompts: dict[Path, Any] = {}
    for path in files:
        try:
            item = _catalog_of(path).read(path)
        except UserError as e:
            yield str(e)
            continue
        if isinstance(item, Card):
            yield from of_cards({path.stem: item})
            told += unpinned({path.stem: item})
        elif isinstance(item, Registry):
            registries.append(item)
            yield from _missing_references(item.name, item)
            told += ambiguous_names(item)
        else:
            prompts[path] = item
    for path, rows in prompts.items():
        try:
            among = registries[0] if len(registries) == 1 and not registry else None
            yield from check(rows, among or load_registry(registry or path.absolute().parent.name))
        except UserError as e:
            yield f"{path} cannot be checked without its registry; name it with --registry. {e}"


def _catalog_of(path: Path) -> Catalog[Any]:
    """The catalogue that the file `path` belongs to, by what it holds; BadFile where it is of none."""
    from copycat.cards.judges import CATALOG as JUDGES
    from copycat.cards.llms import CATALOG as LLMS
    from copycat.cards.models import CATALOG as MODELS
    from copycat.errors import BadFile, first_line
    from copycat.io.documents import parse_yaml, read_text
    from copycat.judges.base import CATALOG as JUDGE_KINDS
    from copycat.llms.base import CATALOG as LLM_KINDS
    from copycat.subjects.characters import CATALOG as REGISTRIES
    from copycat.subjects.prompts import CATALOG as PROMPTS

    if path.suffix == ".jsonl":
        return PROMPTS
    try:
        raw = parse_yaml(read_text(path))
    except (OSError, ValueError) as e:
        raise BadFile(f"{path} cannot be read ({first_line(e)}).") from e
    keys = raw if isinstance(raw, dict) else {}
    if "characters" in keys:
        return REGISTRIES
    if "name" not in keys:
        raise BadFile(f"{path} is no card, registry or prompt set.")
    if "sampling" in keys:
        return MODELS
    # Judges and language models share a kind and most of their keys: the folder says, or else the kind.
    theirs = set(LLM_KINDS.names()) - set(JUDGE_KINDS.names())
    return LLMS if path.absolute().parent.name == LLMS.kind or keys.get("kind") in theirs else JUDGES


def _missing_references(name: str, registry: Registry) -> Iterator[str]:
    missing = [r for c in registry.characters for r in c.references if not Path(r).is_file()]
    yield from (f"{name}: the reference picture {r} is missing." for r in missing)
    yield from _broken_counts(registry)


def _broken_counts(registry: Registry) -> Iterator[str]:
    """What is wrong with the counts that the registry cites."""
    from copycat.errors import UserError
    from copycat.subjects.counts import read_counts_file

    for path in registry.counts:
        try:
            read_counts_file(Path(path))
        except UserError as e:
            yield str(e)


def _read(catalog: Catalog[T], broken: list[str]) -> dict[str, T]:
    """All that `catalog` holds and that can be read; what is wrong with the rest goes to `broken`."""
    from copycat.errors import UserError

    found = {}
    for name in catalog.names():
        try:
            found[name] = catalog.get(name)
        except UserError as e:
            broken.append(str(e))
    return found


def validate(
    files: list[Path] = typer.Argument(
        None, help="Cards, registries and prompt sets to read; everything there is when left out."
    ),
    registry: str = typer.Option(
        "", help="Registry of the prompt sets among the files; the one among them, or their folder's."
    ),
) -> None:
    """Read the cards, registries and prompt sets, and list what is wrong with them.

    Names that are common words, or part of another character's name, are warned of as well, unless the
    registry declares them (common_words, namesakes), as the shipped ones do.
    """
    warnings: list[str] = []
    found = list(findings_in(files, registry, warnings) if files else findings(warnings))
    for line in (*found, *(f"Warning: {w}" for w in warnings)):
        typer.echo(line)
    if found:
        raise typer.Exit(2)
    if files:
        typer.echo(f"{', '.join(map(str, files))}: in order.")
        return
    typer.echo("All cards, registries and prompt sets are in order.")
