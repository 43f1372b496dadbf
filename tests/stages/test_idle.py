"""Negative prompts that do nothing are found out at the first pair of pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from copycat.errors import UserError
from copycat.records import ImageRow, Request, Review, Sampling
from copycat.resolve import ResolvedRun
from copycat.stages.generate import generate
from copycat.stages.idle import IdleNegatives
from copycat.stages.plan import prepare
from tests.conftest import Tiny


@pytest.fixture
def deaf(tiny_models: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A card that claims guidance where its pipeline makes none, as a card for a distilled model may."""
    card = {
        "name": "deaf", "title": "Deaf", "pipeline": "StableDiffusionPipeline", "source": str(tiny_models.sd),
        "sampling": {"steps": 2, "guidance": 1.0, "height": 16, "width": 16}, "guidance_off": 0.0,
        "null_components": ["safety_checker"],
    }  # fmt: skip
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path / "home"))
    (tmp_path / "home/models").mkdir(parents=True)
    (tmp_path / "home/models/deaf.yaml").write_text(yaml.safe_dump(card))
    return "deaf"


def test_a_run_stops_at_the_first_pair_and_keeps_what_it_drew(
    deaf: str, config: Callable[..., ResolvedRun]
) -> None:
    run = config(model=deaf, steps=None, batch_size=2)
    folder = prepare(run)
    said = "The negative prompt does nothing: Deaf gave the same picture of zori under none and negprompt"
    with pytest.raises(UserError, match=said):
        generate(folder, run)
    first = folder.data().images
    assert len(first) == 4, "the two batches of the first pair, of six"
    assert {r.outcome for r in first.values()} == {"ok"}
    assert folder.manifest().status == "interrupted"
    with pytest.raises(UserError, match=said):
        generate(folder, run)
    assert folder.data().images == first, "the same command draws no further picture"


def test_a_negative_prompt_that_acts_stops_nothing(config: Callable[..., ResolvedRun]) -> None:
    folder = prepare(config(limit=1, seeds=(0,), mitigations=("none", "negprompt", "negprompt[of=generic]")))
    assert generate(folder) == 3
    assert len({row.sha256 for row in folder.data().images.values()}) == 3
    assert folder.manifest().without_negative.startswith("what its pipeline puts there")


SAMPLING = Sampling(steps=1, guidance=5, height=16, width=16)


def request(mitigation: str, negative: str = "", *, place: int = 0, **more: Any) -> Request:
    given = {"prompt": "an owl", "seed": 7 + place, **more}
    return Request(
        model="m", character="zori", prompt_set="name", prompt_index=place, run_seed=0, mitigation=mitigation,
        source_prompt="an owl", negative=negative, sampling=SAMPLING, **given,
    ).with_id()  # fmt: skip


def stops(requests: list[Request], *rows: tuple[str, str | None, int | None]) -> bool:
    """Whether it stops; a row is an outcome, a hash, and the seed of a filter's last picture."""
    made = {
        r.id: (ImageRow(request=r.id, outcome=outcome, sha256=sha, review=_review(seed)),)  # type: ignore[arg-type]
        for r, (outcome, sha, seed) in zip(requests, rows, strict=False)
    }
    watched = IdleNegatives(requests)
    try:
        watched.check(made, "It")
    except UserError:
        return True
    return False


def _review(seed: int | None) -> Review | None:
    if seed is None:
        return None
    return Review(judges=(), seen=(), seed=seed, extra_pictures=0, answers=1, extra_seconds=0)


SAME, OTHER, ERROR = ("ok", "a", None), ("ok", "b", None), ("error", None, None)
REFUSED = ("refused_output", None, None)


@pytest.mark.parametrize(
    ("arms", "rows", "expected"),
    [
        ((request("none"), request("negprompt", "an owl")), (SAME, SAME), True),
        ((request("none"), request("negprompt", "an owl")), (SAME, OTHER), False),
        ((request("none"), request("negprompt", "an owl")), (SAME,), False),
        ((request("none"), request("negprompt", "an owl")), (REFUSED, REFUSED), False),
        ((request("none"), request("negprompt", "an owl")), (ERROR, SAME), False),
        # Words that come to the same.
        ((request("none"), request("gate+negprompt", "")), (SAME, SAME), False),
        ((request("negprompt", "an owl"), request("negprompt[k=5]", "an owl ")), (SAME, SAME), False),
        # Both beginnings are read by every tokenizer, or the difference may be cut off.
        ((request("negprompt", "an owl"), request("negprompt[k=5]", "a frog")), (SAME, SAME), True),
        (
            (request("negprompt", "an owl, " * 9), request("m", "an owl, " * 9 + "a frog")),
            (SAME, SAME),
            False,
        ),
        # Not a pair: another prompt, other noise, other weights.
        ((request("none"), request("n", "an owl", prompt="a frog")), (SAME, SAME), False),
        ((request("none"), request("n", "an owl", seed=9)), (SAME, SAME), False),
        ((request("none"), request("n", "an owl", variant="v")), (SAME, SAME), False),
        # A filter had one of them drawn again.
        ((request("filter"), request("n", "an owl")), (("ok", "a", 99), SAME), False),
        ((request("filter"), request("n", "an owl")), (("ok", "a", 7), SAME), True),
    ],
)
def test_what_stops_a_run(
    arms: tuple[Request, ...], rows: tuple[tuple[str, str | None, int | None], ...], expected: bool
) -> None:
    assert stops(list(arms), *rows) is expected


def test_the_first_pair_with_two_pictures_decides() -> None:
    plan = [request(m, n, place=i) for i in (0, 1, 2) for m, n in (("none", ""), ("negprompt", "an owl"))]
    assert [r.prompt_index for r in IdleNegatives(plan).first()] == [0, 0]
    assert stops(plan, REFUSED, SAME, SAME, SAME)
    assert not stops(plan, SAME, OTHER, SAME, SAME)
    assert not stops(plan, ERROR, SAME, SAME, OTHER, SAME, SAME)
