"""The real client of the hub against a hub on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from copycat.errors import MissingRequirement, UserError
from copycat.publish.collect import collect
from copycat.publish.pull import pull
from copycat.publish.remote import HubDataset, download, hub_dataset, upload
from copycat.publish.write import write
from copycat.stages.report import report
from tests.helpers import hub as hubs
from tests.helpers.hub import TOKEN, Hub

START = "import sys; from copycat.cli.main import main; main()"
_PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hubs.running() as server:
        yield server


@pytest.fixture
def pointed(monkeypatch, tmp_path):
    """Points the client in this process at some address."""

    def at(url: str, token: str | None = TOKEN) -> None:
        for proxy in _PROXIES:
            monkeypatch.delenv(proxy, raising=False)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
        template = url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))
        if token is None:
            monkeypatch.delenv("HF_TOKEN", raising=False)
        else:
            monkeypatch.setenv("HF_TOKEN", token)

    return at


def test_publish_and_pull_through_the_hub(hub, finished, tmp_path):
    environment = {k: v for k, v in os.environ.items() if k not in _PROXIES}
    environment |= {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HOME": str(tmp_path / "home")}

    def copycat(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", START, *words],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
            timeout=120,
            check=False,
        )

    done = copycat("publish", str(finished), "--repo", "me/mine")
    assert done.returncode == 0, done.stderr
    commit, tree = hub.commits["me/mine"][-1]
    assert f"me/mine@{commit}" in done.stdout
    assert {"README.md", "croissant.json", "publication.json", "data/verdicts.parquet"} <= tree.keys()
    assert f"{hub.url}/datasets/me/mine" in tree["croissant.json"].decode()
    back = copycat("pull", f"me/mine@{commit}")
    assert back.returncode == 0, back.stderr
    folder = tmp_path / "results" / finished.name
    for name in ("table.md", "metrics.json", "requests.jsonl", "verdicts.jsonl"):
        assert (folder / name).read_text() == (finished / name).read_text()
    assert f'"revision": "{commit}"' in (folder / "manifest.json").read_text()


def test_what_an_earlier_publication_had_more_of_goes(hub, pointed, copy, tmp_path, monkeypatch):
    pointed(hub.url)
    monkeypatch.setattr("copycat.publish.write.SHARD", 1)
    monkeypatch.setattr("copycat.publish.write._AT_ONCE", 5)
    run = copy(invented=True)
    commits = []
    for pictures in (True, False):
        # All rows are in one file where there are no pictures.
        write(collect([run], pictures=pictures), tmp_path / "dataset")
        commits.append(upload(tmp_path / "dataset", "me/mine", "Publish"))
    first, second = (hub.tree("me/mine", c) for c in commits)
    assert first is not None
    assert second is not None
    assert "data/images-00002.parquet" in first[1]
    assert "data/images-00002.parquet" not in second[1]
    # A pinned revision is what it was.
    folder, commit = download(HubDataset("me/mine", commits[0]))
    assert commit == commits[0]
    (pulled,) = pull(folder, "me/mine", commit, lambda run, runs: tmp_path / "back", report)
    assert not pulled.withheld


@pytest.mark.parametrize(
    ("status", "token", "hint"),
    [
        (None, None, "needs a token that may write"),
        (None, "hf_wrong", "does not accept your token"),
        (403, TOKEN, "Your token may not write to me/mine"),
        (500, TOKEN, "The hub answered with status 500"),
    ],
)
def test_a_refused_upload_is_one_sentence(hub, pointed, published, status, token, hint):
    folder = published()
    pointed(hub.url, token)
    hub.forbid = status
    with pytest.raises(MissingRequirement, match=hint) as told:
        upload(folder, "me/mine", "Publish")
    assert "\n" not in str(told.value)
    assert "me/mine" not in hub.commits


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("me/none", "There is no dataset me/none on the hub, or it is private"),
        ("me/mine@nowhere", "has no revision nowhere"),
    ],
)
def test_a_refused_download_is_one_sentence(hub, pointed, wanted, hint):
    pointed(hub.url)
    hub.commits["me/mine"] = [("0" * 40, {})]
    with pytest.raises(MissingRequirement, match=hint) as told:
        download(hub_dataset(wanted))
    assert "\n" not in str(told.value)


def test_no_network_is_one_sentence(pointed, published):
    folder = published()
    pointed("http://127.0.0.1:9")
    with pytest.raises(MissingRequirement, match="cannot be reached, so me/mine was not written"):
        upload(folder, "me/mine", "Publish")
    with pytest.raises(MissingRequirement, match="cannot be reached, so me/mine was not read"):
        download(HubDataset("me/mine"))


@pytest.mark.parametrize(
    "name", ["mine", "a/b/c", "../x", "me/..", "me/mine@", "https://hub/me/mine", "me/ x"]
)
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(UserError, match="is not a dataset on the hub"):
        hub_dataset(name)


def test_a_revision_stands_after_the_name():
    assert hub_dataset("me/mine@v1.0") == HubDataset("me/mine", "v1.0")
    assert hub_dataset("me/mine") == HubDataset("me/mine", None)
