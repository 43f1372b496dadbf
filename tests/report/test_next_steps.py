"""The commands that a run suggests: they fit its model, and keep what its user chose."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from copycat.cli.main import app
from copycat.config import RunConfig
from copycat.report.next_steps import next_steps, run_again
from copycat.runs.manifest import Origin
from copycat.subjects.characters import Registry, load_registry
from tests.conftest import Tiny
from tests.helpers.synthetic import SyntheticRun


def parsed(command: str, monkeypatch: pytest.MonkeyPatch) -> RunConfig:
    """What `copycat` makes of the command; nothing is run."""
    import copycat.resolve
    import copycat.stages.run

    found: list[Any] = []
    monkeypatch.setattr(copycat.stages.run, "execute", lambda _, run, *__, **___: found.append(run))
    done = CliRunner().invoke(app, shlex.split(command))
    assert done.exception is None, done.output
    return RunConfig.model_validate(found[0].config)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"limit": 3, "seeds": (0,), "oracle": False},
        {"seeds": (7,), "prompts": ("description", "name"), "also": ("neutral",), "mitigations": ("none",)},
        {"seeds": (0, 2), "characters": ("abranel",), "images_per_prompt": 2, "device": "cpu", "workers": 2},
        {"steps": 3, "guidance": 2.5, "batch_size": 4, "dtype": "float32", "height": 32, "width": 32},
        {
            "judge": "menagerie-embedding",
            "measures": ("DETECT", "CONS"),
            "compile": False,
            "offload": "model",
        },
        {"max_cost": 25.0, "concurrency": 2, "cache": False, "batch": True},
        {"devices": ("cpu", "cuda:0"), "mitigations": ("none", "negprompt[keywords=3]", "gate+rewrite")},
    ],
)
def test_a_run_again_has_all_its_settings_but_its_folder_and_cap(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if "characters" in given:
        given["characters"] = (load_registry("menagerie").characters[0].slug,)
    config = RunConfig(**given, out=Path("somewhere"))
    again = parsed(run_again(config), monkeypatch)
    assert again == config.model_copy(update={"out": None, "max_cost": None})
    assert "_" not in run_again(config).replace(config.model, "")
    assert "--registry" not in run_again(config), "the model's own goes without saying"
    assert parsed(run_again(config, prompts=("name",)), monkeypatch).prompts == ("name",)


def test_a_folder_without_a_card_names_its_characters_and_judge(
    tiny_models: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_models.config(Path("x"), seeds=(0,)).config
    command = run_again(config)
    for option in ("--registry", "--judge", "--prompts"):
        assert option in command
    assert parsed(command, monkeypatch) == config.model_copy(update={"out": None})


def suggested(tmp_path: Path, **config: Any) -> list[str]:
    run = SyntheticRun(tmp_path / "run")
    run.configure(**config)
    return next_steps(run.data())


def test_the_guardrail_that_is_suggested_is_one_that_the_model_obeys(tmp_path: Path) -> None:
    kept = {"limit": 3, "seeds": (0,), "judge": "smolvlm2-2.2b", "registry": "unseen", "prompts": ("lm5",)}
    rest = "--prompts lm5 --seeds 1 --limit 3 --judge smolvlm2-2.2b"
    for model, guard in (
        ("sdxl", "rewrite+negprompt"),
        ("flux1-schnell", "rewrite"),
        ("flux1-dev@true-cfg", "rewrite+negprompt"),
        ("gpt-image-2", "rewrite"),
        ("no-such-model", "rewrite"),
    ):
        first, *_ = suggested(tmp_path, model=model, **kept)
        assert set(shlex.split(first)) >= {*shlex.split(rest), "--registry", "unseen"}
        assert f"--model {model} " in first
        assert f"--mitigation none,{guard} " in first
    # With the guidance that the run had, not with that of the card.
    assert "--mitigation none,rewrite " in suggested(tmp_path, model="sdxl", guidance=1.0, **kept)[0]


def test_what_was_run_is_not_suggested_again(tmp_path: Path) -> None:
    run = SyntheticRun(tmp_path / "run")
    run.configure(mitigations=("none", "rewrite+negprompt"), seeds=(0,), limit=2)
    again = "run --model menagerie --registry test --mitigation none,rewrite+negprompt"
    # A registry without prompt sets of its own has no other one to try.
    assert next_steps(run.data()) == [f"{again} --seeds 5 --limit 2", "ls runs"]
    run.registry = Registry("menagerie", 1, run.registry.characters)
    with_sets = next_steps(run.data())
    assert with_sets == [f"{again} --prompts description --seeds 1 --limit 2", f"{again} --seeds 5 --limit 2"]
    run.configure(prompts=("description",), seeds=tuple(range(9)))
    other, last = next_steps(run.data())
    assert "--prompts keywords" in other
    assert last == "ls runs"


def test_pictures_made_elsewhere_are_not_drawn_again(tmp_path: Path) -> None:
    run = SyntheticRun(tmp_path / "a run")
    run.manifest = run.manifest.model_copy(update={"origin": Origin(how="imported", source="theirs")})
    assert next_steps(run.data()) == [f"annotate '{run.path}'", "ls runs"]
