"""The commands that are disturbed: every stage, by every engine."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.helpers.faults import bits
from tests.helpers.faults.child import Disturbance, forked_workers

STAGES = ("plan", "generate", "judge", "score", "report")
"""Those of `copycat run`, in their order."""
RUN, DATASET, PULLED, COMPARED = "run", "dataset", "pulled", "compared"
"""Names of the folders that commands write."""


def remember_plots() -> None:
    """Have each plot drawn once in this process and its forks: drawing is most of what a small run takes."""
    from copycat.report import pareto

    drawn: dict[str, bytes] = {}
    real = pareto.picture

    def picture(*told: Any, **more: Any) -> bytes:
        key = repr((told, sorted(more.items())))
        if key not in drawn:
            drawn[key] = real(*told, **more)
        return drawn[key]

    pareto.picture = picture


def copycat(*arguments: str) -> Callable[[], None]:
    """The program with these arguments, as a shell would start it."""

    def work() -> None:
        from copycat.cli.main import main

        sys.argv = ["copycat", *arguments]
        main()

    return work


@dataclass(frozen=True)
class Scenario:
    """One command, disturbed in one of its stages."""

    stage: str
    engine: str
    arguments: Sequence[str]
    """Of the command, in the folder where it works."""
    writes: str = RUN
    """Name of the folder that it writes."""
    needs: Sequence[str] = ()
    """Folders that must be there already, of the reference."""
    disturb: Disturbance = field(default=lambda: None)
    reference: str = "tiny"
    """Which world's folders are the reference."""

    @property
    def title(self) -> str:
        return f"{self.stage}, {self.engine}"

    @property
    def marks(self) -> Sequence[tuple[Any, str]]:
        """Functions whose beginning is told: the stages of `copycat run`."""
        if self.arguments[0] != "run":
            return ()
        from copycat.stages import run

        return [(run, name) for name in STAGES]

    @property
    def begins(self) -> str:
        """The mark at which the disturbed stage begins."""
        return self.stage if self.arguments[0] == "run" else "start"

    @property
    def work(self) -> Callable[[], None]:
        return copycat(*self.arguments)

    def prepare(self, folder: Path, reference: Path) -> None:
        """Put what the command needs into `folder`."""
        for name in self.needs:
            shutil.copytree(reference / name, folder / name, symlinks=True)

    def bits(self, folder: Path) -> bits.Bits:
        """What the command wrote, as far as it must be the same each time."""
        path = folder / self.writes
        return bits.of_run(path) if self.writes in (RUN, PULLED) else bits.of_tree(path)

    def runs(self, folder: Path) -> Sequence[Path]:
        """The run folders that must be sound afterwards."""
        return [folder / n for n in dict.fromkeys((*self.needs, self.writes)) if n in (RUN, PULLED)]


def scenarios(run: Sequence[str], hosted: Sequence[str], menagerie: Sequence[str]) -> list[Scenario]:
    """All of them; the arguments are those of `copycat run` for a tiny, a hosted and the shipped model."""
    in_process, two = "in process", "two workers"
    right = "--i-have-the-right-to-publish-these"
    publish = ("publish", RUN, "--to", DATASET, "--images", right)
    return [
        *(Scenario(stage, in_process, run) for stage in STAGES),
        *(
            Scenario(stage, two, [*run, "--workers", "2"], disturb=forked_workers)
            for stage in ("generate", "judge")
        ),
        *(Scenario(stage, "hosted", hosted, reference="hosted") for stage in ("plan", "generate", "judge")),
        *(Scenario(stage, "menagerie", menagerie, reference="menagerie") for stage in ("generate", "judge")),
        Scenario("score", "its verb", ("score", RUN), needs=[RUN]),
        Scenario("report", "its verb", ("report", RUN), needs=[RUN]),
        Scenario("verify", "its verb", ("verify", RUN), needs=[RUN]),
        Scenario("publish", "its verb", publish, DATASET, needs=[RUN]),
        Scenario("pull", "its verb", ("pull", DATASET, "--to", PULLED), PULLED, needs=[DATASET]),
        Scenario("compare", "its verb", ("compare", RUN, "--out", COMPARED), COMPARED, needs=[RUN]),
    ]
