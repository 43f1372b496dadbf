"""What every attack keeps to, on the menagerie and on tiny pipelines of the SD and SDXL classes."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from copycat.attacks import CATALOG, Attack, Attacked, parse
from copycat.cards.llms import LLMCard
from copycat.errors import UserError
from copycat.generators.pipelines import load_pipeline
from copycat.llms.base import Chat, Message, Reply
from copycat.mitigations import CATALOG as MITIGATIONS
from copycat.mitigations.erasure.delta import parameters
from copycat.records import Request
from copycat.resolve import ResolvedRun, resolve_settings
from copycat.runtime.progress import Progress
from copycat.stages import attacking
from copycat.stages.attack_models import AttackModels
from copycat.stages.plan import plan, raw_requests

pytestmark = pytest.mark.usefixtures("plugin")
QUICK = {
    "anchors": "queries=3",
    "arc": "queries=3,weights=1",
    "llm-rewrite": "queries=3",
    "paraphrase": "queries=3",
    "random": "queries=3",
    "ringabell": "queries=3,population=4,generations=4,rounds=2,length=4",
    "soft-prompt": "queries=3,steps=4,rounds=2,pictures=2",
    "translate": "queries=3",
    "typo": "queries=3",
    "udatk": "queries=3,timesteps=2,steps=2,draws=2",
    "shouting": "",
}
"""Options that make each as short as it can be."""
ATTACKS = [*CATALOG.names(), "shouting"]
GUARD = "rewrite"
"""Under which the plain prompt does not succeed, so that attacks have something to do."""


def test_every_attack_is_tested() -> None:
    assert sorted(CATALOG.names()) == sorted(QUICK), "and one of another package"
    assert not set(ATTACKS) & set(MITIGATIONS.names()), "a step of the provenance is known by its name"


def _spec(name: str, guard: str = "none") -> str:
    return f"{guard}@{name}[{QUICK[name]}]" if QUICK[name] else f"{guard}@{name}"


@pytest.fixture(params=["menagerie", "sd", "sdxl"])
def run(request: pytest.FixtureRequest, tiny_models: Any, tmp_path: Path) -> Callable[..., ResolvedRun]:
    """A run of one character and the given mitigations on one of the models."""

    def made(*mitigations: str, **given: Any) -> ResolvedRun:
        given = {"mitigations": mitigations, "limit": 1, "seeds": (0,), "out": tmp_path / "run", **given}
        if request.param == "menagerie":
            return resolve_settings(model="menagerie", **{"steps": 2, **given})
        return tiny_models.config(**{**given, "model": str(getattr(tiny_models, request.param))})

    return made


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


class Inventive(Chat):
    """A language model with another prompt at each turn."""

    identity = "inventive@0"

    def __init__(self, card: LLMCard, device: str) -> None:
        pass

    def ask(self, messages: Sequence[Message]) -> Reply:
        return Reply(text=f"an owl, seen for the {len(messages)}th time")


@pytest.fixture(autouse=True)
def llm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever language model is named, it is this one."""
    monkeypatch.setattr("copycat.resolve.load_chat", Inventive)


def _cache(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("COPYCAT_CACHE", str(folder))


def _told(requests: list[Request]) -> list[Any]:
    """All that they say but for seconds."""
    return [
        r.model_copy(
            update={
                "provenance": tuple(s.model_copy(update={"note": "", "seconds": None}) for s in r.provenance)
            }
        )
        for r in requests
    ]


def _attack(run: ResolvedRun, spec: str) -> Attack[Any]:
    made = run.mitigations[spec]
    assert isinstance(made, Attacked)
    return made.attack


class Interrupting(Progress):
    """Ctrl-C after the first search."""

    def advance(self, n: int) -> None:
        raise KeyboardInterrupt


@pytest.mark.parametrize("name", ATTACKS)
def test_contract(
    name: str, run: Callable[..., ResolvedRun], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One search and its repetition serve all of it, since drawing takes the time."""
    states: list[bool] = []
    close = AttackModels.close
    weights: dict[str, torch.Tensor] = {}

    def closing(models: Any) -> None:
        for held in (models._guarded, models._plain):
            if held is not None:
                fresh = weights or dict(parameters(load_pipeline(made.card, "cpu")))
                weights.update(fresh)
                states.append(all(torch.equal(p, fresh[n]) for n, p in parameters(held.pipeline).items()))
        close(models)

    monkeypatch.setattr(AttackModels, "close", closing)
    specs = ("none", _spec(name), _spec(name, GUARD))
    made = run(*specs)
    requests = plan(made)
    plain, attacked, guarded = requests
    assert plain == plan(run("none"))[0], "who is not attacked is asked for as ever"
    searches = _attack(made, _spec(name)).searches
    for request in (attacked, guarded):
        attack = _attack(made, request.mitigation)
        assert (request.seed, request.source_prompt) == (plain.seed, plain.source_prompt)
        assert attack.steps(request), "an attack leaves a trace"
        assert type(attack).options.model_validate(attack.steps(request)[0].config) == attack.config
        found = attack.found(request)
        assert (found is not None) == searches
        if found is not None:
            assert 1 <= found.queries <= attack.config.queries
            assert found.conditioning == "" or request.conditioning
    assert all(states), "a search leaves the weights as they are"
    assert bool(states) == searches
    _cache(monkeypatch, tmp_path / "again")
    if searches:
        with pytest.raises(KeyboardInterrupt):
            plan(made, progress=Interrupting())
    counted: list[int] = []
    search = attacking.search

    def counting(*given: Any) -> Any:
        counted.append(1)
        return search(*given)

    monkeypatch.setattr(attacking, "search", counting)
    # Made anew, so that nothing which an attack remembers makes it the same.
    assert _told(plan(run(*specs))) == _told(requests), "same seed, same result"
    left = 1 if searches else 0
    assert len(counted) == left, "the first had been kept, and is not searched again"
    plan(made)
    assert len(counted) == left


@pytest.mark.parametrize("name", ATTACKS)
def test_each_seed_is_searched_where_the_attack_looks_at_the_noise(
    name: str, run: Callable[..., ResolvedRun]
) -> None:
    made = run(_spec(name), seeds=(0, 1))
    attacked = made.mitigations[_spec(name)].bind(made.context(ask=False))
    assert isinstance(attacked, Attacked)
    searches = attacking.Searches(made, [attacked], None, None)
    raws = raw_requests(made)
    assert len(raws) == 2
    assert all(searches.concerns(raw) == attacked.attack.searches for raw in raws)
    if attacked.attack.searches:
        left = searches._left(_spec(name), raws)
        assert len(left) == (2 if attacked.attack.seeded else 1)


@pytest.mark.parametrize("name", ATTACKS)
def test_it_can_be_sent_to_another_process(name: str) -> None:
    made = parse(_spec(name))
    sent = pickle.loads(pickle.dumps(made))  # noqa: S301
    assert isinstance(sent, Attacked)
    assert isinstance(made, Attacked)
    assert sent.attack.config == made.attack.config
    assert (sent.spec, sent.guard.spec) == (made.spec, "none")


@pytest.mark.parametrize("name", ATTACKS)
def test_a_model_that_runs_elsewhere_is_attacked_from_outside_alone(name: str) -> None:
    from copycat.cards.models import load_card

    card = load_card("gpt-image-2")
    attack = CATALOG.get(name)(CATALOG.get(name).options())
    if type(attack).white_box:
        with pytest.raises(UserError, match="runs elsewhere"):
            attack.check(card)
    else:
        attack.check(card)
