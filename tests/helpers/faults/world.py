"""The models, cards and reference folders of a campaign."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import yaml

from tests.helpers import loopback, tiny

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables that keep libraries from starting threads, which a fork would lose; to be set before numpy."""


@dataclass(frozen=True)
class World:
    """Where everything lies, and how `copycat run` is asked for it."""

    folder: Path
    tiny: Sequence[str]
    hosted: Sequence[str]
    menagerie: Sequence[str]

    def reference(self, name: str) -> Path:
        """The undisturbed folders of the model called `name`."""
        return self.folder / "reference" / name


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Builds everything in `folder`; a server of hosted models answers as long as it lasts."""
    import torch

    torch.set_num_threads(1)
    folder.mkdir(exist_ok=True)
    registry, prompts = tiny.world(folder / "world")
    # What it says of rights decides whether pictures may be published; nobody has any in these.
    registry.write_text(registry.read_text().replace("version: 1", "version: 1\nprotected: false"))
    model, judge = tiny.sd(folder / "sd"), tiny.judge(folder / "judge")
    common = ["run", "--registry", str(registry), "--prompts", str(prompts), "--mitigation", "none,negprompt"]
    common += ["--seeds", "1", "--out", "run", "--device", "cpu"]
    drawn = ["--model", str(model), "--judge", str(judge), "--steps", "2", "--batch-size", "2"]
    invented = ["run", "--limit", "1", "--seeds", "1", "--out", "run", "--device", "cpu", "--batch-size", "1"]
    os.environ["COPYCAT_HOME"], os.environ["LOOPBACK_KEY"] = str(folder / "home"), "k"
    os.environ["COPYCAT_CACHE"] = str(folder / "cache")
    with _server() as url:
        _cards(folder / "home", url)
        served = ["--model", "served", "--judge", "listener"]
        yield World(folder, [*common, *drawn], [*common, *served], invented)


def _cards(home: Path, url: str) -> None:
    api = {"base_url": url, "key_env": "LOOPBACK_KEY", "timeout": 20, "retries": 2}
    model = {
        "name": "served", "title": "Served", "kind": "inference-providers", "source": "some/model",
        "batch_size": 2, "sampling": {"steps": 3, "guidance": 5, "height": 16, "width": 16}, "api": api,
    }  # fmt: skip
    judge = {"name": "listener", "kind": "openai-chat", "source": "some-judge", "batch_size": 2, "api": api}
    for kind, card in (("models", model), ("judges", judge)):
        (home / kind).mkdir(parents=True)
        (home / kind / f"{card['name']}.yaml").write_text(yaml.safe_dump(card))


def _serve(pipe: Connection) -> None:
    # Threads belong in a process of its own: this one is forked many times.
    with loopback.running() as server:
        pipe.send(server.url)
        pipe.recv()


@contextmanager
def _server() -> Iterator[str]:
    fork = multiprocessing.get_context("fork")
    mine, theirs = fork.Pipe()
    process = fork.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield mine.recv()
    finally:
        mine.send("end")
        process.join(10)
        process.terminate()
