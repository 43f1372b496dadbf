"""Plan: every picture of a run, before any is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from copycat.api import connect
from copycat.characters import Character, Registry
from copycat.config import RunConfig
from copycat.device import resolve_device
from copycat.errors import UserError
from copycat.generators.base import CATALOG as GENERATORS
from copycat.hub import check_repository
from copycat.judges.base import answers, check_judge, identify
from copycat.judges.card import JudgeCard, load_judge_card
from copycat.llms.base import Chat
from copycat.llms.card import LLMCard
from copycat.loading import check_packages
from copycat.mitigations import Composition, World, parse
from copycat.mitigations.base import Gatekeeper
from copycat.mitigations.oracle import NoOracle
from copycat.models import ModelCard, load_card
from copycat.progress import Progress, Silent
from copycat.records import Request, Step, noise_seed
from copycat.runs.folder import RunFolder
from copycat.runs.replies import CachedChat, Replies, Unasked, replies_path

if TYPE_CHECKING:
    from copycat.intent.embedding import Embed

UNASKED = "unasked"
"""Name of the step of a request that a language model would have shaped, in a dry run."""


def plan(config: RunConfig, *, progress: Progress | None = None, ask: bool = True) -> list[Request]:
    """All requests, by prompt set, mitigation, run seed, character, prompt and image index.

    Language models are asked first, each distinct question once, and their replies kept on disk. Without
    `ask`, for a dry run, only replies that are there are used; a request that needs others is left as it
    was before its mitigation, with a step called `unasked` in its trail.
    """
    surroundings = world(config, ask=ask)
    mitigations = {spec: parse(spec).bound(surroundings) for spec in config.mitigations}
    # Its text encoder is loaded when a part first needs a guess.
    guesser = cache(lambda: NoOracle(surroundings))
    tell = None if config.oracle else (lambda request: guesser()(request))
    people = {c.slug: c for c in config.chosen()}

    def shaped(raw: Request) -> Request:
        try:
            return mitigations[raw.mitigation].apply(raw, people[raw.character], tell)
        except Unasked as e:
            return raw.model_copy(update={"trail": (Step(name=UNASKED, note=str(e)),)})

    raws = _raw(config)
    if ask:
        _refuse_idle_negatives(config.card(), [_offline(mitigations, raws, people, s) for s in mitigations])
    for spec, mitigation in mitigations.items():
        at_a_time = max(part.calls for part in mitigation.parts)
        if at_a_time and ask:
            mine = {(r.character, r.prompt): r for r in raws if r.mitigation == spec}
            _ahead(shaped, list(mine.values()), at_a_time, spec, progress or Silent())
    requests = [shaped(raw).sealed() for raw in raws]
    _refuse_idle_negatives(config.card(), requests)
    return requests


def _offline(
    mitigations: Mapping[str, Composition],
    raws: Sequence[Request],
    people: Mapping[str, Character],
    spec: str,
) -> Request:
    """The first request of `spec`, shaped by those parts alone that ask no language model."""
    raw = next(r for r in raws if r.mitigation == spec)
    parts = [p for p in mitigations[spec].parts if not p.calls and not isinstance(p, Gatekeeper)]
    return Composition(spec, parts).apply(raw, people[raw.character])


def _raw(config: RunConfig) -> list[Request]:
    """Every request as it is before its mitigation."""
    model, sampling = config.model_identity(), config.card().sampling
    characters = config.chosen()
    return [
        Request(
            model=model,
            character=character.slug,
            prompt_set=prompt.set,
            prompt_index=prompt.index,
            index=index,
            run_seed=run_seed,
            seed=noise_seed(run_seed, character.slug, prompt.set, prompt.index, index),
            mitigation=spec,
            source_prompt=prompt.text,
            content=prompt.content,
            prompt=prompt.text,
            sampling=sampling,
        )
        for prompts in config.load_prompts().values()
        for spec in config.mitigations
        for run_seed in config.seeds
        for character in characters
        for prompt in prompts
        if prompt.character == character.slug
        for index in range(config.images_per_prompt)
    ]


def _ahead(
    shaped: Callable[[Request], Request],
    raws: Sequence[Request],
    at_a_time: int,
    spec: str,
    progress: Progress,
) -> None:
    """Shape one request of each kind, for the sake of the replies that this leaves behind."""
    progress.start(f"ask for {spec}", len(raws))
    pool = ThreadPoolExecutor(at_a_time)
    try:
        for done in as_completed([pool.submit(shaped, raw) for raw in raws]):
            done.result()
            progress.advance(1)
    finally:
        # After a failure nothing more is asked.
        pool.shutdown(cancel_futures=True)
        progress.done()


def world(config: RunConfig, *, ask: bool = True) -> World:
    """What the mitigations of a run may know of it."""
    registry = config.load_registry()

    def looker(name: str) -> str:
        card = load_judge_card(name)
        if card.members:
            raise UserError(
                f"A filter asks one judge, and {card.name} is a panel; name one of its members: "
                f"filter[judge={card.members[0]}]."
            )
        check_judge(card, registry, ())
        if "which" not in answers(card):
            raise UserError(
                f"The judge {card.name} cannot say whom a picture shows, so it cannot be a filter's; name "
                "another: filter[judge=NAME] (copycat ls judges)."
            )
        return identify(card)

    return replace(
        model_world(config.model, registry, config.device, ask=ask), judge=config.judge, identify=looker
    )


def model_world(model: str, registry: Registry, device: str = "auto", *, ask: bool = True) -> World:
    """The same for a model and the characters that it is asked for."""
    card = load_card(model)

    @cache
    def embed() -> Embed:
        # It brings torch, which a plan without an embedding does not need.
        from copycat.mining.embedding import text_embedder

        return text_embedder(card)

    chats: dict[str, Chat] = {}
    replies = cache(lambda: Replies(replies_path()))

    def chat(llm: LLMCard) -> Chat:
        # Loaded once, whichever parts ask it.
        return chats.setdefault(llm.model_dump_json(), CachedChat(llm, device, replies(), ask=ask))

    return World(registry, encoder=card.identity(), embed=None if card.api else embed, chat=chat)


def _refuse_idle_negatives(card: ModelCard, requests: list[Request]) -> None:
    """A negative prompt that the model would ignore must not look like a guardrail that does not work."""
    idle = next((r for r in requests if r.negative and not card.steers(r.sampling.guidance)), None)
    if idle is None:
        return
    rewrite = "use a mitigation that changes the prompt, such as rewrite"
    if not card.negative_prompt:
        because = f" ({card.negative_advice})" if card.negative_advice else ""
        raise UserError(
            f"{card.title} takes no negative prompt{because}, so {idle.mitigation} would do nothing; "
            f"{rewrite}."
        )
    raise UserError(
        f"{card.title} runs without classifier-free guidance (guidance {card.guidance_off:g} or less), so "
        f"{idle.mitigation} would do nothing; {rewrite}, or raise --guidance."
    )


def prepare(config: RunConfig, requests: list[Request] | None = None) -> RunFolder:
    """The run's folder, begun or taken up again; `requests` is its plan, made here when not given.

    Raises RunConflict for another run's folder.
    """
    if requests is None:
        check(config)
        requests = plan(config)
    return RunFolder(config.folder).create(config, requests)


def check(config: RunConfig) -> None:
    """Say what a run would lack later, before anything is written or paid: a GPU, the judge's weights, a
    folder of its own. A run that was begun had it all."""
    folder = RunFolder(config.folder)
    folder.check_free(config)
    if not folder.manifest_path.exists():
        card = config.card()
        if card.api:
            GENERATORS.get(card.kind).reach(card)
        resolve_device(config.device, card.title, card.min_gpu_gb, card.lighter())
        check_packages(card.packages, card.title)
        for part in (card, *card.stages):
            if part.revision:
                check_repository(part.source, part.commit() or "", "model_index.json", card.title)
        motion = card.motion_adapter
        if motion and motion.revision:
            check_repository(motion.source, motion.commit() or "", "config.json", card.title)
        reviewers = dict.fromkeys(_reviewers(config))
        for name in {config.judge: None} | reviewers:
            check_judge_here(load_judge_card(name), config.device)
        together = [card.min_gpu_gb or 0, *(load_judge_card(name).min_gpu_gb or 0 for name in reviewers)]
        if reviewers and sum(together):
            # A filter's judge is in memory beside the model.
            resolve_device(config.device, f"{card.title} with the judge of its filter", sum(together))


def _reviewers(config: RunConfig) -> list[str]:
    """The judges that gates behind the model ask."""
    parts = [p for spec in config.mitigations for p in parse(spec).parts if p.judge is not None]
    here = world(config, ask=False)
    return [name for p in parts if (name := p.bound(here).judge) is not None]


def check_judge_here(judge: JudgeCard, device: str) -> None:
    """Raise a UserError that says what this machine lacks to ask it on `device`, which may be `auto`."""
    for m in judge.asked():
        if m.api:
            connect(m.api, f"The judge {m.name}")
        resolve_device(device, f"The judge {m.name}", m.min_gpu_gb)
        if m.revision:
            check_repository(m.source, m.commit() or "", "config.json", f"The judge {m.name}")
    identify(judge)
