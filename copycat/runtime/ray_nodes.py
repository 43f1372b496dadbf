"""The nodes of a Ray cluster: what each has, and whether it computes as this machine does."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copycat.errors import MissingRequirement, first_line
from copycat.io.version import __version__
from copycat.runtime.environment import gpus, hardware, packages

_REPORT = 120.0
"""Seconds that a node has to report; it starts a Python process for it."""
_SEEN = 5.0
"""Seconds after which a file that was written on one node of a shared folder is seen on another."""
_PASSED = (
    *("COPYCAT_HOME", "COPYCAT_CACHE", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE"),
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
)
"""Variables of this process that workers get too. No keys: Ray shows them to whoever reads its state."""


@dataclass(frozen=True)
class Node:
    """One machine of a cluster, as it reported itself."""

    id: str
    """Ray's name for it."""
    host: str
    """What it is called in a sentence."""
    cpus: float
    gpus: float
    gpu_names: tuple[str, ...] = ()
    gpu_gb: tuple[float, ...] = ()
    """Memory of each GPU in GB (10^9 bytes); empty where the node cannot tell."""
    cpu_name: str = ""


@dataclass(frozen=True)
class _Report:
    """What a node says about itself."""

    version: str
    packages: Mapping[str, str]
    cpu_name: str
    gpus: Sequence[tuple[str, float]]
    trouble: str
    """Why the folder it was asked about is not shared; empty where it is."""


def environment_of_workers() -> dict[str, str]:
    """Variables that a worker needs to find what this process finds, and to compute as it does."""
    told = {name: value for name in _PASSED if (value := os.environ.get(name))}
    # Ray gives a worker one thread for lack of a word, which rounds sums differently.
    return {"OMP_NUM_THREADS": str(cores()), **told}


def cores() -> int:
    """Cores that this process may use, which is what libraries take when nobody says how many."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def look_at(ray: Any, name: str, token: Path) -> Iterator[Node]:
    """Every node that is there, asked what it has; MissingRequirement for one that cannot work with us."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as OnNode

    found = [n for n in ray.nodes() if n["Alive"]]
    env = {"env_vars": environment_of_workers()}
    ask = ray.remote(num_cpus=0, max_retries=0, runtime_env=env)(_report)
    asked = [
        ask.options(scheduling_strategy=OnNode(n["NodeID"], soft=False)).remote(str(token), n["NodeID"])
        for n in found
    ]
    for n, reference in zip(found, asked, strict=True):
        host = _called(n)
        try:
            report: _Report = ray.get(reference, timeout=_REPORT)
        except ray.exceptions.GetTimeoutError as e:
            raise MissingRequirement(
                f"{_capital(host)} of the {name} did not report within {_REPORT:.0f} s; see `ray status`."
            ) from e
        except ray.exceptions.RayError as e:
            raise MissingRequirement(
                f"{_capital(host)} of the {name} cannot run copycat ({_last_line(e)}); install "
                f"'copycat-eval[ray]=={__version__}' there too."
            ) from e
        _check(report, host, token, n["NodeID"])
        yield Node(
            n["NodeID"],
            host,
            n["Resources"].get("CPU", 0.0),
            n["Resources"].get("GPU", 0.0),
            tuple(gpu for gpu, _ in report.gpus),
            tuple(gb for _, gb in report.gpus),
            report.cpu_name,
        )


def _called(node: Mapping[str, Any]) -> str:
    return f"the Ray node {node['NodeManagerHostname']} ({node['NodeManagerAddress']})"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _last_line(error: BaseException) -> str:
    """Ray puts a traceback before what went wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__


def _check(report: _Report, host: str, token: Path, node: str) -> None:
    mine = {"copycat": __version__, **packages()}
    theirs = {"copycat": report.version, **report.packages}
    differing = [p for p in mine if theirs.get(p) != mine[p]]
    if differing:
        p = differing[0]
        raise MissingRequirement(
            f"{_capital(host)} has {p} {theirs.get(p, '(none)')} and this machine {mine[p]}, which may draw "
            "differently; install the same packages on both."
        )
    trouble = report.trouble
    if not trouble:
        trouble = _unseen(_answer_file(token, node), node)
        trouble = trouble and f"what it writes there is not seen here: {trouble}"
    if trouble:
        raise MissingRequirement(
            f"{_capital(host)} does not share the folder {token.parent} with this machine ({trouble}); "
            "choose an --out that all nodes can read and write under the same path."
        )


@contextmanager
def shared_token(folder: Path) -> Iterator[Path]:
    """A file with its own name as content where the run folder is, or will be."""
    # Not in the working folder's terms, which are another on another node.
    where = folder.absolute()
    while not where.is_dir():
        where = where.parent
    token = where / f".shared-{uuid.uuid4().hex}"
    try:
        token.write_text(token.name, encoding="utf-8")
    except OSError as e:
        raise MissingRequirement(f"Cannot write {where} ({e.strerror}); choose another folder.") from e
    try:
        yield token
    finally:
        for path in (token, *where.glob(f"{token.name}-*")):
            path.unlink(missing_ok=True)


def _answer_file(token: Path, node: str) -> Path:
    return token.with_name(f"{token.name}-{node[:16]}")


def _unseen(path: Path, content: str) -> str:
    """Why `path` does not hold `content`, also after a while; empty where it does."""
    until = time.monotonic() + _SEEN
    while True:
        try:
            return "" if path.read_text(encoding="utf-8") == content else f"{path} has another content"
        except OSError as e:
            trouble = e.strerror or first_line(e)
        if time.monotonic() > until:
            return trouble
        time.sleep(0.1)


def _report(token: str, node: str) -> _Report:
    """Runs on each node: what is there, and whether the folder of the file `token` is the driver's."""
    path = Path(token)
    trouble = _unseen(path, path.name)
    if not trouble:
        try:
            _answer_file(path, node).write_text(node, encoding="utf-8")
        except OSError as e:
            trouble = e.strerror or first_line(e)
    return _Report(__version__, packages(), hardware()["cpu"], gpus(), trouble)
