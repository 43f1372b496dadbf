"""One study: two runs, and what follows from their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from copycat.attacks.parse import NO_ATTACK
from copycat.mitigations import Composition, parse
from copycat.mitigations.composition import overrides
from copycat.mitigations.erasure.base import Eraser
from copycat.resolve import ResolvedRun, resolve_settings
from copycat.robustness.people import People
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runtime.progress import Progress
from copycat.stages.plan import check, check_offered
from copycat.stages.run import execute
from copycat.subjects.characters import Registry
from copycat.subjects.innocents import KINDS

Kind = Literal["none", "prompt", "sampler", "weights", "picture"]
UNGUARDED = "none"
GUARDS = (
    "negprompt", "rewrite", "sld", "safree", "dng", "uce", "rece", "esd", "spm", "advunlearn", "doco",
)  # fmt: skip
"""One of each kind there is, on the prompt, in the sampler, in the weights."""


@dataclass(frozen=True)
class Study:
    """What was asked for."""

    model: str
    registry: Registry
    people: People
    guards: Sequence[str]
    """Specifications; the unguarded model comes first in any case."""
    attacks: Sequence[str]
    out: Path
    seeds: tuple[int, ...] = (0,)
    prompts: tuple[str, ...] = ("name",)
    settings: dict[str, Any] = field(default_factory=dict)
    """Further settings of both runs: registry, judge, device, steps, the most that each may cost."""

    @cached_property
    def specs(self) -> tuple[str, ...]:
        """All guardrails, the unguarded model first."""
        return tuple(dict.fromkeys((UNGUARDED, *self.guards)))

    @cached_property
    def erasers(self) -> dict[str, str]:
        """Of the guardrails that change the weights, and so other characters too, by their specification:
        what does so, with whom to erase. Their other parts are told who is meant, and act on nobody else."""
        said = ";".join(c.slug for c in self.people.erased)
        return {s: _erasing(s, said) for s in self.specs if kind(parse(s)) == "weights"}

    @cached_property
    def attacked(self) -> ResolvedRun:
        """The erased characters under every guardrail and attack, and neutral prompts where there are any."""
        return self._resolved(
            "attacked",
            [c.slug for c in self.people.erased],
            self.specs,
            attacks=tuple(dict.fromkeys((NO_ATTACK, *self.attacks))),
            also=self._neutral(),
        )

    @cached_property
    def others(self) -> ResolvedRun:
        """Neighbours and unrelated characters, unguarded and with each erasure."""
        specs = (UNGUARDED, *self.erasers.values())
        return self._resolved("others", [c.slug for c in self.people.others], specs)

    def check(self) -> None:
        """Raise a UserError for what either run would lack later."""
        for run in (self.attacked, self.others):
            check_offered(run)
            check(run)

    def plan(self, console: Console, progress: Progress) -> None:
        """Say what would be searched and drawn, and write nothing."""
        for run in (self.attacked, self.others):
            execute(console, run, progress, dry_run=True)

    def run(self, console: Console, progress: Progress) -> tuple[RunData, RunData]:
        """Search, draw and judge what is missing; returns what both runs came to."""
        for run in (self.others, self.attacked):
            execute(console, run, progress)
        attacked, others = (RunFolder(r.folder).open().data() for r in (self.attacked, self.others))
        return attacked, others

    def seconds(self) -> dict[str, float | None]:
        """How long each erasure took, by the guardrail's specification; None where that is not known here,
        since it was made elsewhere."""
        from copycat.mitigations.erasure.delta import read_card

        run = self.attacked
        context = run.context(ask=False)
        edits = {s: run.mitigations[s].bind(context).weight_edits(run.model) for s in self.erasers}
        return {
            s: sum(read_card(e.folder).seconds for e in made)
            if all(e.folder.is_dir() for e in made)
            else None
            for s, made in edits.items()
        }

    def _neutral(self) -> tuple[str, ...]:
        """Neutral prompts, where the registry has any near these characters."""
        return ("neutral",) if KINDS["neutral"](self.registry, list(self.people.erased)) else ()

    def _resolved(
        self, name: str, characters: Sequence[str], mitigations: Sequence[str], **more: Any
    ) -> ResolvedRun:
        return resolve_settings(
            model=self.model,
            characters=tuple(characters),
            mitigations=tuple(mitigations),
            prompts=self.prompts,
            seeds=self.seeds,
            # Another study with some of the same guardrails draws the same pictures.
            cache=True,
            out=self.out / name,
            **self.settings,
            **more,
        )


def kind(made: Composition) -> Kind:
    """Where guardrails act; of several the one that is deepest in the model."""
    if any(isinstance(p, Eraser) for p in made.parts):
        return "weights"
    if any(overrides(p, "denoise", "edit_conditioning", "edit_model") for p in made.parts):
        return "sampler"
    if any(p.judge is not None for p in made.parts):
        return "picture"
    return "prompt" if any(p.name != UNGUARDED for p in made.parts) else "none"


def _erasing(spec: str, characters: str) -> str:
    """The erasers among the parts of `spec`, told to erase `characters`; one that names some itself stays."""
    told = []
    for part, made in zip(spec.split("+"), parse(spec).parts, strict=True):
        if not isinstance(made, Eraser):
            continue
        name, _, options = part.strip().rstrip("]").partition("[")
        if "characters=" not in options:
            options = ",".join(filter(None, [f"characters={characters}", options]))
        told.append(f"{name}[{options}]")
    return "+".join(told)
