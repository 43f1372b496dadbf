"""Every prompt that a study asks, made before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from copycat.errors import UserError
from copycat.records import digest
from copycat.verbatim.text.documents import Corpus, Skipped
from copycat.verbatim.text.mitigations.composition import NONE
from copycat.verbatim.text.openings import Opening
from copycat.verbatim.text.prompts import Prompting, Translator, Unaskable, load_prompting
from copycat.verbatim.text.rows import Asked, Role, sampler_seed
from copycat.verbatim.text.settings import Settings


@dataclass(frozen=True)
class Plan:
    """The prompts of a study in their order."""

    asked: tuple[Asked, ...]
    promptings: Mapping[str, Prompting]
    unaskable: tuple[Skipped, ...] = ()
    """Openings of which no prompt could be made."""

    def left_out(self, settings: Settings) -> dict[tuple[str, int], int]:
        """Of each kind and length how many of the documents have no prompt, being too short or no code; only
        those of which there are any."""
        every = {d.id for d in settings.documents}
        shown: dict[tuple[str, int], set[str]] = {}
        for a in self.asked:
            shown.setdefault((a.prompts, a.length), set()).add(a.document)
        wanted = [(k.name, n) for k in self.promptings.values() for n in _lengths(settings, k)]
        missing = {key: len(every - shown.get(key, set())) for key in wanted}
        return {key: n for key, n in missing.items() if n}


def make_plan(settings: Settings, model: str, translate: Translator | None) -> Plan:
    """The prompts for the model of that identity. Documents that are too short for a length are left out at
    that length. Raises UserError where nothing is left to be asked."""
    kinds = {name: load_prompting(name, translate) for name in settings.prompts}
    roles: tuple[tuple[Role, Corpus], ...] = (
        ("protected", settings.protected),
        ("benign", settings.others),
    )
    guarded = digest([d.id for d in settings.protected.documents])
    rows: list[Asked] = []
    unaskable: list[Skipped] = []
    for role, corpus in roles:
        for kind in kinds.values():
            for opening in _openings(settings, corpus, kind):
                try:
                    rows += _asked(settings, model, role, kind, opening, guarded)
                except Unaskable as e:
                    unaskable.append(Skipped(f"{opening.title}, {kind.name} {opening.length}", str(e)))
    if unaskable and not rows:
        first = unaskable[0]
        raise UserError(f"No prompt could be made of any document ({first.where}: {first.why}).")
    if not rows:
        raise UserError(
            "None of the documents suits these prompts: a prompt of each --lengths must have 50 words of its "
            "document behind it, and prompts of the kind lines are for code (.py, .c and so on)."
        )
    return Plan(tuple(rows), kinds, tuple(unaskable))


def _lengths(settings: Settings, kind: Prompting) -> tuple[int, ...]:
    return settings.lines if kind.unit == "lines" else settings.lengths


def _openings(settings: Settings, corpus: Corpus, kind: Prompting) -> Iterator[Opening]:
    for length in _lengths(settings, kind):
        for document in corpus.documents:
            yield from kind.openings(document, length, settings.openings)


def _asked(
    settings: Settings, model: str, role: Role, kind: Prompting, opening: Opening, guarded: str
) -> Iterator[Asked]:
    document = opening.document
    prompt = kind.prompt(opening)
    for spec in settings.mitigations:
        for sample in range(settings.samples):
            yield Asked(
                model=model,
                role=role,
                document=document.id,
                title=document.title,
                group=document.group,
                kind=document.kind,
                prompts=kind.name,
                instructs=kind.instructs,
                length=opening.length,
                begin=opening.begin,
                end=opening.end,
                behind=len(document.tokens) - opening.end,
                mitigation=spec,
                guarded="" if spec == NONE else guarded,
                sample=sample,
                seed=sampler_seed(
                    settings.seed, document.id, kind.name, opening.length, opening.begin, sample
                ),
                temperature=settings.temperature,
                max_tokens=settings.max_tokens,
                prompt=prompt,
            ).with_id()
