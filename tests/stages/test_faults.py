"""A short fault campaign: stopped at random moments, a run is finished as if nothing had happened.

The long one, with every stage, engine and fault, is `benchmarks/faults.py`.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from copycat.io.paths import ROOT
from tests.helpers.faults import bits

# In a process of its own: one that is forked should have no threads.
CAMPAIGN = """
    import json, os, sys
    from pathlib import Path
    from tests.helpers.faults.world import ONE_THREAD, world
    for variable in ONE_THREAD:
        os.environ[variable] = "1"
    from tests.helpers.faults.campaign import Campaign, warm
    with world(Path(sys.argv[1])) as made:
        campaign = Campaign(made, int(sys.argv[2]))
        by_title = {s.title: s for s in campaign.scenarios}
        wanted = [(by_title[title], fault) for title, fault in json.loads(sys.argv[3])]
        warm(campaign, [s for s, _ in wanted])
        trials = [campaign.trial(s, f) for s, f in wanted]
    print(json.dumps([[t.scenario.title, t.fault, t.kills, t.problem] for t in trials]))
"""
TRIALS = [
    ("generate, in process", "SIGKILL"),
    ("judge, in process", "SIGINT"),
    ("judge, two workers", "SIGTERM"),
]


def test_what_is_stopped_at_any_moment_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    code = textwrap.dedent(CAMPAIGN)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "campaign"), str(seed), json.dumps(TRIALS)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    made = json.loads(done.stdout.splitlines()[-1])
    assert [(title, fault) for title, fault, _, _ in made] == TRIALS
    assert [m for m in made if m[3]] == [], f"with the seed {seed}"
    assert sum(kills for _, _, kills, _ in made) >= 1, "something was killed while it ran"


def test_the_campaign_sees_what_differs(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    reference = bits.of_tree(tmp_path)
    assert bits.difference(bits.of_tree(tmp_path), reference) == ""
    (tmp_path / "a").write_text("two")
    (tmp_path / "b").write_text("two")
    assert bits.difference(bits.of_tree(tmp_path), reference).startswith("a: ")
    assert bits.difference(bits.of_tree(tmp_path), reference).endswith("and 1 more")


@pytest.mark.parametrize(("journal", "lost"), [("images.jsonl", "picture"), ("verdicts.jsonl", "answer")])
def test_the_campaign_sees_a_lost_row(tmp_path: Path, journal: str, lost: str) -> None:
    first = ROOT / "tests" / "data" / "first_rows" / "whole"
    reference, path = bits.of_run(first), shutil.copytree(first, tmp_path / "run")
    assert bits.difference(bits.of_run(path), reference) == ""
    rows = (path / journal).read_text().splitlines(keepends=True)
    (path / journal).write_text("".join(rows[1:]))
    assert bits.difference(bits.of_run(path), reference).startswith(lost)
