"""A model behind a server of one's own: the menagerie's, really run behind the interface of vLLM-Omni and
SGLang Diffusion, and servers that ignore what they are sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from copycat.cards.models import load_card
from copycat.errors import BadFile, MissingRequirement, UserError
from copycat.generators.base import CATALOG, load_generator
from copycat.report.table import table_markdown
from copycat.resolve import ResolvedRun, resolve_settings
from copycat.stages.plan import plan, prepare
from tests.helpers.served import MODEL, Served, program, serving

FIELDS = {
    "seed": "seed",
    "negative": "negative_prompt",
    "steps": "num_inference_steps",
    "guidance": "guidance_scale",
}


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(Served()) as server:
        yield server


@pytest.fixture
def card(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes a model card for the server to the user's folder, with changes; returns its name."""
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path / "home"))
    folder = tmp_path / "home/models"
    folder.mkdir(parents=True)

    def write(*, api: dict[str, Any] | None = None, **changes: Any) -> str:
        told = {
            "name": "served", "title": "Served", "kind": "openai-images", "source": MODEL, "batch_size": 2,
            "sampling": {"steps": 4, "guidance": 4, "height": 32, "width": 32}, "body_fields": FIELDS,
            "api": {"base_url": served.url, "retries": 0, "probe": True, **(api or {})}, **changes,
        }  # fmt: skip
        (folder / "served.yaml").write_text(yaml.safe_dump(told))
        return "served"

    return write


def resolved(tmp_path: Path, **given: Any) -> ResolvedRun:
    base = {"model": "served", "limit": 1, "seeds": (0,), "mitigations": ("none", "negprompt")}
    return resolve_settings(**{**base, "out": tmp_path / "run", **given})


def test_it_draws_what_the_same_weights_draw_in_this_process(
    card: Any, served: Served, tmp_path: Path
) -> None:
    card(api={"options": {"response_format": "b64_json", "enable_teacache": False}})
    requests = plan(resolved(tmp_path))
    with load_generator(load_card("menagerie"), "cpu") as local:
        # Servers take seeds below 2³¹, and draw one picture a request.
        small = [r.model_copy(update={"seed": r.seed % 2**31}) for r in requests]
        expected = [local.generate([r])[0].image for r in small]
    with load_generator(load_card("served"), "cpu") as generator:
        found = [outcome.image for outcome in generator.generate(requests)]
    assert [p.tobytes() for p in found] == [p.tobytes() for p in expected]
    assert len({p.tobytes() for p in found}) == len(requests) == 2
    by_prompt = [body for body in served.asked if body.get("negative_prompt")]
    assert len(by_prompt) == 1
    sent = served.asked[0]
    assert (sent["num_inference_steps"], sent["guidance_scale"], sent["size"]) == (4, 4.0, "32x32")
    assert sent["response_format"] == "b64_json"
    assert sent["enable_teacache"] is False


