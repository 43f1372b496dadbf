"""The lock files hold what pyproject asks for, hashed, with torch apart and no torchvision."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = ("requirements.lock", "requirements-dev.lock")
APART = "requirements-validators.txt"


def name_of(requirement: str) -> str:
    """The distribution a requirement line names, normalised."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~;\[]", requirement, maxsplit=1)[0]).lower()


def entries(lock: str) -> dict[str, str]:
    """Text of each entry of a lock file by distribution; several versions of one are joined."""
    found: dict[str, str] = {}
    for block in re.split(r"\n(?=\S)", (ROOT / lock).read_text()):
        if block.strip() and not block.startswith("#"):
            found[name_of(block)] = found.get(name_of(block), "") + block
    return found


@pytest.mark.parametrize("lock", [*LOCKS, APART])
def test_every_entry_is_pinned_and_hashed(lock: str) -> None:
    loose = [n for n, text in entries(lock).items() if "==" not in text or "--hash=sha256:" not in text]
    assert loose == []


@pytest.mark.parametrize("lock", [*LOCKS, APART])
def test_no_address_and_no_second_torch(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert not re.search(r"https?:|file:|--(extra-)?index|--find-links", text)
    assert not {n for n in entries(lock) if re.match(r"torch|triton$|nvidia-|cuda-", n)}


def test_the_lock_holds_every_dependency() -> None:
    wanted = {name_of(r) for r in PROJECT["dependencies"]} - {"torch"}
    assert wanted - entries("requirements.lock").keys() == set()


def test_the_development_lock_only_adds() -> None:
    base, dev = entries("requirements.lock"), entries("requirements-dev.lock")
    wanted = {name_of(r) for r in PROJECT["optional-dependencies"]["dev"]}
    assert wanted - dev.keys() == set()

    def versions(text: str) -> set[str]:
        return set(re.findall(r"==([\w.]+)", text.split("--hash")[0]))

    assert {n: versions(t) for n, t in base.items()} == {n: versions(dev[n]) for n in base}


def test_what_validators_import_is_locked_with_the_rest() -> None:
    """They are installed without their dependencies."""
    assert entries(APART).keys() == {"every-eval-ever"}
    assert {"pydantic", "requests", "rich"} <= entries("requirements-dev.lock").keys()


def test_torch_is_pinned_apart() -> None:
    lines = (ROOT / "requirements-torch.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert len(pins) == 1
    assert re.fullmatch(r"torch==[\d.]+", pins[0])
