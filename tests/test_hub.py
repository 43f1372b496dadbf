"""The hub's answers, from a server on this machine that the real client is pointed at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from copycat import hub
from copycat.errors import MissingRequirement

SHA = "a" * 40


class Hub(ThreadingHTTPServer):
    """Refuses files as it is told to, and knows the commit of every branch."""

    daemon_threads = True
    status, code = 401, ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002

    def do_HEAD(self) -> None:
        self.send_response(self.server.status)
        self.send_header("X-Error-Code", self.server.code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        body = json.dumps({"id": "a/b", "sha": SHA, "siblings": []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Hub]:
    found = Hub(("127.0.0.1", 0), _Handler)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    hub.commit_of.cache_clear()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    yield
    hub.commit_of.cache_clear()


def run(model: str, endpoint: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    out = tmp_path / "run"
    hidden = {"HF_TOKEN", "HF_HUB_OFFLINE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"}
    env = {k: v for k, v in os.environ.items() if k not in hidden}
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from copycat.cli.main import main; main()", "run", "--model", model),
            *("--mitigation", "none", "--device", "cpu", "--out", str(out)),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=env | {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "hf")},
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not out.exists(), "nothing is written before it is known that the weights can be had"
    return done


@pytest.mark.parametrize(
    ("status", "code", "model", "hint"),
    [
        (
            403,
            "GatedRepo",
            "flux1-dev",
            "FLUX.1 [dev] is gated: accept its licence at https://huggingface.co/",
        ),
        (404, "RepoNotFound", "sd15", "is not on the hub, or it is private"),
        (404, "RevisionNotFound", "sd15", "correct `revision`"),
    ],
)
def test_a_refusal_of_the_hub_is_one_line(server, tmp_path, status, code, model, hint):
    server.status, server.code = status, code
    assert hint in run(model, server.url, tmp_path).stderr


def test_no_network_is_one_line(tmp_path):
    assert "check the network" in run("sd15", "http://127.0.0.1:9", tmp_path).stderr


@pytest.mark.usefixtures("_own_cache")
def test_a_branch_is_pinned_to_the_commit_that_the_hub_names(server, monkeypatch):
    for proxy in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(proxy, raising=False)
    monkeypatch.setattr("huggingface_hub.HfApi", lambda: HfApi(endpoint=server.url))
    assert hub.commit_of("some/model", "main") == SHA


@pytest.mark.usefixtures("_own_cache")
def test_without_the_hub_the_cached_commit_counts(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert hub.commit_of("some/model", "main") == "main"
    hub.commit_of.cache_clear()
    refs = tmp_path / "models--some--model" / "refs"
    refs.mkdir(parents=True)
    (refs / "main").write_text(SHA)
    assert hub.commit_of("some/model", "main") == SHA
    with pytest.raises(MissingRequirement, match="check the network"):
        hub.check_repository("some/model", SHA, "model_index.json", "Some model")
