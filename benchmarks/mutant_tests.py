"""A copy of the checkout in which tests are run again and again, each time in a fork of one warm process.

The process has imported the libraries once and nothing of copycat, so a fork imports copycat's modules as
they lie in the copy at that moment, and is running tests within a second or two.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import copy2

import coverage
import pytest

WARM = (
    "numpy", "scipy.stats", "pandas", "pyarrow.parquet", "sklearn.metrics", "statsmodels.api", "PIL.Image",
    "av", "matplotlib.figure", "pydantic", "yaml", "rich.console", "typer", "flask", "jinja2", "openai",
    "hypothesis", "huggingface_hub", "torch", "tokenizers", "safetensors.torch", "accelerate", "transformers",
    "transformers.models.clip", "transformers.models.auto", "diffusers",
    "diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion",
)  # fmt: skip
"""What the tests import sooner or later; a name that is not there is passed over."""
UNREACHED = pytest.ExitCode.NO_TESTS_COLLECTED


@dataclass(frozen=True)
class Test:
    """What is known of one passing test."""

    name: str
    """As pytest writes it: `tests/runs/test_folder.py::test_x[a]`."""
    seconds: float
    lines: dict[str, list[int]]
    """Lines that it ran, by module (relative to the checkout), of the modules that are mutated."""


@dataclass(frozen=True)
class Outcome:
    """How a run of tests ended."""

    state: str
    """`passed`, `failed`, `timed out`, or `unreached` where there was no test to run."""
    by: str
    """The first test that failed, or the last lines of what was printed where none could be run."""


class Copy:
    """The files that git knows of a checkout, in a folder of their own that may be broken at will."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        self.root = folder.resolve()
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=checkout, check=True, capture_output=True, text=True,
        )  # fmt: skip
        for name in filter(None, listed.stdout.split("\0")):
            if (checkout / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                copy2(checkout / name, self.root / name)

    @contextmanager
    def changed(self, path: str, text: str) -> Iterator[None]:
        """The module has this text, and a time of change that no compiled file was made at."""
        file = self.root / path
        before, times = file.read_bytes(), file.stat()
        file.write_text(text, encoding="utf-8")
        os.utime(file, ns=(0, times.st_mtime_ns - 10**12))
        try:
            yield
        finally:
            file.write_bytes(before)
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    def measure(self, tests: Sequence[str], modules: Sequence[str], limit: float) -> list[Test]:
        """Runs the tests of these files or folders once, and says which lines of `modules` each ran."""
        report = self.root / "measured.json"
        report.unlink(missing_ok=True)
        sources = [str(self.root / m) for m in modules]

        def child() -> int:
            seen = coverage.Coverage(data_file=None, config_file=False, include=sources)
            watch = _Watch(seen)
            seen.start()
            code = pytest.main([*_ARGUMENTS, *tests], plugins=[watch])
            seen.stop()
            found = watch.tests(seen.get_data(), self.root)
            report.write_text(json.dumps([asdict(t) for t in found]))
            return int(code)

        _forked(self.root, child, limit, self.root / "measure.log", compiled=True)
        if not report.is_file():
            raise TimeoutError(f"The tests {', '.join(tests)} did not end within {limit:.0f} seconds.")
        return [Test(**t) for t in json.loads(report.read_text())]

    def run(self, tests: Sequence[str], limit: float) -> Outcome:
        """Runs these tests, named as pytest names them, in this order until one fails."""
        log, first = self.root / "run.log", self.root / "first.txt"
        first.unlink(missing_ok=True)
        files = list(dict.fromkeys(t.partition("::")[0] for t in tests))
        if not files:
            return Outcome("unreached", "")
        code = _forked(
            self.root,
            lambda: int(pytest.main([*_ARGUMENTS, "-x", *files], plugins=[_Only(tests, first)])),
            limit,
            log,
            compiled=False,
        )
        by = first.read_text() if first.is_file() else log.read_text(errors="replace")[-300:]
        if code is None or "Failed: Timeout" in by:
            return Outcome("timed out", by.partition("\n")[0] if code is not None else "")
        if code == UNREACHED:
            return Outcome("unreached", "")
        return Outcome("passed" if code == 0 else "failed", by.partition("\n")[0] if first.is_file() else by)


_ARGUMENTS = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--timeout=100")


def warm() -> None:
    """Imports the libraries, once for all forks."""
    for name in WARM:
        with suppress(ImportError):
            importlib.import_module(name)


def _forked(root: Path, work: Callable[[], int], limit: float, log: Path, *, compiled: bool) -> int | None:
    """What `work` returned in a process of its own with `root` as its place; None if it had to be ended."""
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            _settle(root, log, compiled=compiled)
            code = work()
        finally:
            with suppress(Exception):
                sys.stdout.flush()
            os._exit(code)
    ends = time.monotonic() + limit
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            _end(pid)
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > ends:
            _end(pid)
            os.waitpid(pid, 0)
            return None
        time.sleep(0.02)


def _end(pid: int) -> None:
    """The fork is the leader of its group, in which all processes are that its tests began."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _settle(root: Path, log: Path, *, compiled: bool) -> None:
    os.setsid()
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(out, stream)
    # Text that the parent has not printed yet is not the fork's to print.
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    os.chdir(root)
    os.environ |= {"PYTHONPATH": str(root), "MPLBACKEND": "Agg"}
    sys.dont_write_bytecode = not compiled
    if not compiled:
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    checkout = Path(__file__).resolve().parents[1]
    others = [p for p in sys.path if p and Path(p).resolve() not in (checkout, checkout / "benchmarks")]
    sys.path[:] = [str(root), *others]
    for name in [n for n in sys.modules if n.partition(".")[0] in ("benchmarks", "copycat", "tests")]:
        del sys.modules[name]
    # Processes that are spawned import what is the main module here: nothing.
    sys.modules["__main__"] = types.ModuleType("__main__")


class _Watch:
    """A plugin of pytest: coverage knows which test is running, and seconds are added up."""

    def __init__(self, seen: coverage.Coverage) -> None:
        self._seen, self._seconds, self._bad = seen, dict[str, float](), set[str]()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._seen.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self._seen.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0.0) + report.duration
        if not report.passed:
            self._bad.add(report.nodeid)

    def tests(self, data: coverage.CoverageData, root: Path) -> list[Test]:
        lines: dict[str, dict[str, list[int]]] = {}
        for file in data.measured_files():
            name = Path(file).relative_to(root).as_posix()
            for line, contexts in data.contexts_by_lineno(file).items():
                for test in contexts:
                    lines.setdefault(test, {}).setdefault(name, []).append(line)
        return [Test(n, s, lines.get(n, {})) for n, s in self._seconds.items() if n not in self._bad]


class _Only:
    """A plugin of pytest: these tests alone, in this order; the first that fails is written down."""

    def __init__(self, tests: Sequence[str], first: Path) -> None:
        self._order, self._first = {name: i for i, name in enumerate(tests)}, first

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        wanted = [i for i in items if i.nodeid in self._order]
        items[:] = sorted(wanted, key=lambda i: self._order[i.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self._first.is_file():
            self._first.write_text(f"{report.nodeid}\n{report.longreprtext[-2000:]}")
