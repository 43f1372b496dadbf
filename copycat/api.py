"""The Python interface: a run as one call, and its results as tables of pandas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from html import escape
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from copycat.attacks import Attack
from copycat.config import RunConfig
from copycat.errors import UserError
from copycat.generators.base import Generator
from copycat.io.paths import expand
from copycat.judges.base import Judge
from copycat.measures import Measure
from copycat.mitigations import Mitigation
from copycat.report import words
from copycat.resolve import resolve_settings
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runs.spending import ledger_of
from copycat.runtime.progress import for_stream
from copycat.stages.plan import check, plan, prepare
from copycat.stages.run import announce, complete
from copycat.subjects.characters import Character

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Attack",
    "Character",
    "Generator",
    "Judge",
    "Measure",
    "Mitigation",
    "Run",
    "RunConfig",
    "load_run",
    "run",
]
_LISTS = ("mitigations", "attacks", "prompts", "characters", "measures", "devices")


class Run:
    """One run's results. A notebook shows it as a table."""

    def __init__(self, data: RunData) -> None:
        self.data = data
        """The rows themselves, typed."""

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.data.path

    @property
    def report(self) -> Path:
        """The page with every picture."""
        return RunFolder(self.path).page_path

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """One line a measure, mitigation and prompt set: value, 95 % intervals (`low` and `high` for
        characters like these, `fixed_low` and `fixed_high` for these characters), `value` over all that was
        asked for (`all_low` to `all_high`) and denominators."""
        return _frame(m.model_dump() for m in self.data.metrics)

    @cached_property
    def pictures(self) -> pd.DataFrame:
        """One line a picture or video planned, with what became of it and its value for each measure.

        The index is the request's identity; `path` is where the picture lies, and a measure's column is empty
        where there is no answer.
        """
        seen = {m.name: self.data.observations(m) for m in self.data.measures}

        def line(request: Any) -> Mapping[str, Any]:
            image = self.data.images.get(request.id)
            values = {name: o.value if (o := found.get(request.id)) else None for name, found in seen.items()}
            told = request.model_dump(exclude={"sampling", "provenance", "content"})
            outcome = image.outcome if image else "pending"
            path = self.path / image.file if image and image.file else None
            return {**told, "outcome": outcome, "path": path, **values}

        return _frame(map(line, self.data.requests), index="id")

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """One line a judge and question, with the answer's fields in columns of their own."""

        def line(row: BaseModel) -> Mapping[str, Any]:
            told = row.model_dump()
            answer = told.pop("answer")
            return {**told, **answer}

        return _frame(map(line, self.data.verdicts))

    def __repr__(self) -> str:
        config = self.data.manifest.config
        return f"<copycat run {self.path}: {config.model}, {len(self.data.requests)} pictures>"

    def _repr_html_(self) -> str:
        shown = _frame(
            {
                "metric": m.metric,
                "mitigation": m.mitigation,
                "prompts": m.prompt_set,
                "mean ± SD": words.estimate(m),
                f"95 %, {words.FIXED}": words.fixed_interval(m),
                f"95 %, {words.POPULATION}": words.population_interval(m),
                "of all asked for": words.of_all(m),
                "scored / planned": f"{m.scored} / {m.images}",
            }
            for m in self.data.metrics
        )
        table = shown.to_html(index=False, border=0)
        return f"<p><b>{escape(str(self.path))}</b></p>{table}"


def run(model: str = "menagerie", *, quiet: bool = False, **settings: Any) -> Run:
    """Draw, judge, score and report; the same call again resumes, or returns at once what is finished.

    `settings` are those of :class:`copycat.RunConfig`: mitigations, prompts, seeds, characters, limit, judge,
    device, out and so on; a single name may stand for a list of one, and a number N of seeds for 0 … N−1.
    With `attacks` every mitigation is run under each of them, of which `none` leaves it as it is.
    Progress is shown on the terminal or in the notebook unless `quiet`. Raises UserError for a setting that
    cannot be met; what is finished by then is kept.
    """
    made = resolve_settings(model=model, **{k: _plain(k, v) for k, v in settings.items()})
    check(made)
    if not quiet:
        announce(made)
    progress = for_stream(quiet=quiet)
    ledger = ledger_of(RunFolder(made.folder), made.config.max_cost)
    folder = prepare(made, plan(made, progress=progress, ledger=ledger))
    return Run(complete(folder, made, progress))


def load_run(path: str | Path) -> Run:
    """The run in the folder `path`. Raises BadFile for a folder that is none."""
    return Run(RunFolder(expand(path)).open().data())


def _plain(key: str, value: Any) -> Any:
    """A setting as RunConfig takes it."""
    if key == "seeds" and isinstance(value, Integral):
        if value < 1:
            raise UserError(f"Setting seeds: at least one seed is needed (given: {value}).")
        return tuple(range(int(value)))
    if key in _LISTS and isinstance(value, str):
        return (value,)
    listed = key in (*_LISTS, "seeds") and isinstance(value, Iterable)
    return tuple(value) if listed else value


def _frame(rows: Iterable[Mapping[str, Any]], index: str | None = None) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(list(rows))
    return frame.set_index(index) if index and index in frame else frame
