"""Running a study: what is not yet written is, and every text is on disk before the next batch begins."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from copycat.cards.llms import load_llm_card
from copycat.cards.metering import check_capped
from copycat.cards.prices import tariff
from copycat.errors import Unasked, UserError
from copycat.io.atomic import locked, write_text
from copycat.io.documents import parse_json
from copycat.io.journal import Journal
from copycat.io.jsonl import write_lines
from copycat.io.ledger import Ledger, Spent
from copycat.io.paths import ROOT
from copycat.io.version import __version__
from copycat.llms.base import CATALOG as CHATS
from copycat.report.files import check_free
from copycat.runtime import environment
from copycat.runtime.concurrent import Concurrent
from copycat.runtime.device import resolve_device
from copycat.runtime.engines import Engine, InProcess
from copycat.runtime.progress import Progress
from copycat.stages.failing import Failing
from copycat.verbatim.text.guards import Guards
from copycat.verbatim.text.plan import Plan, make_plan
from copycat.verbatim.text.prompts import Translator
from copycat.verbatim.text.rows import Asked, Written
from copycat.verbatim.text.rungs import LADDER
from copycat.verbatim.text.scores import Scorer
from copycat.verbatim.text.settings import Settings
from copycat.verbatim.text.sharing import Sharing, is_open
from copycat.verbatim.text.translator import Translation
from copycat.verbatim.text.writers import Draft, open_writer
from copycat.verbatim.text.writers.hosted import message

PROMPTS, OUTPUTS, LEDGER, MANIFEST = "prompts.jsonl", "outputs.jsonl", "ledger.jsonl", "manifest.json"
TABLE, SCORES, PAGE, PICTURE = "verbatim.csv", "scores.csv", "verbatim.html", "verbatim.png"
GUARDS = "mitigations.csv"
FILES = (
    *(PROMPTS, OUTPUTS, LEDGER, MANIFEST, TABLE, SCORES, GUARDS, PAGE, PICTURE),
    *(".lock", f".{LEDGER}.lock"),
)
_GRACE = 60.0
Batch = tuple[Asked, ...]


@dataclass(frozen=True)
class Ran:
    """What there is of a study in the end."""

    plan: Plan
    written: dict[str, Written]
    """By the prompt's identity; those that were never answered are missing."""
    model: str
    facts: dict[str, dict[str, float]] = field(default_factory=dict)
    """Of each mitigation what is known of what it holds."""
    spent: Spent = field(default_factory=Spent)


