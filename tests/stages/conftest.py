"""A hosted model, judge and language model, on a server of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from copycat.resolve import ResolvedRun
from tests.conftest import Tiny
from tests.helpers.loopback import Loopback, running


@pytest.fixture
def server() -> Iterator[Loopback]:
    with running() as loopback:
        yield loopback


@pytest.fixture
def card(server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Writes the cards `drawer`, `seer` and `writer`, of which each may have other settings of its API."""
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOOPBACK_KEY", "k")
    cards: dict[str, dict[str, Any]] = {
        "models": {
            "name": "drawer", "title": "Drawer", "kind": "openai-images", "negative_prompt": False,
            "sampling": {"steps": 1, "guidance": 0, "height": 16, "width": 16},
        },
        "judges": {"name": "seer", "kind": "openai-chat"},
        "llms": {"name": "writer", "kind": "openai-chat"},
    }  # fmt: skip

    def write(kind: str, **api: object) -> None:
        reached = {"base_url": server.url, "key_env": "LOOPBACK_KEY", "timeout": 2, "retries": 1}
        whole = {
            **cards[kind],
            "source": "m-1",
            "batch_size": 2,
            "api": {**reached, "price_usd": 0.04, **api},
        }
        path = tmp_path / "home" / kind / f"{whole['name']}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(whole))

    for kind in cards:
        write(kind)
    return write


@pytest.fixture
def run(card: Callable[..., None], tiny_models: Tiny, tmp_path: Path) -> Callable[..., ResolvedRun]:
    """Three pictures by `drawer`, and one question of `seer` about each."""

    def make(out: str = "run", **given: object) -> ResolvedRun:
        base = {
            "model": "drawer", "judge": "seer", "mitigations": ("none",), "seeds": (0,), "steps": None,
            "batch_size": None, "measures": ("DETECT",),
        }  # fmt: skip
        return tiny_models.config(tmp_path / out, **{**base, **given})

    return make