def test_what_a_probe_found_is_kept_and_a_dry_run_sends_nothing(
    card: Any, served: Served, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    told = ["run", "--model", card(), "--limit", "1", "--seeds", "1", "--out", str(out)]
    assert program(*told, "--dry-run") == 0
    assert served.asked == []
    folder = prepare(resolved(tmp_path))
    (sentence,) = folder.manifest().served
    assert sentence == (
        "The server of Served was probed: the same seed gives the same picture, another seed another. "
        "It obeys negative prompts."
    )
    assert sentence in table_markdown(folder.data())
    asked = len(served.asked)
    assert asked == 6
    prepare(resolved(tmp_path))
    assert len(served.asked) == asked, "a run that was begun is not probed again"


def test_negative_prompts_that_a_server_ignores_are_refused_before_anything_is_written(
    card: Any, served: Served, tmp_path: Path
) -> None:
    card()
    served.ignored = frozenset({"negative_prompt"})
    with pytest.raises(
        UserError, match=r"ignores negative prompts .*negprompt would do nothing; use .*rewrite"
    ):
        prepare(resolved(tmp_path))
    assert not (tmp_path / "run").exists()
    folder = prepare(resolved(tmp_path, mitigations=("none",)))
    assert "ignores negative prompts, of which this run has none" in folder.manifest().served[0]


@pytest.mark.parametrize(
    ("ignored", "says"),
    [
        (
            {"seed"},
            "ignores the seed .*not compared on the same noise.* obeys negative prompts cannot be told",
        ),
        ({"num_inference_steps"}, "ignores the number of steps"),
        ({"guidance_scale"}, "ignores the guidance"),
    ],
)
def test_what_else_a_server_ignores_is_said(
    ignored: set[str], says: str, card: Any, served: Served, tmp_path: Path
) -> None:
    card()
    served.ignored = frozenset(ignored)
    run = resolved(tmp_path)
    (sentence,) = CATALOG.get("openai-images").probe(run.card, plan(run))
    assert re.search(says, sentence), sentence
    assert sentence.count("ignores") == 1


def test_a_server_that_has_one_seed_for_all_is_found_out(card: Any, served: Served, tmp_path: Path) -> None:
    card()
    draw = served.draw
    served.draw = lambda body: draw({**body, "seed": 7})  # type: ignore[method-assign]
    run = resolved(tmp_path)
    (sentence,) = CATALOG.get("openai-images").probe(run.card, plan(run))
    assert "the same picture whatever the seed" in sentence


def test_rounding_from_call_to_call_is_no_other_picture(card: Any, served: Served, tmp_path: Path) -> None:
    card()
    draw, calls = served.draw, []

    def rounding(body: dict[str, Any]) -> Any:
        calls.append(body)
        # A slightly other guidance, as batches of another size on a GPU would round it.
        return draw({**body, "guidance_scale": body["guidance_scale"] * (1 + 1e-3 * len(calls))})

    served.draw = rounding  # type: ignore[method-assign]
    run = resolved(tmp_path)
    (sentence,) = CATALOG.get("openai-images").probe(run.card, plan(run))
    assert "the same picture but for rounding" in sentence
    assert "It obeys negative prompts." in sentence


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"models": ("flux",)}, f"serves flux and not {MODEL}"),
        ({"broken": True}, "does not draw the test picture .*no such size.*nothing was written"),
        ({"key": "secret"}, "refuses the key"),
    ],
)
def test_a_server_that_cannot_draw_is_one_clear_line(
    fault: dict[str, Any], says: str, card: Any, served: Served, tmp_path: Path
) -> None:
    card()
    for name, value in fault.items():
        setattr(served, name, value)
    with pytest.raises(MissingRequirement, match=says):
        prepare(resolved(tmp_path))
    assert not (tmp_path / "run").exists()


def test_what_is_not_asked_for_is_not_probed(card: Any, served: Served, tmp_path: Path) -> None:
    card(api={"probe": False})
    folder = prepare(resolved(tmp_path))
    assert served.asked == []
    assert folder.manifest().served == ()


def test_a_card_that_promises_what_is_not_sent_is_refused(card: Any, tmp_path: Path) -> None:
    card(body_fields={"seed": "seed"})
    with pytest.raises(BadFile, match=r"none would be sent.*body_fields"):
        resolved(tmp_path)
    card(kind="inference-providers")
    with pytest.raises(BadFile, match="body_fields, which kind inference-providers does not send"):
        resolved(tmp_path)
    card(api={"options": {"seed": 1}})
    with pytest.raises(UserError, match="seed, which copycat sets itself"):
        load_generator(load_card("served"), "cpu")


def test_the_fields_and_the_weights_are_part_of_what_it_is(card: Any, served: Served) -> None:
    card()
    whole = load_card("served").identity()
    assert served.url in whole
    card(body_fields={"negative": "negative_prompt"})
    assert load_card("served").identity() != whole
    ids = set()
    for url in (served.url, "http://elsewhere:1/v1"):
        card(api={"revision": "75e0b4b", "base_url": url})
        ids.add(load_card("served").identity())
    assert len(ids) == 1
    assert "@75e0b4b+" in ids.pop()
