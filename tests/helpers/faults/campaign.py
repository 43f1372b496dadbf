"""Disturbs commands, takes them up again undisturbed, and compares with folders that were never disturbed."""

from __future__ import annotations

import io
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path

from copycat.runs.folder import RunFolder
from copycat.stages.verify import verify
from tests.helpers.faults import bits, disks
from tests.helpers.faults.child import Child, start
from tests.helpers.faults.scenarios import DATASET, RUN, STAGES, Scenario, remember_plots, scenarios
from tests.helpers.faults.shocks import FAULTS, ON_DISK
from tests.helpers.faults.world import World


@dataclass(frozen=True)
class Trial:
    """One disturbed command that was taken up again."""

    scenario: Scenario
    fault: str
    hit: bool
    kills: int
    problem: str
    """What was not as it should be; empty where the folder holds what it would hold undisturbed."""
    seconds: float


class Campaign:
    """Trials in one folder, drawn from one seed."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.rng = world, random.Random(seed)
        self._spent = 0
        self.scenarios: Sequence[Scenario] = scenarios(world.tiny, world.hosted, world.menagerie)
        self._seconds: dict[str, dict[str, float]] = {"verbs": {}}
        """How long each stage lasts undisturbed, by model; of verbs by themselves."""

    def reference(self, scenario: Scenario) -> Path:
        """The folders that the scenario's command leaves undisturbed, made when they are first asked for."""
        path = self.world.reference(scenario.reference)
        if scenario.reference not in self._seconds:
            path.mkdir(parents=True)
            command = next(
                s for s in self.scenarios if s.reference == scenario.reference and s.arguments[0] == "run"
            )
            child = self.start(command, path)
            self._finished(child)
            times = [*(child.stages[s] for s in STAGES), time.monotonic()]
            lasting = {s: b - a for s, a, b in zip(STAGES, times, times[1:], strict=False)}
            self._seconds[scenario.reference] = lasting
        if scenario.arguments[0] != "run" and scenario.stage not in self._seconds["verbs"]:
            if DATASET in scenario.needs:
                self.reference(next(s for s in self.scenarios if s.writes == DATASET))
            began = time.monotonic()
            self._finished(self.start(scenario, path))
            self._seconds["verbs"][scenario.stage] = time.monotonic() - began
        return path

    def moment(self, scenario: Scenario) -> float:
        """Some moment within the disturbed stage, in seconds after its beginning."""
        self.reference(scenario)
        return self.rng.uniform(0, self._lasting(scenario)[scenario.stage])

    def learn(self, scenario: Scenario, seconds: float) -> None:
        """Know that a command, from the beginning of the disturbed stage on, lasts no longer than this."""
        lasting = self._lasting(scenario)
        lasting[scenario.stage] = min(lasting[scenario.stage], seconds)

    def _lasting(self, scenario: Scenario) -> dict[str, float]:
        return self._seconds[scenario.reference if scenario.arguments[0] == "run" else "verbs"]

    def trial(self, scenario: Scenario, fault: str) -> Trial:
        """Disturb `scenario` by `fault`, take it up again, and look at what is there."""
        began = time.monotonic()
        reference = self.reference(scenario)
        self._spent += 1
        place = self.world.folder / f"trial-{self._spent}"
        place.mkdir()
        with _disk_if(fault in ON_DISK, place / "disk") as folder:
            shaken = FAULTS[fault](self, scenario, folder)
            problem = shaken.problem or self._taken_up(scenario, folder, reference)
            if problem:
                shutil.copytree(folder, place / "kept", dirs_exist_ok=True, symlinks=True)
        if not problem:
            shutil.rmtree(place)
        seconds = time.monotonic() - began
        where = f" ({place})" if problem else ""
        return Trial(scenario, fault, shaken.hit, shaken.kills, problem + where, seconds)

    def start(self, scenario: Scenario, folder: Path, disturb: Callable[[], None] | None = None) -> Child:
        """Begin the scenario's command in `folder`, in a process that `disturb` has changed before."""

        def both() -> None:
            scenario.disturb()
            if disturb:
                disturb()

        log = self.world.folder / "log.txt"
        log.unlink(missing_ok=True)
        return start(scenario.work, log, folder=folder, marks=scenario.marks, disturb=both)

    @staticmethod
    def _finished(child: Child) -> None:
        if child.wait() != 0:
            raise RuntimeError(f"An undisturbed command ended with {child.code}: {child.log.read_text()}")

    def _taken_up(self, scenario: Scenario, folder: Path, reference: Path) -> str:
        """What is wrong after the same command again; empty for nothing."""
        child = self.start(scenario, folder)
        if child.wait() != 0:
            return f"taken up again it ended with {child.code}: {child.log.read_text()[-600:]}"
        if found := bits.difference(scenario.bits(folder), scenario.bits(reference)):
            return f"taken up again it differs: {found}"
        for path in scenario.runs(folder):
            if faults := verify(RunFolder(path)).faults:
                return f"taken up again {path.name} is not sound: {faults[0].line}"
        return ""


def warm(campaign: Campaign, wanted: Sequence[Scenario]) -> int:
    """Run each command of `wanted`, and what it needs, once in this process, so that its forks need import
    nothing; returns how many threads it has then."""
    remember_plots()
    place, here = campaign.world.folder / "warm", Path.cwd()
    place.mkdir()
    os.chdir(place)
    done = set[tuple[str, ...]]()
    quiet = io.StringIO()
    needed = {s.writes for w in wanted for s in campaign.scenarios if s.writes in w.needs}
    try:
        for scenario in campaign.scenarios:
            arguments = tuple(scenario.arguments)
            if arguments in done or "--workers" in arguments:
                continue
            if scenario not in wanted and scenario.writes not in needed - {RUN} and arguments[0] != "run":
                continue
            if arguments[0] == "run" and scenario.reference not in {w.reference for w in wanted}:
                continue
            done.add(arguments)
            if arguments[0] == "run":
                shutil.rmtree(place / RUN, ignore_errors=True)
            with redirect_stdout(quiet), redirect_stderr(quiet), suppress(SystemExit):
                scenario.work()
    finally:
        os.chdir(here)
    shutil.rmtree(place)
    return len(list(Path("/proc/self/task").iterdir()))


@contextmanager
def _disk_if(wanted: bool, place: Path) -> Iterator[Path]:
    place.mkdir()
    if not wanted:
        yield place
        return
    with disks.disk(place):
        yield place
