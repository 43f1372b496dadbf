"""One committed result: a model under a mitigation on a prompt set, with all that its reader has to know."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field, field_validator, model_validator

from copycat.cards.calibration import without_counts
from copycat.config import RunConfig
from copycat.errors import UserError
from copycat.measures import Measure
from copycat.records import Metric, Row, digest
from copycat.report import price, reproduction
from copycat.report.words import origin_sentence
from copycat.runs.citing import anonymous, noted, reworded
from copycat.runs.data import RunData

VERSION = 1
"""Bumped when the meaning of a field changes."""
# Of an address what comes before the first colon is its scheme; `javascript:` is one too.
_LINK = re.compile(r"https?://\S+|(?!//)[^\s:]+")
_SETTINGS = (
    *("steps", "guidance", "dtype", "images_per_prompt", "batch_size", "height", "width", "frames"),
    "variant",
)
"""Settings that make another measurement, where they are not the model card's."""
_NAMED = ("weights", "model", "mitigation", "prompt_set", "seeds", "oracle", "settings", "submitted_by")
"""Fields that tell one measurement from another, beside the board's."""


class Pictures(Row):
    """Where the pictures are, or why they are not shown; one of the two."""

    link: str = ""
    """An http or https address, or a path relative to the site."""
    withheld: str = ""

    @field_validator("link")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not _LINK.fullmatch(value):
            raise ValueError(f"'{value}' is neither an http address nor a relative path")
        return value

    @model_validator(mode="after")
    def _either(self) -> Pictures:
        if bool(self.link) == bool(self.withheld.strip()):
            raise ValueError("a result says either where its pictures are or why they are withheld")
        return self


class Paid(Row):
    """The price of a guardrail on innocent prompts (`copycat run --also`), over all of them."""

    value: float
    """Loss of CONS_prompt, in [-1, 1]; lower is better."""
    low: float | None
    high: float | None
    """95 % interval for prompts like these; None with one character."""
    fixed_low: float | None
    fixed_high: float | None
    """95 % interval for these very prompts."""
    pairs: int
    """Pairs of pictures with and without the guardrail: the denominator."""


class Entry(Row):
    """One row of the leaderboard, and one line of a results file."""

    version: int = Field(default=VERSION, ge=1, le=VERSION)
    model: str = Field(min_length=1)
    """Card name as the run had it, with its preset; of a folder the last part."""
    weights: str = ""
    """Card name and weights identity."""
    mitigation: str = Field(min_length=1)
    prompt_set: str = Field(min_length=1)
    registry: str = Field(min_length=1)
    registry_version: int
    protected: bool
    """Whether somebody holds rights in the characters."""
    characters: str
    """Digest of the characters that were asked for; results are compared within the same ones only."""
    metrics: tuple[Metric, ...] = Field(min_length=1)
    """Of every measure, with intervals, corrections and denominators."""
    price: Paid | None = None
    """Of the mitigation on innocent prompts; None where none were drawn, and in earlier results."""
    seeds: tuple[int, ...]
    oracle: bool = True
    """Whether mitigations were told which character was meant."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Those of sampling that were not the model card's."""
    judge: str = Field(min_length=1)
    """Card name and weights identity."""
    calibration: dict[str, Any] | None
    """Measured error rates of the judge; None when it was not calibrated."""
    commit: str | None
    dirty: bool | None
    """Whether the code had local changes."""
    copycat: str = ""
    packages: dict[str, str] = Field(default_factory=dict)
    command: str
    """Makes the run again; empty for pictures that were made elsewhere."""
    notes: tuple[str, ...] = ()
    """What the run says of this row, such as prompts that the model does not read to their end."""
    origin: str = ""
    """Where imported or pulled pictures come from."""
    hardware: str
    date: str
    """When the run was finished, ISO 8601 in UTC."""
    submitted_by: str = Field(min_length=1, max_length=80)
    pictures: Pictures

    @property
    def key(self) -> str:
        """What was measured and by whom; a later entry with the same key takes an earlier one's place."""
        return digest([self.board, *(self.model_dump(mode="json", include={n}) for n in _NAMED)])

    @property
    def configuration(self) -> str:
        """The same whatever the weights were at the time: of entries that share it, a newer one is shown and
        the older ones are behind a switch."""
        named = (n for n in _NAMED if n != "weights")
        return digest([self.board, *(self.model_dump(mode="json", include={n}) for n in named)])

    @property
    def board(self) -> tuple[str, int, str, str]:
        """What has to be equal for two entries to be set side by side: characters and judge."""
        return self.registry, self.registry_version, self.characters, self.judge

    def metric(self, measure: Measure) -> Metric | None:
        """One number, where it was measured."""
        return next((m for m in self.metrics if m.metric == measure.name), None)


def entries(run: RunData, *, by: str, pictures: Pictures) -> list[Entry]:
    """The entries of a finished run, one a mitigation and prompt set. Of raters that the judge was measured
    against they name nobody, nor a file of labels.

    Raises UserError for a run that is not finished, or was not judged and scored.
    """
    manifest, config, registry = run.manifest, run.manifest.config, run.registry
    if not manifest.judge or not run.metrics:
        raise UserError(f"{run.path} has no numbers yet; run `copycat judge` and `copycat score` first.")
    if manifest.status != "complete":
        raise UserError(f"{run.path} is not finished; the same `copycat run` again finishes it.")
    paid, rates = price.prices(run), anonymous(run.rates)
    changes = reworded(run.rates or {}, rates or {})
    asked: dict[str, set[str]] = {}
    for r in run.requests:
        asked.setdefault(r.prompt_set, set()).add(r.character)
    common: dict[str, Any] = {
        "model": run.model,
        "weights": manifest.model,
        "registry": registry.name,
        "registry_version": registry.version,
        "protected": registry.protected,
        "seeds": config.seeds,
        "oracle": config.oracle,
        "settings": _settings(config),
        "judge": manifest.judge,
        "calibration": without_counts(rates),
        "commit": manifest.git_commit,
        "dirty": manifest.git_dirty,
        "copycat": manifest.copycat,
        "packages": manifest.packages,
        "command": "" if reproduction.imported(manifest) else reproduction.command(config),
        "origin": origin_sentence(manifest.origin),
        "hardware": reproduction.machine(manifest),
        "date": manifest.finished or manifest.created,
        "submitted_by": by.strip(),
        "pictures": pictures,
    }
    return [
        Entry(
            mitigation=mitigation,
            prompt_set=prompt_set,
            characters=digest(sorted(asked.get(prompt_set, ()))),
            notes=tuple(n for n in manifest.notes if f"prompts of {mitigation} on {prompt_set} " in n),
            price=_paid(price.headline(paid, mitigation)),
            metrics=tuple(
                noted(m, changes)
                for m in run.metrics
                if (m.mitigation, m.prompt_set) == (mitigation, prompt_set)
            ),
            **common,
        )
        for mitigation, prompt_set in run.groups
    ]


def _paid(found: price.Price | None) -> Paid | None:
    return Paid(**{n: getattr(found, n) for n in Paid.model_fields}) if found else None


def _settings(config: RunConfig) -> dict[str, Any]:
    chosen = {k: getattr(config, k) for k in _SETTINGS}
    return {k: v for k, v in chosen.items() if v is not None and (k, v) != ("images_per_prompt", 1)}
