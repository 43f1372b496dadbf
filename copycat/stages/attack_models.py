"""What searches have in memory; a part of attacking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from copycat.attacks import Attacked
from copycat.cards.hooks import variant_identity
from copycat.generators.base import Generator, ModelVariant
from copycat.io.ledger import Ledger
from copycat.io.lifecycle import free_memory
from copycat.resolve import ResolvedRun
from copycat.runtime.device import resolve_device
from copycat.stages.detecting import Detecting
from copycat.stages.engine import first_device
from copycat.stages.review import Reviewer


class AttackModels:
    """The model with one set of weights, the same as it is published, and judges. Each is loaded when it is
    first asked for."""

    def __init__(self, run: ResolvedRun, attacked: Mapping[str, Attacked], ledger: Ledger | None) -> None:
        self._run, self._ledger = run, ledger
        card, wanted = run.card, first_device(run.config.device, run.config)
        self._device = (
            "cpu" if card.api else resolve_device(wanted, card.title, card.min_gpu_gb, card.lighter())
        )
        self._guarded: Generator | None = None
        self._variant = ""
        self._plain: Generator | None = None
        self._judges: dict[str, Detecting] = {}
        self.reviewer = Reviewer(run, self._device, lambda spec: attacked[spec], ledger)

    def guarded(self, attacked: Attacked) -> Generator:
        """The model with the guardrails' weights."""
        edits = attacked.weight_edits(self._run.model)
        variant = variant_identity(edits)
        if not variant and self._plain is not None:
            return self._plain
        if self._guarded is None or variant != self._variant:
            if self._guarded is not None:
                self._guarded.close()
            self._guarded, self._variant = self._load(edits), variant
        return self._guarded

    def original(self) -> Generator:
        """The model with its own weights."""
        if self._guarded is not None and not self._variant:
            return self._guarded
        if self._plain is None:
            self._plain = self._load(())
        return self._plain

    def judge(self, name: str) -> Detecting:
        """The judge called `name`."""
        if name not in self._judges:
            self._judges[name] = Detecting(self._run, name, self._ledger)
        return self._judges[name]

    def close(self) -> None:
        """Let go of all of them."""
        for held in (self._guarded, self._plain, self.reviewer, *self._judges.values()):
            if held is not None:
                held.close()
        free_memory()

    def _load(self, edits: Sequence[Any]) -> Generator:
        generator = ModelVariant(self._run.card, tuple(edits)).load(self._device)
        if self._ledger is not None:
            generator.charge(self._ledger)
        return generator
