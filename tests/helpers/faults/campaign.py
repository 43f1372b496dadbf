"""Disturbs commands, takes them up again undisturbed, and compares with folders that were never disturbed."""

from __future__ import annotations

import io
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from copycat.runs.folder import RunFolder
from copycat.stages.verify import verify
from tests.helpers.faults import bits, clock, disks
from tests.helpers.faults.child import Child, start
from tests.helpers.faults.scenarios import DATASET, RUN, STAGES, Scenario, remember_plots, scenarios
from tests.helpers.faults.world import World

KILLS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
STOPPED = 130
"""Exit code after Ctrl-C."""
Shock = Callable[["Campaign", Scenario, Path], "Shaken"]
"""Prepares a folder, runs a command in it, and disturbs that."""


@dataclass(frozen=True)
class Shaken:
    """How a disturbed command ended."""

    hit: bool
    """Whether the fault came while it ran."""
    problem: str = ""
    """What it should not have done, such as a traceback."""
    kills: int = 0


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


def _traceback(child: Child) -> str:
    """What a command said that it should not say; a user never sees a traceback."""
    said = child.log.read_text(encoding="utf-8", errors="replace")
    at = said.find("Traceback (most recent call last)")
    return f"it showed a traceback: {said[max(0, at - 200) :][:2000]}" if at >= 0 else ""


def _kill(campaign: Campaign, scenario: Scenario, folder: Path, *, number: signal.Signals) -> Shaken:
    scenario.prepare(folder, campaign.reference(scenario))
    return _killed(campaign, scenario, folder, number)


def _killed(
    campaign: Campaign,
    scenario: Scenario,
    folder: Path,
    number: signal.Signals,
    disturb: Callable[[], None] | None = None,
) -> Shaken:
    moment = campaign.moment(scenario)
    child = campaign.start(scenario, folder, disturb)
    if child.wait_for(scenario.begins):
        began = child.stages[scenario.begins]
        while (lasted := time.monotonic() - began) < moment and not child.ended():
            time.sleep(0.001)
        if child.ended():
            # It was quicker than it had been, so that later moments would come too late again.
            campaign.learn(scenario, lasted)
        child.send(number)
    code = child.wait()
    hit = code == -number or (number == signal.SIGINT and code == STOPPED)
    if not hit and code != 0:
        return Shaken(True, f"{number.name} ended it with {code}: {child.log.read_text()[-600:]}", 1)
    return Shaken(hit, _traceback(child), int(hit))


def _kill_worker(campaign: Campaign, scenario: Scenario, folder: Path) -> Shaken:
    scenario.prepare(folder, campaign.reference(scenario))
    moment = campaign.moment(scenario)
    child, killed = campaign.start(scenario, folder), 0
    if child.wait_for(scenario.begins):
        time.sleep(max(0.0, child.stages[scenario.begins] + moment - time.monotonic()))
        if workers := child.workers():
            with suppress(ProcessLookupError):
                os.kill(campaign.rng.choice(workers), signal.SIGKILL)
                killed = 1
    code = child.wait()
    problem = "" if code == 0 else f"a dead worker ended it with {code}: {child.log.read_text()[-600:]}"
    return Shaken(bool(killed), problem or _traceback(child), killed)


def _full_disk(campaign: Campaign, scenario: Scenario, folder: Path) -> Shaken:
    reference = campaign.reference(scenario)
    scenario.prepare(folder, reference)
    least = disks.used(folder)
    whole = sum(
        -(-p.stat().st_size // disks.PAGE) * disks.PAGE for p in (reference / scenario.writes).rglob("*")
    )
    disks.resize(folder, least + campaign.rng.randrange(disks.PAGE, whole + disks.PAGE, disks.PAGE))
    child = campaign.start(scenario, folder)
    code = child.wait()
    disks.resize(folder, None)
    return _refused(child, code, "is full")


def _read_only(campaign: Campaign, scenario: Scenario, folder: Path) -> Shaken:
    scenario.prepare(folder, campaign.reference(scenario))
    if scenario.arguments[0] == "run":
        # As the stage before left it.
        child = campaign.start(scenario, folder)
        child.wait_for(scenario.begins)
        child.send(signal.SIGKILL)
        child.wait()
    disks.set_writable(folder, False)
    child = campaign.start(scenario, folder)
    code = child.wait()
    disks.set_writable(folder, True)
    return _refused(child, code, "Cannot write")


def _refused(child: Child, code: int, said: str) -> Shaken:
    """Whether a command that could not write said so in a sentence."""
    log = child.log.read_text()
    if code not in (0, 2) or (code == 2 and said not in log):
        return Shaken(True, f"it ended with {code}: {log[-600:]}")
    return Shaken(code == 2, _traceback(child))


def _clock(campaign: Campaign, scenario: Scenario, folder: Path) -> Shaken:
    scenario.prepare(folder, campaign.reference(scenario))
    number, seed = campaign.rng.choice(KILLS), campaign.rng.randrange(10**6)
    shaken = _killed(campaign, scenario, folder, number, partial(clock.going_back, seed))
    clock.age(folder, campaign.rng)
    return replace(shaken, hit=True)


def _two_processes(campaign: Campaign, scenario: Scenario, folder: Path) -> Shaken:
    scenario.prepare(folder, campaign.reference(scenario))
    moment = campaign.moment(scenario)
    one = campaign.start(scenario, folder)
    if one.wait_for(scenario.begins):
        time.sleep(max(0.0, one.stages[scenario.begins] + moment - time.monotonic()))
    hit = not one.ended()
    log = one.log.rename(one.log.with_name("log-of-the-first.txt"))
    two = campaign.start(scenario, folder)
    codes = two.wait(), one.wait()
    one.log = log
    problem = next(filter(None, map(_traceback, (one, two))), "")
    if not problem and not set(codes) <= {0, 2}:
        problem = f"two at once ended with {codes}"
    return Shaken(hit, problem)


FAULTS: Mapping[str, Shock] = {
    **{number.name: partial(_kill, number=number) for number in KILLS},
    "SIGKILL of a worker": _kill_worker,
    "full disk": _full_disk,
    "read-only": _read_only,
    "clock going back": _clock,
    "two processes": _two_processes,
}
ON_DISK = ("full disk", "read-only")
"""Faults that need a disk of their own."""


def faults_of(scenario: Scenario) -> list[str]:
    """Those that can come over a scenario."""
    workers = scenario.engine == "two workers"
    return [f for f in FAULTS if workers or f != "SIGKILL of a worker"]
