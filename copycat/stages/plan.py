"""Plan: every picture of a run, before any is drawn."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from copycat.api import connect
from copycat.characters import Registry
from copycat.config import RunConfig
from copycat.device import resolve_device
from copycat.errors import UserError
from copycat.judges.card import load_judge_card
from copycat.mitigations import World, parse
from copycat.mitigations.oracle import NoOracle
from copycat.models import ModelCard, load_card
from copycat.records import Request, noise_seed
from copycat.runs.folder import RunFolder

if TYPE_CHECKING:
    from copycat.intent.embedding import Embed


def plan(config: RunConfig) -> list[Request]:
    """All requests, by prompt set, mitigation, run seed, character, prompt and image index."""
    model, sampling = config.model_identity(), config.card().sampling
    characters, sets = config.chosen(), config.load_prompts()
    surroundings = world(config)
    mitigations = {spec: parse(spec).bound(surroundings) for spec in config.mitigations}
    tell = None if config.oracle else NoOracle(surroundings)
    requests = []
    for prompts in sets.values():
        for spec, mitigation in mitigations.items():
            for run_seed in config.seeds:
                for character in characters:
                    for prompt in prompts:
                        if prompt.character != character.slug:
                            continue
                        for index in range(config.images_per_prompt):
                            raw = Request(
                                model=model,
                                character=character.slug,
                                prompt_set=prompt.set,
                                prompt_index=prompt.index,
                                index=index,
                                run_seed=run_seed,
                                seed=noise_seed(run_seed, character.slug, prompt.set, prompt.index, index),
                                mitigation=spec,
                                source_prompt=prompt.text,
                                prompt=prompt.text,
                                sampling=sampling,
                            )
                            requests.append(mitigation.apply(raw, character, tell).sealed())
    _refuse_idle_negatives(config.card(), requests)
    return requests


def world(config: RunConfig) -> World:
    """What the mitigations of a run may know of it."""
    return model_world(config.model, config.load_registry())


def model_world(model: str, registry: Registry) -> World:
    """The same for a model and the characters that it is asked for."""
    card = load_card(model)

    @cache
    def embed() -> Embed:
        # It brings torch, which a plan without an embedding does not need.
        from copycat.mining.embedding import text_embedder

        return text_embedder(card)

    return World(registry, card.identity(), None if card.api else embed)


def _refuse_idle_negatives(card: ModelCard, requests: list[Request]) -> None:
    """A negative prompt that the model would ignore must not look like a guardrail that does not work."""
    idle = next((r for r in requests if r.negative and not _steers(card, r)), None)
    if idle is None:
        return
    why, raise_it = (
        ("runs without classifier-free guidance (guidance 1 or less)", ", or raise --guidance")
        if card.negative_prompt
        else ("takes no negative prompt", "")
    )
    raise UserError(
        f"{card.title} {why}, so {idle.mitigation} would do nothing; "
        f"use a mitigation that changes the prompt, such as rewrite{raise_it}."
    )


def _steers(card: ModelCard, request: Request) -> bool:
    return card.negative_prompt and request.sampling.guidance > 1


def prepare(config: RunConfig, requests: list[Request] | None = None) -> RunFolder:
    """The run's folder, begun or taken up again; `requests` is its plan, made here when not given.

    Raises RunConflict for another run's folder. What a new run would lack later, a GPU or the judge's
    weights, is said here, before anything is written.
    """
    folder = RunFolder(config.folder)
    if not folder.manifest_path.exists():
        card = config.card()
        judge = load_judge_card(config.judge)
        for api, who in ((card.api, card.title), (judge.api, f"The judge {judge.name}")):
            if api:
                connect(api, who)
        resolve_device(config.device, card.title, card.min_gpu_gb)
        resolve_device(config.device, f"The judge {judge.name}", judge.min_gpu_gb)
        judge.identity()
    return folder.create(config, plan(config) if requests is None else requests)
