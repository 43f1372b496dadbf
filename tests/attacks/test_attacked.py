"""What an attacker does and what guardrails make of it, and in which order."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from copycat.attacks import Attack, Attacked, AttackOptions, Found, Outcome
from copycat.attacks import parse as attack_parse
from copycat.cards.hooks import Conditioning, DenoiseStep, WeightEdit
from copycat.errors import UserError
from copycat.mitigations import Options, RunContext, denoiser_key, parse
from copycat.mitigations.base import Mitigation
from copycat.mitigations.composition import HookResult
from copycat.records import Request, Step
from copycat.resolve import resolve_settings
from copycat.stages.plan import check_offered, raw_requests
from copycat.subjects.characters import Character
from tests.contracts.test_mitigations import CHARACTER, REGISTRY, REQUEST


class Doubling(Attack[AttackOptions]):
    """Doubles the prediction of whatever is beneath it, and asks for two of them."""

    name = "doubling"

    def edit_prompt(self, request: Request, character: Character) -> Request:
        return self.with_step(request, "two", prompt=f"two of {request.prompt}")

    def denoise(self, step: DenoiseStep) -> torch.Tensor:
        return 2 * step.predict()

    def texts(self, request: Request) -> tuple[str, ...]:
        return ("more",)


class Adding(Mitigation[Options]):
    """A guardrail that adds one to the prediction, and a token to the embeddings."""

    name = "adding"

    def edit_conditioning(
        self, request: Request, character: Character, conditioning: Conditioning | None
    ) -> Conditioning:
        known = conditioning.tokens["text_encoder"] if conditioning else {}
        return Conditioning(tokens={"text_encoder": {**known, "guard": torch.ones(2)}})

    def edit_model(self, base: str) -> WeightEdit | None:
        return None

    def denoise(self, step: DenoiseStep) -> torch.Tensor:
        return step.predict() + 1


def _attacked(attack: Attack[Any] | None = None, guard: str = "") -> Attacked:
    parts = parse(guard).parts if guard else [Adding(Options())]
    return Attacked(f"{guard or 'adding'}@x", parts, attack or Doubling(AttackOptions()))


def test_the_attackers_hook_is_around_those_of_the_guardrails() -> None:
    made = _attacked()
    request = made.apply(REQUEST, CHARACTER)
    hook = made.denoiser(request)
    assert hook is not None
    latents = torch.tensor([5.0])
    assert hook(DenoiseStep(latents, 0, (request,), {}, lambda step: step.latents)) == 2 * (5 + 1)
    drawing = made.while_drawing().denoiser(request)
    assert drawing is not None
    assert drawing(DenoiseStep(latents, 0, (request,), {}, lambda step: step.latents)) == 12
    assert list(drawing.texts(request)) == ["more"]  # type: ignore[attr-defined]
    assert made.wraps_denoiser
    assert denoiser_key(request) != denoiser_key(parse("none").apply(REQUEST, CHARACTER)) == ""


def test_a_rewriter_sees_the_attackers_prompt() -> None:
    request = _attacked(guard="rewrite").apply(REQUEST, CHARACTER)
    assert [s.name for s in request.provenance] == ["doubling", "rewrite", "doubling"]
    assert "two of" in request.prompt
    assert "Zori" not in request.prompt, "and undoes what it can"
    assert request.source_prompt == REQUEST.source_prompt


def test_guardrails_see_the_attackers_embeddings_and_the_last_are_kept() -> None:
    class Searched(Attack[AttackOptions]):
        name = "searched"

    mine = Conditioning(tokens={"text_encoder": {"attack": torch.zeros(2)}})
    found = Found(prompt="other words", conditioning=mine.sha, success=True, queries=3)
    kept: list[Conditioning] = []
    made = _attacked(Searched(AttackOptions()))
    request = made.strike(REQUEST, CHARACTER, Outcome(found, mine, 1.5), keep=kept.append)
    assert [sorted(c.tokens["text_encoder"]) for c in kept] == [["attack"], ["attack", "guard"]]
    assert request.conditioning == kept[-1].sha
    assert request.prompt == "other words"
    assert request.provenance[0].seconds == 1.5
    assert made.attack.found(request) == found
    assert made.attack.found(REQUEST) is None
    bare = Attacked("none@x", parse("none").parts, made.attack)
    assert bare.strike(REQUEST, CHARACTER, Outcome(found, mine)).conditioning == mine.sha


def test_guardrails_guess_and_the_attacker_knows() -> None:
    def nobody(request: Request) -> tuple[Step, Character | None]:
        assert request.prompt.startswith("two of"), "they guess from what they are sent"
        return Step(name="intent"), None

    request = _attacked(guard="rewrite").apply(REQUEST, CHARACTER, nobody)
    assert "rewrite" not in [s.name for s in request.provenance]
    assert request.prompt.startswith("two of Zori")


def test_an_attack_that_searches_cannot_be_applied_before_it_has() -> None:
    class Searching(Doubling):
        def attempts(self, victim: Any) -> Any:
            return iter(())

    with pytest.raises(RuntimeError, match="must search"):
        _attacked(Searching(AttackOptions())).apply(REQUEST, CHARACTER)


def test_a_model_that_runs_elsewhere_is_out_of_reach_of_its_sampler() -> None:
    with pytest.raises(UserError, match="doubling changes the weights, the embeddings or the denoising"):
        Attacked("none@x", parse("none").parts, Doubling(AttackOptions())).bind(
            RunContext(REGISTRY, hosted=True)
        )


def test_a_step_of_the_denoiser_is_the_attacks_own() -> None:
    request = _attacked().apply(REQUEST, CHARACTER)
    hooks = [s.name for s in request.provenance if s.result == HookResult(hook="denoise").model_dump()]
    assert hooks == ["adding", "doubling"]
    sent = pickle.loads(pickle.dumps(_attacked()))  # noqa: S301
    assert [p.name for p in sent.everyone] == ["adding", "doubling"]


def test_a_hosted_model_and_a_search_in_its_weights_are_refused_before_the_run(tmp_path: Path) -> None:
    run = resolve_settings(
        model="gpt-image-2", mitigations=("none",), attacks=("udatk",), out=tmp_path / "run"
    )
    with pytest.raises(UserError, match="udatk needs the weights of the model"):
        check_offered(run)
    check_offered(
        resolve_settings(model="gpt-image-2", mitigations=("none",), attacks=("typo",), out=tmp_path / "run")
    )


def test_nobody_attacks_with_an_innocent_prompt(tmp_path: Path) -> None:
    run = resolve_settings(
        mitigations=("none", "rewrite"), attacks=("none", "typo"), also=("lookalikes",), limit=3, out=tmp_path
    )
    raws = raw_requests(run)
    innocent = {r.mitigation for r in raws if r.prompt_set.startswith("also:")}
    assert innocent == {"none", "rewrite"}
    assert {r.mitigation for r in raws} == {"none", "none@typo", "rewrite", "rewrite@typo"}


def test_an_at_sign_in_an_option_is_not_that_of_the_attack() -> None:
    for spec in ("none@llm-rewrite[model=gpt-4o-mini,judge=foo@bar]", "none@typo", "none @ typo"):
        made = attack_parse(spec)
        assert isinstance(made, Attacked)
        assert made.guard.spec == "none"
