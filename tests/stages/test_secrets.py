"""A server that sends back the key in all that it says: no file of a run, its cache or its dataset has it."""

from __future__ import annotations

import base64
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from copycat.errors import MissingRequirement
from copycat.publish.collect import collect
from copycat.publish.write import write
from copycat.resolve import ResolvedRun
from copycat.runs.folder import RunFolder
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import prepare
from copycat.stages.report import report
from copycat.stages.score import score
from tests.helpers.echo import running

KEY = 'canary-7f"\\3a/9c+1d=5b-0123456789'
FORMS = [KEY[:8], base64.b64encode(KEY.encode()).decode()[:20]]
"""What no file may hold: the key's beginning, as it is and as it is written elsewhere."""


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same server as a model, a judge and a language model."""
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COPYCAT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CREDENTIAL_OF_THE_SERVER", KEY)
    return tmp_path / "home"


def put(home: Path, url: str) -> None:
    api = {"base_url": url, "key_env": "CREDENTIAL_OF_THE_SERVER", "timeout": 5, "retries": 0}
    common = {"source": "m-1", "batch_size": 2, "api": api}
    model = {
        "name": "drawer", "title": "Drawer", "kind": "openai-images", "negative_prompt": False,
        "sampling": {"steps": 1, "guidance": 0, "height": 16, "width": 16},
    }  # fmt: skip
    told = {"models": model, "judges": {"name": "seer"}, "llms": {"name": "writer"}}
    for room, card in told.items():
        (home / room).mkdir(parents=True)
        whole = {"kind": "openai-chat", **common, **card}
        (home / room / f"{card['name']}.yaml").write_text(yaml.safe_dump(whole))


def texts(path: Path) -> str:
    """All that a file says, also what is compressed in it."""
    content = path.read_bytes().decode("utf-8", "replace")
    if path.suffix == ".parquet":
        content += str(pq.read_table(path).to_pylist())
    if path.suffix == ".png":
        with Image.open(path) as opened:
            opened.load()
            content += str(opened.info)
    return content


def planned(run: ResolvedRun) -> RunFolder:
    """The folder of `run`. Every fifth call fails, also of those that the plan takes, and is asked again."""
    for _ in range(9):
        try:
            return prepare(run)
        except MissingRequirement as e:
            told = str(e)
        assert "did not answer" in told
        assert not any(form in told for form in FORMS)
    raise AssertionError("no plan was made")


def test_no_file_holds_the_key(cards: Path, tmp_path: Path, config) -> None:
    with running() as url:
        put(cards, url)
        run = config(
            model="drawer",
            judge="seer",
            mitigations=("none", "rewrite-llm[model=writer,tries=2]"),
            seeds=(0, 1),
            steps=None,
            batch_size=None,
        )
        folder = planned(run)
        generate(folder, run)
        judge(folder)
    score(folder)
    # Both inside the page and beside it.
    report(folder)
    report(folder, where="beside")
    write(collect([RunFolder(folder.path)]), tmp_path / "dataset")
    data = folder.data()
    # It did send the key, in each of the ways.
    marked = "[redacted]"
    assert any(marked in (row.error or "") for row in data.image_rows)
    assert any(marked in (row.revised_prompt or "") for row in data.image_rows)
    assert any(marked in (v.reply or "") for v in data.verdicts)
    assert any(marked in str(v.answer) for v in data.verdicts)
    assert any(marked in r.prompt for r in data.requests), "the language model's words became a prompt"
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert {"report.html", "replies.jsonl", "images-00000.parquet"} <= {p.name for p in files}
    found = [(p.relative_to(tmp_path), form) for p in files for form in FORMS if form in texts(p)]
    assert found == []
