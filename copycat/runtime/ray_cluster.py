"""A Ray cluster: joining one or starting one here, and what its nodes have. Imports Ray when called."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copycat.errors import MissingRequirement, UserError, first_line, require
from copycat.io.version import __version__
from copycat.runtime.environment import gpus, hardware, packages

_ANSWER = 10.0
"""Seconds that an address has to take a connection."""
_JOIN = 60.0
"""Seconds that a cluster has to let a process join it."""
_STARTS = 2
"""Attempts to start a cluster on this machine."""
_REPORT = 120.0
"""Seconds that a node has to report; it starts a Python process for it."""
_SEEN = 5.0
"""Seconds after which a file that was written on one node of a shared folder is seen on another."""
_STORE = 512 * 2**20
"""Bytes of the object store of a cluster that is started here; what goes through it is small."""
_PASSED = (
    *("COPYCAT_HOME", "COPYCAT_CACHE", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE"),
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
)
"""Variables of this process that workers get too. No keys: Ray shows them to whoever reads its state."""
_LOG = logging.getLogger(__name__)


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
class Cluster:
    """The cluster that this process is in."""

    name: str
    """For messages."""
    nodes: tuple[Node, ...]

    @property
    def cpus(self) -> int:
        return int(sum(n.cpus for n in self.nodes))

    @property
    def gpus(self) -> int:
        return int(sum(n.gpus for n in self.nodes))


@dataclass(frozen=True)
class _Report:
    """What a node says about itself."""

    version: str
    packages: Mapping[str, str]
    cpu_name: str
    gpus: Sequence[tuple[str, float]]
    trouble: str
    """Why the folder it was asked about is not shared; empty where it is."""


def load_ray() -> Any:
    """The package; MissingRequirement says how to install it."""
    return require("ray", "ray>=2.56", "--engine ray")


def join(address: str | None, folder: Path, cpus: int = 1) -> Cluster:
    """Join the cluster at `address`, where this process is not in one already, and look at its nodes.

    `address` is `host:port` of its head, or `auto` for the one that runs on this machine. Where it is None,
    the variable RAY_ADDRESS says it, else a cluster of this machine alone is started, with at least `cpus`
    slots, which ends with this process. `folder` is a run folder, begun or not, that every node must share.

    Raises MissingRequirement, within about a minute and a half, for an address that does not answer, and for
    a node that does not report, has other versions of what decides pixels than this process, or does not
    share `folder`.
    """
    ray = load_ray()
    address = address or os.environ.get("RAY_ADDRESS") or None
    if not ray.is_initialized():
        _start(ray, address, cpus)
    name = f"Ray cluster at {address}" if address else "Ray cluster on this machine"
    with _token(folder) as token:
        return Cluster(name, tuple(_look_at(ray, name, token)))


def environment_of_workers() -> dict[str, str]:
    """Variables that a worker needs to find what this process finds, and to compute as it does."""
    told = {name: value for name in _PASSED if (value := os.environ.get(name))}
    # Ray gives a worker one thread for lack of a word, which rounds sums differently.
    return {"OMP_NUM_THREADS": str(_cores()), **told}


def _cores() -> int:
    """Cores that this process may use, which is what libraries take when nobody says how many."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _start(ray: Any, address: str | None, cpus: int) -> None:
    common: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": True}
    if address is None:
        # Nobody is told of a cluster that lives on one machine for the length of a run.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        # As the workers of the other engines, which nothing else on the machine goes before.
        os.environ.setdefault("RAY_worker_niceness", "0")
        here = {"num_cpus": max(cpus, _cores()), "include_dashboard": False, "object_store_memory": _STORE}
        _start_here(ray, {**here, **common})
        return
    _check_address(address)
    try:
        ray.init(address=address, **common)
    except (ConnectionError, RuntimeError, ValueError, OSError) as e:
        raise MissingRequirement(f"The Ray cluster at {address} cannot be joined: {first_line(e)}.") from e


def _start_here(ray: Any, told: Mapping[str, Any]) -> None:
    """A cluster of this machine alone. Ray gives its parts half a minute, which a busy machine may pass."""
    for left in reversed(range(_STARTS)):
        try:
            ray.init(address="local", **told)
            return
        except Exception as e:
            ray.shutdown()
            if not left:
                raise MissingRequirement(
                    f"No Ray cluster could be started on this machine: {first_line(e)}. Try again when less "
                    "runs here, or start one with `ray start --head` and use --address auto."
                ) from e


def _check_address(address: str) -> None:
    """Say in one line, within a bounded time, why `address` cannot be joined.

    The attempt is made by another process: in the one that makes it, Ray may wait for minutes, or end the
    process.
    """
    if "://" in address:
        raise UserError(
            f"--address {address}: copycat itself must run on a machine of the cluster; start it there, with "
            "`ray job submit` (docs/scale.md), and give host:port of the head node."
        )
    if address != "auto":
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise UserError(f"--address {address} is no address; write host:port, such as 10.0.0.1:6379.")
        try:
            socket.create_connection((host, int(port)), timeout=_ANSWER).close()
        except (OSError, OverflowError) as e:
            why = getattr(e, "strerror", None) or first_line(e)
            raise MissingRequirement(
                f"No Ray cluster answers at {address} ({why}); start one there with `ray start --head`, or "
                "leave --address out for one on this machine."
            ) from e
    attempt = "import sys, ray; ray.init(address=sys.argv[1], log_to_driver=False)"
    try:
        done = subprocess.run(
            [sys.executable, "-c", attempt, address], capture_output=True, text=True, timeout=_JOIN
        )
    except subprocess.TimeoutExpired as e:
        raise MissingRequirement(
            f"What answers at {address} did not let a process join within {_JOIN:.0f} s: it is no Ray "
            "cluster, or one that hangs."
        ) from e
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise MissingRequirement(
            f"The Ray cluster at {address} cannot be joined: {said[-1] if said else 'no reason told'}"
        )


def _look_at(ray: Any, name: str, token: Path) -> Iterator[Node]:
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
def _token(folder: Path) -> Iterator[Path]:
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


def warn_of_mixture(cluster: Cluster, *, on_gpus: bool) -> None:
    """Log a warning where workers would run on processors of several models, which round differently."""
    models = {name for n in cluster.nodes for name in (n.gpu_names if on_gpus else (n.cpu_name,))} - {""}
    if len(models) > 1:
        _LOG.warning(
            "The %s has processors of several models (%s), which round differently: which of them draws a "
            "picture changes its bits.",
            cluster.name,
            ", ".join(sorted(models)),
        )
