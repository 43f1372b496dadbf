"""`copycat ls`: what there is to choose from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from copycat.cards.llms import LLMCard
    from copycat.cards.models import ModelCard

Rows = Iterable[Sequence[str]]


def _listed(names: Iterable[str], rows: Callable[[str], Rows]) -> Rows:
    """The rows of each name; of one that cannot be read, what is wrong with it."""
    from copycat.errors import UserError

    for name in names:
        try:
            found = list(rows(name))
        except UserError as e:
            found = [(*name.split("/"), f"broken: {e}")]
        yield from found


def _models() -> Rows:
    from copycat.cards.models import load_card, names

    def row(name: str) -> Rows:
        card = load_card(name)
        negative = "yes" if card.steers(card.sampling.guidance) else "no"
        more = [e for e in (("hub login" if card.gated else ""), card.end()) if e]
        yield (name, card.title, card.licence, negative, ", ".join([_needs(card), *more, *card.packages]))

    yield ("NAME", "TITLE", "LICENCE", "NEGATIVE", "NEEDS")
    yield from _listed(names(), row)


def _needs(card: ModelCard | LLMCard) -> str:
    if card.api:
        return f"${card.api.key_env}" if card.api.key_env else "its server"
    return f"{card.min_gpu_gb:g} GB GPU" if card.min_gpu_gb else "CPU"


def _mitigations() -> Rows:
    from copycat.mitigations import ALIASES, CATALOG

    yield ("NAME", "WHAT", "OPTIONS")
    for name in CATALOG.names():
        kind = CATALOG.get(name)
        summary = (kind.__doc__ or "").strip().partition("\n")[0]
        yield (name, summary, ", ".join(kind.options.model_fields) or "none")
    for name, spec in ALIASES.items():
        yield (name, f"Short for {spec}", "the same")


def _attacks() -> Rows:
    from copycat.attacks import CATALOG

    yield ("NAME", "NEEDS", "WHAT", "OPTIONS")
    for name in CATALOG.names():
        kind = CATALOG.get(name)
        needs = "weights" if kind.white_box else "pictures" if kind.queried() else "prompts"
        summary = (kind.__doc__ or "").strip().partition("\n")[0]
        yield (name, needs, summary, ", ".join(kind.options.model_fields))


def _measures() -> Rows:
    from copycat.measures import measures

    yield ("NAME", "WHAT")
    for m in measures():
        yield (m.name, m.about)


def _judges() -> Rows:
    from copycat.cards.judges import CATALOG
    from copycat.stages.judge import told_rates

    yield ("NAME", "MEASURED")

    def row(name: str) -> Rows:
        card = CATALOG.get(name)
        more = [
            *(["it needs a hub login"] if card.gated else []),
            *([f"it {card.end()}"] if card.end() else []),
        ]
        told = told_rates(card)
        yield (name, "; ".join([told.rstrip("."), *more]) if more else told)

    yield from _listed(CATALOG.names(), row)


def _llms() -> Rows:
    from copycat.cards.llms import CATALOG

    def row(name: str) -> Rows:
        card = CATALOG.get(name)
        yield (name, card.source, card.licence, ", ".join(filter(None, [_needs(card), card.end()])))

    yield ("NAME", "SOURCE", "LICENCE", "NEEDS")
    yield from _listed(CATALOG.names(), row)


def _prompts() -> Rows:
    from copycat.subjects.prompts import CATALOG

    yield ("REGISTRY", "SET", "PROMPTS")
    yield from _listed(CATALOG.names(), lambda name: [(*name.split("/"), str(len(CATALOG.get(name))))])


def _characters() -> Rows:
    from copycat.subjects.characters import CATALOG

    def rows(name: str) -> Rows:
        for c in CATALOG.get(name).characters:
            seen = "unknown" if c.training_images is None else str(c.training_images)
            yield (name, c.slug, c.name, c.owner, seen)

    yield ("REGISTRY", "SLUG", "NAME", "OWNER", "TRAINING IMAGES")
    yield from _listed(CATALOG.names(), rows)


def _counts() -> Rows:
    from copycat.subjects.counts import CATALOG

    def rows(name: str) -> Rows:
        found = CATALOG.get(name)
        total = "unknown" if found.total is None else f"{found.total:,}"
        yield (name, found.corpus, found.unit, total, str(len(found.characters)), str(found.date))

    yield ("COUNTS", "CORPUS", "UNIT", "OF", "CHARACTERS", "DATE")
    yield from _listed(CATALOG.names(), rows)


def _thresholds() -> Rows:
    from copycat.subjects.thresholds import CATALOG

    def rows(name: str) -> Rows:
        for r in CATALOG.get(name).rows:
            first, *later = r.change_points
            yield (name, r.corpus, r.model, r.domain, str(first), ", ".join(map(str, later)) or "-")

    yield ("FROM", "CORPUS", "MODEL", "CONCEPTS", "THRESHOLD", "LATER CHANGES")
    yield from _listed(CATALOG.names(), rows)


def _tables() -> Rows:
    from copycat.paper import CATALOG

    yield ("TABLE", "TITLE")
    for name in CATALOG.names():
        found = CATALOG.get(name)
        yield (found.table or name, found.title)


def _texts() -> Rows:
    from copycat.verbatim.text.corpora import CATALOG

    def rows(name: str) -> Rows:
        documents = CATALOG.get(name).documents
        licences = dict.fromkeys(d.licence for d in documents)
        size = sum(len(d.text) for d in documents) / 1000
        yield (name, str(len(documents)), f"{size:,.0f} kB", ", ".join(licences), documents[0].source)

    yield ("CORPUS", "DOCUMENTS", "SIZE", "LICENCE", "SOURCE")
    yield from _listed(CATALOG.names(), rows)


def _text_mitigations() -> Rows:
    from copycat.verbatim.text.mitigations import CATALOG

    yield ("NAME", "WHAT", "OPTIONS")
    for name in CATALOG.names():
        kind = CATALOG.get(name)
        summary = " ".join((kind.__doc__ or "").split()).partition(". ")[0].partition("; ")[0]
        yield (name, summary.rstrip("."), ", ".join(kind.options.model_fields) or "none")


def _runs() -> Rows:
    from copycat.cli.folders import RESULTS
    from copycat.runs.folder import RunFolder, known

    yield ("RUN", "REPORT")
    for path in known(RESULTS):
        page = RunFolder(path).page_path
        yield (path.name, str(page) if page.is_file() else "none yet")


KINDS: dict[str, tuple[Callable[[], Rows], str]] = {
    "models": (_models, "what draws: image and video models"),
    "measures": (_measures, "what is measured of pictures"),
    "mitigations": (_mitigations, "guardrails, and their options"),
    "attacks": (_attacks, "ways to get a character past guardrails, what they need, and their options"),
    "judges": (_judges, "who looks at pictures, and how well they are known to judge"),
    "llms": (_llms, "language models, for guardrails and word lists"),
    "prompts": (_prompts, "prompt sets, by registry"),
    "characters": (_characters, "who is asked for, by registry"),
    "counts": (_counts, "how often corpora name characters"),
    "thresholds": (_thresholds, "imitation thresholds that papers print"),
    "tables": (_tables, "tables and figures of the paper"),
    "texts": (_texts, "texts and code that language models are asked to go on with (copycat verbatim text)"),
    "text-mitigations": (_text_mitigations, "what keeps language models from giving texts back"),
    "runs": (_runs, "runs under results/, and their reports"),
}


def _choices() -> Rows:
    yield ("LIST", "WHAT")
    yield from ((name, about) for name, (_, about) in KINDS.items())


def ls(
    what: str = typer.Argument(
        "",
        help="models, measures, mitigations, attacks, judges, llms, prompts, characters, counts, thresholds, "
        "tables, texts, text-mitigations or runs; without it, what there is to list.",
    ),
) -> None:
    """List what there is to choose from."""
    from copycat.errors import UnknownName

    if what and what not in KINDS:
        raise UnknownName("list", what, KINDS)
    rows = [tuple(r) for r in (KINDS[what][0] if what else _choices)()]
    widths = [max(len(r[i]) for r in rows if i < len(r)) for i in range(max(map(len, rows)))]
    for row in rows:
        typer.echo("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=False)).rstrip())
