"""The hub's answers, from a server on this machine that the real client is pointed at."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from copycat.cards.judges import load_judge_card
from copycat.errors import MissingRequirement
from copycat.io import hub
from copycat.judges.base import load_judge
from copycat.llms import load_chat, load_llm_card
from copycat.llms.base import Message
from copycat.stages.plan import prepare

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


@pytest.fixture
def refused(config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, _own_cache: None) -> Callable[..., None]:
    """Begins a run against a hub at some address; it must end in one line, and before anything is written."""

    def begin(model: str, endpoint: str, hint: str) -> None:
        for proxy in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.delenv(proxy, raising=False)
        template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        given = {"registry": "copycat", "prompts": ("name",), "mitigations": ("none",), "device": "cpu"}
        asked = config(model=model, **given, judge="qwen2.5-vl-7b", out=tmp_path / "run")
        with pytest.raises(MissingRequirement) as told:
            prepare(asked)
        assert hint in str(told.value)
        assert "\n" not in str(told.value)
        assert not (tmp_path / "run").exists()

    return begin


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
def test_a_refusal_of_the_hub_is_one_line(server, refused, status, code, model, hint):
    server.status, server.code = status, code
    refused(model, server.url, hint)


def test_no_network_is_one_line(refused):
    refused("sd15", "http://127.0.0.1:9", "check the network")


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


def _judge() -> object:
    return load_judge(load_judge_card("gemma-3-4b"), "cpu")


def _language_model() -> object:
    # A local model is loaded when it is first asked.
    return load_chat(load_llm_card("qwen2.5-1.5b"), "cpu").ask([Message(role="user", content="Hello")])


@pytest.mark.usefixtures("_own_cache")
@pytest.mark.parametrize("load", [_judge, _language_model])
def test_a_gated_repository_is_told_while_loading_too(server, monkeypatch, load):
    for proxy in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(proxy, raising=False)
    template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    server.status, server.code = 403, "GatedRepo"
    with pytest.raises(MissingRequirement, match="is gated: accept its licence"):
        load()
