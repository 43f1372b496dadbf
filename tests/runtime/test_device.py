"""Which device tests run on."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from copycat.runtime.device import resolve_device


def test_no_test_sees_a_gpu_unless_it_is_for_one(request: pytest.FixtureRequest) -> None:
    if request.config.option.markexpr == "gpu":
        pytest.skip("asked for with -m gpu")
    assert not torch.cuda.is_available()
    assert resolve_device("auto", "a model") in {"cpu", "mps"}
    told = [sys.executable, "-c", "import os; print(repr(os.environ['CUDA_VISIBLE_DEVICES']))"]
    assert subprocess.run(told, capture_output=True, text=True, check=True).stdout == "''\n"
