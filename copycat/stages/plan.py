"""Plan: every picture of a run, before any is drawn."""

from __future__ import annotations

from copycat.config import RunConfig
from copycat.device import resolve_device
from copycat.judges.card import load_judge_card
from copycat.mitigations import parse
from copycat.records import Request, noise_seed
from copycat.runs.folder import RunFolder


def plan(config: RunConfig) -> list[Request]:
    """All requests, by prompt set, mitigation, run seed, character, prompt and image index."""
    model, sampling = config.model_identity(), config.card().sampling
    characters, sets = config.chosen(), config.load_prompts()
    requests = []
    for prompts in sets.values():
        for spec in config.mitigations:
            mitigation = parse(spec)
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
                            requests.append(mitigation.apply(raw, character).sealed())
    return requests


def prepare(config: RunConfig, requests: list[Request] | None = None) -> RunFolder:
    """The run's folder, begun or taken up again; `requests` is its plan, made here when not given.

    Raises RunConflict for another run's folder. What a new run would lack later, a GPU or the judge's
    weights, is said here, before anything is written.
    """
    folder = RunFolder(config.folder)
    if not folder.manifest_path.exists():
        card = config.card()
        resolve_device(config.device, card.title, card.min_gpu_gb)
        load_judge_card(config.judge).identity()
    return folder.create(config, plan(config) if requests is None else requests)
