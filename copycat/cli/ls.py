"""`copycat ls`: what there is to choose from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from copycat.llms.card import LLMCard
    from copycat.models import ModelCard

Rows = Iterable[Sequence[str]]


def _models() -> Rows:
    from copycat.errors import UserError
    from copycat.models import load_card, names

    yield ("NAME", "TITLE", "LICENCE", "NEGATIVE", "NEEDS")
    for name in names():
        try:
            card = load_card(name)
        except UserError as e:
            yield (name, f"broken: {e}")
            continue
        negative = "yes" if card.steers(card.sampling.guidance) else "no"
        more = ["hub login"] if card.gated else []
        yield (name, card.title, card.licence, negative, ", ".join([_needs(card), *more, *card.packages]))


def _needs(card: ModelCard | LLMCard) -> str:
    if card.api:
        return f"${card.api.key_env}" if card.api.key_env else "its server"
    return f"{card.min_gpu_gb:g} GB GPU" if card.min_gpu_gb else "CPU"


def _mitigations() -> Rows:
    from copycat.mitigations import ALIASES, CATALOG

    yield ("NAME", "WHAT", "OPTIONS")
    for name in CATALOG.names():
        kind = CATALOG.get(name)
        summary = (kind.__doc__ or "").strip().splitlines()[0]
        yield (name, summary, ", ".join(kind.options.model_fields) or "none")
    for name, spec in ALIASES.items():
        yield (name, f"Short for {spec}", "the same")


def _judges() -> Rows:
    from copycat.errors import UserError
    from copycat.judges.card import CATALOG
    from copycat.report.words import judge_sentence

    yield ("NAME", "MEASURED")
    for name in CATALOG.names():
        try:
            yield (name, judge_sentence(CATALOG.get(name).rates()).removeprefix("Judge: "))
        except UserError as e:
            yield (name, f"broken: {e}")


def _llms() -> Rows:
    from copycat.errors import UserError
    from copycat.llms.card import CATALOG

    yield ("NAME", "SOURCE", "LICENCE", "NEEDS")
    for name in CATALOG.names():
        try:
            card = CATALOG.get(name)
        except UserError as e:
            yield (name, f"broken: {e}")
            continue
        yield (name, card.source, card.licence, _needs(card))


def _prompts() -> Rows:
    from copycat.paths import PROMPTS
    from copycat.prompts import available, load_prompts

    yield ("REGISTRY", "SET", "PROMPTS")
    for folder in sorted(p for p in PROMPTS.iterdir() if p.is_dir()):
        for name in available(folder.name):
            yield (folder.name, name, str(len(load_prompts(name, folder.name))))


def _characters() -> Rows:
    from copycat.characters import load_registry
    from copycat.paths import DATA

    yield ("REGISTRY", "SLUG", "NAME", "OWNER", "TRAINING IMAGES")
    for path in sorted((DATA / "characters").glob("*.yaml")):
        for c in load_registry(path.stem).characters:
            seen = "unknown" if c.training_images is None else str(c.training_images)
            yield (path.stem, c.slug, c.name, c.owner, seen)


def _tables() -> Rows:
    from copycat.report.paper import CATALOG, Figure

    yield ("TABLE", "TITLE")
    for name in CATALOG.names():
        found = CATALOG.get(name)
        yield (name if isinstance(found, Figure) else found.table, found.title)


def _runs() -> Rows:
    from copycat.cli.folders import known

    yield ("RUN", "REPORT")
    for path in known():
        page = path / "report.html"
        yield (path.name, str(page) if page.is_file() else "none yet")


KINDS: dict[str, Callable[[], Rows]] = {
    "models": _models,
    "mitigations": _mitigations,
    "judges": _judges,
    "llms": _llms,
    "prompts": _prompts,
    "characters": _characters,
    "tables": _tables,
    "runs": _runs,
}


def ls(
    what: str = typer.Argument(
        help="models, mitigations, judges, llms, prompts, characters, tables or runs."
    ),
) -> None:
    """List what there is to choose from."""
    from copycat.errors import UnknownName

    if what not in KINDS:
        raise UnknownName("list", what, KINDS)
    rows = [tuple(r) for r in KINDS[what]()]
    widths = [max(len(r[i]) for r in rows if i < len(r)) for i in range(max(map(len, rows)))]
    for row in rows:
        typer.echo("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=False)).rstrip())
