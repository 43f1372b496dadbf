"""Stops, starves and disturbs copycat's commands at random moments, and takes them up again undisturbed.

    python -m benchmarks.faults --trials 15 --seed 0

Every stage, by every engine, is killed (SIGKILL, SIGTERM, Ctrl-C), run on a full disk and on one that
cannot be written to (both need root), with a clock that goes back, and by two processes at once. Afterwards
the same command runs undisturbed; the folder must then hold the same pictures, answers, numbers and tables
as one that was never disturbed, and `copycat verify` must find no fault in it. Models are tiny ones with
random weights and the menagerie; hosted ones are a server on this machine. Commands start in forks of a
process that has imported everything, and so do workers. `--trials` is how often each stage and engine is
killed by each signal, `--others` how often each other fault comes over it. Exit code 1 where a folder
differs; it is kept then.
"""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.helpers.faults.world import ONE_THREAD, world

if TYPE_CHECKING:
    from tests.helpers.faults.campaign import Trial

for variable in ONE_THREAD:
    os.environ[variable] = "1"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=5, help="of each signal, stage and engine")
    parser.add_argument("--others", type=int, default=2, help="of each other fault, stage and engine")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="part of a scenario's name: 'judge', 'two workers', …")
    parser.add_argument("--fault", default="", help="part of a fault's name: 'SIGKILL', 'disk', …")
    parser.add_argument("--minutes", type=float, default=0, help="begin no trial after so many minutes")
    given = parser.parse_args()
    from tests.helpers.faults import disks
    from tests.helpers.faults.campaign import Campaign, warm
    from tests.helpers.faults.shocks import ON_DISK, faults_of

    began = time.monotonic()
    made: list[Trial] = []
    place = Path(tempfile.mkdtemp(prefix="copycat-faults-"))
    with world(place) as made_of:
        campaign = Campaign(made_of, given.seed)
        wanted = [
            (s, f)
            for s in campaign.scenarios
            for f in faults_of(s)
            if given.only in s.title and given.fault in f
            for _ in range(given.trials if f.startswith("SIG") else given.others)
        ]
        if not disks.mountable():
            say("No disk can be mounted here, so none runs full and none is read-only (both need root).")
            wanted = [(s, f) for s, f in wanted if f not in ON_DISK]
        # So that a campaign that is cut short has tried a bit of everything.
        campaign.rng.shuffle(wanted)
        chosen = [s for s in campaign.scenarios if any(s is w for w, _ in wanted)]
        say(f"{warm(campaign, chosen)} threads after everything was imported")
        for scenario in chosen:
            campaign.reference(scenario)
        say(f"references made in {time.monotonic() - began:.0f} s; {len(wanted)} trials in {place}")
        gc.freeze()
        for scenario, fault in wanted:
            if given.minutes and time.monotonic() - began > given.minutes * 60:
                say(f"Out of time: {len(wanted) - len(made)} trials are not made.")
                break
            trial = campaign.trial(scenario, fault)
            made.append(trial)
            if trial.problem:
                say(f"DIFFERS {scenario.title}, {fault}: {trial.problem}")
        _table(made)
    kills, differing = sum(t.kills for t in made), sum(bool(t.problem) for t in made)
    hit = sum(t.hit for t in made)
    say(
        f"{len(made)} trials, {hit} of them disturbed while the command ran, {kills} kills; "
        f"{differing} differ; {time.monotonic() - began:.0f} s"
    )
    if not differing:
        shutil.rmtree(place)
    return 1 if differing else 0


def _table(made: Sequence[Trial]) -> None:
    say("| stage | engine | fault | trials | while it ran | same | differing |")
    say("|---|---|---|---|---|---|---|")
    keys = dict.fromkeys((t.scenario.stage, t.scenario.engine, t.fault) for t in made)
    trials = Counter((t.scenario.stage, t.scenario.engine, t.fault) for t in made)
    hits = Counter((t.scenario.stage, t.scenario.engine, t.fault) for t in made if t.hit)
    bad = Counter((t.scenario.stage, t.scenario.engine, t.fault) for t in made if t.problem)
    for key in sorted(keys):
        same = trials[key] - bad[key]
        say(f"| {' | '.join(key)} | {trials[key]} | {hits[key]} | {same} | {bad[key]} |")


if __name__ == "__main__":
    sys.exit(main())
