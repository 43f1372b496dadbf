"""What is run where the user names no mitigation, of models that take a negative prompt and of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from copycat.cards.models import load_card
from copycat.cli.main import app
from copycat.errors import UserError
from copycat.resolve import ResolvedRun, resolve_settings
from copycat.runs.folder import RunFolder
from copycat.stages.plan import check_offered
from tests.conftest import Tiny
from tests.helpers import tiny_pipelines
from tests.helpers.loopback import Loopback, running
from tests.helpers.tiny_pipelines import shrunk

WITHOUT = ("gpt-image-2", "flux1-dev", "flux1-schnell", "flux1-schnell-hosted", "flux2-klein-4b")


@pytest.fixture
def server() -> Iterator[Loopback]:
    with running() as loopback:
        yield loopback


@pytest.mark.parametrize("model", WITHOUT)
def test_the_default_leaves_out_what_a_model_would_ignore_and_says_so(model: str) -> None:
    run = resolve_settings(model=model)
    assert run.config.mitigations == ("none",)
    (told,) = run.taken
    assert told.startswith(f"{load_card(model).title} takes no negative prompt")
    assert "negprompt, which stands beside none by default, is left out" in told
    assert "--mitigation none,rewrite" in told
    check_offered(run)
    # What was asked for by name is refused, and not left out.
    named = resolve_settings(model=model, mitigations=("none", "negprompt"))
    assert named.taken == ()
    with pytest.raises(UserError, match=r"takes no negative prompt.* so negprompt would do nothing"):
        check_offered(named)
    check_offered(resolve_settings(model=model, mitigations=("none", "rewrite")))


@pytest.mark.parametrize("model", ["menagerie", "sdxl", "flux1-dev@true-cfg", "flux2-klein-base-4b"])
def test_a_model_that_takes_one_is_run_as_before(model: str) -> None:
    run = resolve_settings(model=model)
    assert run.config.mitigations == ("none", "negprompt")
    assert run.taken == ()


def test_without_guidance_it_is_left_out_too() -> None:
    run = resolve_settings(model="sdxl", guidance=1.0)
    assert run.config.mitigations == ("none",)
    assert "or raise --guidance" in run.taken[0]
    assert resolve_settings(model="sdxl", guidance=1.5).config.mitigations == ("none", "negprompt")


def _card(home: Path, card: dict[str, Any], folder: str = "models") -> None:
    (home / folder).mkdir(parents=True, exist_ok=True)
    (home / folder / f"{card['name']}.yaml").write_text(yaml.safe_dump(card))


def _hosted(home: Path, server: Loopback) -> None:
    sampling = {"steps": 1, "guidance": 0, "height": 16, "width": 16}
    api = {"base_url": server.url, "key_env": None, "timeout": 5}
    told = {"title": "Mine", "kind": "openai-images", "negative_prompt": False, "sampling": sampling}
    _card(home, {"name": "mine", "source": "drawer-1", **told, "api": api})


def _tiny(home: Path, pipeline: str, like: str) -> None:
    root = home / "weights"
    card = shrunk(load_card(like), lambda name: tiny_pipelines.build(name, root / name))
    assert card.pipeline == pipeline
    _card(home, {**card.model_dump(mode="json", exclude_unset=True), "name": "mine", "min_gpu_gb": None})


KINDS: dict[str, Callable[[Path, Loopback], None]] = {
    "openai-images": _hosted,
    "flux": lambda home, _: _tiny(home, "FluxPipeline", "flux1-schnell"),
    "klein": lambda home, _: _tiny(home, "Flux2KleinPipeline", "flux2-klein-4b"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_program_runs_it_to_the_end_and_the_next_commands_fit(
    kind: str, tmp_path: Path, tiny_models: Tiny, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path / "home"))
    KINDS[kind](tmp_path / "home", server)
    common = (
        *(
            "run",
            "--model",
            "mine",
            "--registry",
            str(tiny_models.registry),
            "--judge",
            str(tiny_models.judge),
        ),
        *("--prompts", str(tiny_models.prompts), "--seeds", "1", "--limit", "1", "--device", "cpu"),
    )
    refused = CliRunner().invoke(
        app, [*common, "--mitigation", "none,negprompt", "--out", str(tmp_path / "no")]
    )
    assert isinstance(refused.exception, UserError)
    assert not (tmp_path / "no").exists()
    done = CliRunner().invoke(app, [*common, "--out", str(tmp_path / "run")])
    assert done.exception is None, done.output
    said = " ".join(done.output.split())
    assert "negprompt, which stands beside none by default, is left out" in said
    data = RunFolder(tmp_path / "run").open().data()
    assert {r.mitigation for r in data.requests} == {"none"}
    assert data.finished
    first = next(line.split() for line in done.output.splitlines() if " run --model mine " in line)
    assert first[first.index("--mitigation") + 1] == "none,rewrite"
    again = CliRunner().invoke(app, [*first[1:], "--dry-run"])
    assert again.exception is None, again.output
    assert "1 characters × 1 seeds" in again.output


def test_the_python_interface_takes_the_same_default(
    config: Callable[..., ResolvedRun], tmp_path: Path
) -> None:
    given = config().config.model_dump(exclude={"mitigations", "guidance"}, exclude_unset=True)
    assert resolve_settings(**given, guidance=1.0).config.mitigations == ("none",)
