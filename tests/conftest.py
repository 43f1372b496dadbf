"""Fixtures that several rooms use."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from copycat.resolve import ResolvedRun, resolve_settings
from tests.helpers import plugin, tiny

# The same examples each time, so that a change is judged by what it changed. New ones are looked for by
# `benchmarks/fuzz.py`, and with `--hypothesis-profile=default`.
settings.register_profile("same", derandomize=True)
settings.load_profile("same")


def pytest_configure(config: pytest.Config) -> None:
    """No test sees a GPU, in processes that it starts neither, unless `-m gpu` asks for those that need one.

    So `auto` is the CPU everywhere, and what is compared bit for bit is computed in one way on all machines.
    """
    if config.option.markexpr != "gpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that one test pays for is there for another, nor left in the working folder."""
    monkeypatch.setenv("COPYCAT_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(autouse=True, scope="module")
def small_heap() -> None:
    """Each stage of a run collects garbage. What a module finds there, libraries for the most part, is not
    looked at again, which saves most of a second each time."""
    gc.collect()
    gc.freeze()


@dataclass(frozen=True)
class Tiny:
    """Paths of the tiny models and their world."""

    sd: Path
    sdxl: Path
    judge: Path
    registry: Path
    prompts: Path

    def config(self, out: Path, **given: Any) -> ResolvedRun:
        """Three characters × two seeds × two mitigations in batches of four, unless `given` otherwise."""
        defaults = {
            "model": str(self.sd), "registry": str(self.registry), "prompts": (str(self.prompts),),
            "mitigations": ("none", "negprompt"), "seeds": (0, 1), "judge": str(self.judge),
            "steps": 2, "batch_size": 4, "out": out,
        }  # fmt: skip
        return resolve_settings(**{**defaults, **given})


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    import torch

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("tiny")
    registry, prompts = tiny.world(folder / "world")
    return Tiny(
        tiny.sd(folder / "sd"), tiny.sdxl(folder / "sdxl"), tiny.judge(folder / "judge"), registry, prompts
    )


@pytest.fixture
def config(tiny_models: Tiny, tmp_path: Path) -> Callable[..., ResolvedRun]:
    return lambda **given: tiny_models.config(given.pop("out", tmp_path / "run"), **given)


@pytest.fixture(scope="session")
def plugin_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the package of tests/helpers/plugin is installed in; not yet on Python's path."""
    return plugin.install(tmp_path_factory.mktemp("site"))


@pytest.fixture(name="plugin")
def _plugin(plugin_site: Path) -> Iterator[None]:
    """The package of tests/helpers/plugin is installed."""
    with plugin.activated(plugin_site):
        yield
