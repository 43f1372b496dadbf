"""The faults that come over a command."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.helpers.faults import clock, disks
from tests.helpers.faults.child import Child
from tests.helpers.faults.scenarios import Scenario

if TYPE_CHECKING:
    from tests.helpers.faults.campaign import Campaign

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
