"""Plan: every picture of a run, before any is drawn."""

from __future__ import annotations

from copycat.config import RunConfig
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


def prepare(config: RunConfig) -> RunFolder:
    """The run's folder, begun or taken up again. Raises RunConflict for another run's folder."""
    return RunFolder(config.folder).create(config, plan(config))