class Study:
    """One study in a folder; running it again resumes."""

    def __init__(
        self, settings: Settings, out: Path, *, device: str = "auto", max_cost: float | None = None
    ) -> None:
        self.settings, self.out, self._device, self.max_cost = settings, out, device, max_cost
        check_free(out, FILES, "study of texts")
        self.settings.card.check_served(f"The language model {settings.card.name}")

    @cached_property
    def device(self) -> str:
        """Where a model that runs here runs."""
        if self.settings.card.api is not None:
            return "cpu"
        return resolve_device(self._device, self.settings.card.name, self.settings.card.min_gpu_gb)

    def plan(self, translate: Translator | None = None) -> Plan:
        """All prompts; `translate` as the kinds of prompts need it. Nothing is written."""
        return make_plan(self.settings, self.settings.card.identity(), translate)

    def plan_unasked(self) -> tuple[Plan, int]:
        """The plan as far as it is known while nobody is asked, and how many passages are yet to be
        translated. Each stands in its prompt as it is, which costs about as much."""
        missing: set[tuple[str, str]] = set()
        with Translation(self.settings.translator, self._device, ledger=None) as translator:

            def translate(text: str, language: str) -> str:
                try:
                    return translator.translate(text, language)
                except Unasked:
                    missing.add((text, language))
                    return text

            return self.plan(translate), len(missing)

    def estimate(self, plan: Plan) -> float | None:
        """The most dollars that the prompts which are still open can cost; None where no bound is known."""
        card = self.settings.card
        if card.api is None:
            return 0.0
        known, kind = tariff(card), CHATS.get(card.kind)
        asked = self._sharing(plan).missing(self._outputs())
        costs = [known.most(kind.call(card, [message(a)])) for a in asked]
        return None if any(c is None for c in costs) else sum(c for c in costs if c is not None)

    @property
    def pays_translator(self) -> bool:
        """Whether whoever translates prompts, and answers back, asks for money."""
        name = self.settings.translator
        return bool(name) and load_llm_card(name).api is not None

    def open_prompts(self, plan: Plan) -> int:
        """How many of the plan's prompts have no answer yet."""
        known = self._outputs()
        return sum(is_open(a, known) for a in plan.asked)

    def run(self, progress: Progress) -> Ran:
        """Write what is missing; raises a UserError where the model cannot be used, with all that is finished
        kept."""
        self._check_affordable()
        self.out.mkdir(parents=True, exist_ok=True)
        with locked(self.out / ".lock", f"Another process is at work in {self.out}; wait until it is done."):
            ledger = Ledger(self.out / LEDGER, self.max_cost)
            with Translation(self.settings.translator, self._device, ledger) as translator:
                plan = self.plan(translator.translate if self.settings.translator else None)
                write_lines(self.out / PROMPTS, plan.asked)
                journal = Journal(self.out / OUTPUTS, Written)
                facts = self._write(plan, journal, ledger, progress)
            ran = Ran(
                plan, self._of_plan(plan, journal), self.settings.card.identity(), facts, ledger.spent()
            )
            write_text(self.out / MANIFEST, json.dumps(self._manifest(ran), indent=1) + "\n")
        return ran

    def _check_affordable(self) -> None:
        card = self.settings.card
        if card.api is not None and self.max_cost is not None:
            first = self.plan(lambda text, _: text).asked[0]
            kind = CHATS.get(card.kind)
            check_capped(
                card,
                kind,
                f"The language model {card.name}",
                self.max_cost,
                kind.call(card, [message(first)]),
            )

    def _write(
        self, plan: Plan, journal: Journal[Written], ledger: Ledger, progress: Progress
    ) -> dict[str, dict[str, float]]:
        known = self._of_plan(plan, journal)
        sharing = self._sharing(plan)
        guards = Guards(self.settings)
        scorer = Scorer(self.settings.documents, plan.promptings)
        answered = any(w.outcome != "error" for w in known.values())
        failing = Failing(self.settings.card.name, "texts", answered=answered)

        def rows_of(first: Asked, draft: Draft) -> list[Written]:
            mine = [a for a in sharing.groups[first.id] if is_open(a, known)]
            return [self._reviewed(plan, scorer, guards, a, draft) for a in mine]

        # What is written already, and only a mitigation or the translator has not yet seen.
        kept = [(first, draft) for first in sharing.written if (draft := sharing.kept(first, known))]
        journal.append([row for first, draft in kept for row in rows_of(first, draft)])
        batches = self._batches(sharing, known)
        if not batches:
            return self._known_facts() | guards.facts
        progress.start("write", sum(map(len, batches)))

        @contextmanager
        def opened(device: str) -> Iterator[Callable[[Batch], list[Draft]]]:
            with open_writer(self.settings.card, device) as writer:
                writer.charge(ledger)
                yield lambda batch: writer.write(batch, guards.blocks(batch[0].mitigation, writer))

        def done(results: Sequence[tuple[Batch, list[Draft]]]) -> None:
            drawn = [pair for batch, drafts in results for pair in zip(batch, drafts, strict=True)]
            made = [rows for asked, draft in drawn if (rows := rows_of(asked, draft))]
            journal.append([row for rows in made for row in rows])
            progress.advance(len(drawn))
            # One text counts once, however many prompts it answers.
            for first, *_ in made:
                failing.add(first.reason if first.outcome == "error" else None)
            failing.check()

        try:
            self._engine().map(batches, opened, done)
        finally:
            progress.done()
        failing.check_all()
        return self._known_facts() | guards.facts

    def _engine(self) -> Engine:
        card = self.settings.card
        return InProcess(self.device) if card.api is None else Concurrent("cpu", card.at_a_time, _GRACE)

    def _sharing(self, plan: Plan) -> Sharing:
        return Sharing(plan.asked, self.settings.composed)

    def _batches(self, sharing: Sharing, known: dict[str, Written]) -> list[Batch]:
        """Those in which something is missing. They follow from the plan alone, so that a text is written
        beside the same others whenever it is."""
        size = 1 if self.settings.card.api is not None else self.settings.card.batch_size
        found = []
        written = sharing.written
        for spec in dict.fromkeys(a.mitigation for a in written):
            # Prompts of about one length together, so that little is padding; and the same ones under every
            # mitigation, so that rounding makes no difference between them.
            mine = sorted(
                (a for a in written if a.mitigation == spec),
                key=lambda a: (len(a.prompt), *a.place, a.sample),
            )
            found += [tuple(mine[i : i + size]) for i in range(0, len(mine), size)]
        missing = {a.id for a in sharing.missing(known)}
        return [batch for batch in found if any(a.id in missing for a in batch)]

    def _reviewed(self, plan: Plan, scorer: Scorer, guards: Guards, asked: Asked, draft: Draft) -> Written:
        row = Written(
            asked=asked.id,
            outcome=draft.outcome,
            text=draft.text,
            reason=draft.reason,
            tokens=draft.tokens,
            most=draft.most,
            held=draft.held,
            surprise=draft.surprise,
            seconds=None if draft.seconds is None else round(draft.seconds, 4),
        )
        if row.outcome == "refused" and row.text and scorer.run(asked, row).length >= LADDER[0].words:
            # “I cannot …” may be how the work goes on.
            row = row.model_copy(update={"outcome": "ok", "reason": ""})
        if row.outcome != "ok":
            return row
        why, took = guards.review(asked.mitigation, row.text)
        row = row.model_copy(update={"review_seconds": round(took, 4)})
        if why:
            return row.model_copy(update={"outcome": "withheld", "reason": why})
        try:
            restored = plan.promptings[asked.prompts].restored(row.text)
        except UserError as e:
            # The text is kept: it is paid for, and only its translation is tried again.
            why = f"it could not be translated back ({e})"
            return row.model_copy(update={"outcome": "error", "reason": why})
        return row if restored == row.text else row.model_copy(update={"restored": restored})

    def _outputs(self) -> dict[str, Written]:
        return {w.asked: w for w in Journal(self.out / OUTPUTS, Written).rows()}

    def _of_plan(self, plan: Plan, journal: Journal[Written]) -> dict[str, Written]:
        """By prompt, the last row counts: what failed is tried again."""
        mine = {a.id for a in plan.asked}
        return {w.asked: w for w in journal.rows() if w.asked in mine}

    def _known_facts(self) -> dict[str, dict[str, float]]:
        path = self.out / MANIFEST
        if not path.exists():
            return {}
        try:
            facts = parse_json(path.read_text(encoding="utf-8"))["facts"]
        except (ValueError, KeyError, TypeError):
            return {}  # edited by hand; it is written anew
        return {spec: facts[spec] for spec in self.settings.mitigations if spec in facts}

    def _manifest(self, ran: Ran) -> dict[str, Any]:
        s = self.settings
        return {
            "copycat": __version__,
            "model": ran.model,
            "corpora": list(s.corpora),
            "benign": list(s.benign),
            "prompts": list(s.prompts),
            "mitigations": list(s.mitigations),
            "samples": s.samples,
            "temperature": s.card.temperature,
            "max_tokens": s.max_tokens,
            "seed": s.seed,
            "translator": s.translator,
            "asked": len(ran.plan.asked),
            "answered": len(ran.written),
            "skipped": [
                f"{k.where}: {k.why}" for k in (*s.protected.skipped, *s.others.skipped, *ran.plan.unaskable)
            ],
            "facts": ran.facts,
            "commit": environment.git_state(ROOT)[0],
            "packages": environment.packages() | {name: version(name) for name in ("nltk", "rapidfuzz")},
            "hardware": environment.hardware(),
        }
