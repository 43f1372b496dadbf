"""Plan: every picture of a run, before any is drawn."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from typing import Any

from copycat.attacks import Attack, Attacked
from copycat.attacks.fitness import refuse_unfit
from copycat.cards.hooks import Conditioning
from copycat.cards.judges import JudgeCard
from copycat.cards.models import ModelCard
from copycat.cards.weights import Card
from copycat.config import RunConfig
from copycat.errors import MissingRequirement, Unasked, UserError
from copycat.generators.base import CATALOG as GENERATORS
from copycat.io.cached import CONDITIONINGS
from copycat.io.hub import check_repository
from copycat.io.ledger import Ledger
from copycat.io.loading import check_packages
from copycat.io.paths import cache_folder
from copycat.judges.base import CATALOG as JUDGES
from copycat.judges.base import identify
from copycat.mitigations import Composition, InputFilter
from copycat.mitigations.oracle import NoOracle
from copycat.records import Request, Step, noise_seed
from copycat.resolve import ResolvedRun
from copycat.runs.folder import RunFolder
from copycat.runs.spending import ledger_of
from copycat.runtime.progress import Progress
from copycat.stages.affordable import check_affordable
from copycat.stages.attacking import Searches
from copycat.stages.engine import choose_engine, encoder_device, engine_for
from copycat.subjects.innocents import is_innocent

UNASKED = "unasked"
"""Name of the step of a request that a language model would have shaped, in a dry run."""
UNSEARCHED = "unsearched"
"""Name of the step of a request that an attack would have searched for, in a dry run."""


def plan(
    run: ResolvedRun,
    *,
    progress: Progress | None = None,
    ask: bool = True,
    ledger: Ledger | None = None,
) -> list[Request]:
    """All requests, by prompt set, mitigation, run seed, character, prompt and image index.

    Language models are asked first, each distinct question once, and their replies kept on disk; then
    attacks search, each picture once, and what they find is kept on disk too. Without `ask`, for a dry run,
    only what is there is used; a request that needs more is left as it was before its mitigation, with a
    step called `unasked` or `unsearched` in its provenance. What all that costs is entered in `ledger`.
    """
    context = run.context(ask=ask, ledger=ledger)
    mitigations = {spec: made.bind(context) for spec, made in run.mitigations.items()}
    # Its text encoder is loaded when a part first needs a guess.
    guesser = cache(lambda: NoOracle(context))
    guess = None if run.config.oracle else (lambda request: guesser()(request))

    def keep(conditioning: Conditioning) -> None:
        if ask:
            conditioning.write(_conditionings())

    attacked = [made for made in mitigations.values() if isinstance(made, Attacked)]
    searches = Searches(run, attacked, guess, ledger)

    def shaped(raw: Request) -> Request:
        made, who = mitigations[raw.mitigation], run.registry[raw.character]
        try:
            if not (isinstance(made, Attacked) and searches.concerns(raw)):
                return made.apply(raw, who, guess, keep)
            outcome = searches.kept(raw)
            if outcome is None:
                return raw.model_copy(update={"provenance": (Step(name=UNSEARCHED),)})
            return made.strike(raw, who, outcome, guess, keep)
        except Unasked as e:
            return raw.model_copy(update={"provenance": (Step(name=UNASKED, note=str(e)),)})

    raws = raw_requests(run)
    if ask:
        refuse_idle_negatives(run.card, [_offline(run, made, raws) for made in mitigations.values()])
    for spec, mitigation in mitigations.items():
        at_a_time = max(part.calls for part in mitigation.parts)
        # What a search asks follows from what it finds.
        if at_a_time and ask and not any(a.spec == spec and a.attack.searches for a in attacked):
            mine = {(r.character, r.prompt): r for r in raws if r.mitigation == spec}
            _collect_replies(shaped, list(mine.values()), at_a_time, spec, progress or Progress())
    if ask:
        searches.make([raw for raw in raws if searches.concerns(raw)], progress or Progress())
    requests = [shaped(raw).with_id() for raw in raws]
    refuse_idle_negatives(run.card, requests)
    GENERATORS.get(run.card.kind).check_texts(run.card, requests, ask=ask)
    return requests


def _offline(run: ResolvedRun, composition: Composition, raws: Sequence[Request]) -> Request:
    """The first request of a mitigation, shaped by those of its parts alone that ask no language model."""
    raw = next(r for r in raws if r.mitigation == composition.spec)
    parts = [p for p in composition.parts if not p.calls and not isinstance(p, InputFilter)]
    return Composition(composition.spec, parts).apply(raw, run.registry[raw.character])


def raw_requests(run: ResolvedRun) -> list[Request]:
    """Every request as it is before its mitigation. Nobody attacks with an innocent prompt."""
    return [
        Request(
            model=run.model,
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
            sampling=run.card.sampling,
        )
        for prompts in run.prompts.values()
        for spec in run.config.mitigations
        for run_seed in run.config.seeds
        for character in run.characters
        for prompt in prompts
        if prompt.character == character.slug
        for index in range(run.config.images_per_prompt)
        if not (is_innocent(prompt.set) and isinstance(run.mitigations[spec], Attacked))
    ]


def _collect_replies(
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


def refuse_idle_negatives(card: ModelCard, requests: list[Request]) -> None:
    """A negative prompt that the model would ignore must not look like a guardrail that does not work."""
    idle = next((r for r in requests if r.negative and not card.steers(r.sampling.guidance)), None)
    if idle is None:
        return
    raising = ", or raise --guidance" if card.negative_prompt else ""
    raise UserError(
        f"{card.ignores_negative(idle.sampling.guidance)}, so {idle.mitigation} would do nothing; use a "
        f"mitigation that changes the prompt, such as rewrite{raising}."
    )


def _conditionings() -> Path:
    """Where the embeddings of planned requests wait until their run has a folder, named by their content."""
    return cache_folder() / CONDITIONINGS


def prepare(run: ResolvedRun, requests: list[Request] | None = None) -> RunFolder:
    """The run's folder, begun or taken up again; `requests` is its plan, made here when not given.

    Raises RunConflict for another run's folder.
    """
    if requests is None:
        check(run)
        requests = plan(run, ledger=ledger_of(RunFolder(run.folder), run.config.max_cost))
    folder = RunFolder(run.folder)
    begun = folder.manifest_path.exists()
    served = () if begun else GENERATORS.get(run.card.kind).probe(run.card, requests)
    return folder.create(run.config, requests, _conditionings(), run.taken, served)


def check(run: ResolvedRun) -> None:
    """Say what a run would lack later, before anything is written or paid: a GPU, the judge's weights, a
    folder of its own. A run that was begun had it all."""
    folder = RunFolder(run.folder)
    folder.check_free(run.config)
    check_affordable(run)
    if folder.manifest_path.exists():
        return
    check_offered(run)
    card, device = run.card, run.config.device
    if card.api:
        GENERATORS.get(card.kind).reach(card)
    engine_for(card, device, run.config, card.title, card.lighter(), run.folder)
    check_packages(card.packages, card.title)
    for part in (card, *card.stages):
        if part.revision:
            check_repository(part.source, part.commit() or "", "model_index.json", card.title)
    motion = card.motion_adapter
    if motion and motion.revision:
        check_repository(motion.source, motion.commit() or "", "config.json", card.title)
    asked = {judge.name: judge for judge in (*run.filter_judges(), *run.attack_judges())}
    filters = tuple(asked.values())
    for judge in (run.judging.card, *filters):
        try:
            check_judge_here(judge, device, run.config, run.folder)
        except MissingRequirement as e:
            if run.judge_taken and judge is run.judging.card:
                raise _unnamed_judge(run, e) from e
            raise
    if run.features is not None:
        # Alone in memory: the model and the judge are done by then.
        encoder_device(run.features, device, run.config)
    # The judge of a filter or an attack is in memory beside the model, and so is what an attack looks into.
    originals = [card] if any(p.white_box for m in run.mitigations.values() for p in _attacks(m)) else []
    together = _gb_together((card, *originals, *filters))
    if filters and together:
        whose = "filter" if run.filter_judges() else "attack"
        twice = ", with and without its guardrails," if originals else ""
        who = f"{card.title}{twice} with the judge of its {whose}"
        choose_engine(device, run.config, who, together, folder=run.folder)


def _attacks(composition: Composition) -> list[Attack[Any]]:
    """The attack that is in it, if any."""
    return [composition.attack] if isinstance(composition, Attacked) else []


def check_offered(run: ResolvedRun) -> None:
    """Say what no machine can do: ask a hosted model or judge that was shut down, have a model obey a
    negative prompt that it does not take, or a guardrail act in steps that are skipped. Nothing is asked for,
    and a run that was begun had it all."""
    if RunFolder(run.folder).manifest_path.exists():
        return
    run.card.check_served(run.card.title)
    for judge in run.judging.card.asked():
        judge.check_served(f"The judge {judge.name}")
    for spec, made in run.mitigations.items():
        if made.wraps_denoiser:
            run.card.check_every_step(f"a guardrail ({spec})")
        why = run.card.ignores_negative(run.card.sampling.guidance)
        for attack in _attacks(made):
            attack.check(run.card)
            refuse_unfit(attack, run.card, ask=False)
        if why and any(part.needs_guidance for part in made.everyone):
            raise UserError(f"{why}, so {spec} cannot act; use a mitigation of the prompt or of the weights.")
    context, raws = run.context(ask=False), raw_requests(run)
    refuse_idle_negatives(
        run.card, [_offline(run, made.bind(context), raws) for made in run.mitigations.values()]
    )


def _unnamed_judge(run: ResolvedRun, why: MissingRequirement) -> UserError:
    """What to say where the judge that nobody named cannot be asked here."""
    begun = (
        f"copycat run --model {shlex.quote(run.config.model)} --registry {shlex.quote(run.config.registry)}"
    )
    return UserError(
        f"{run.card.name} is a folder without a card, and the judge {run.judging.card.name} that would be "
        f"taken for it cannot be asked here ({str(why).rstrip('.')}). Say with --registry whom to ask for "
        f"and with --judge who judges, for instance `{begun} --judge gpt-4o` for a hosted one, or "
        f"`{begun} --judge smolvlm2-2.2b --device cpu` (copycat ls characters, copycat ls judges)."
    )


def check_judge_here(
    judge: JudgeCard, device: str, config: RunConfig | None = None, folder: Path | None = None
) -> None:
    """Raise a UserError that says what is lacking to ask it on `device`, which may be `auto`, with the engine
    that `config` names, about pictures in the run folder `folder`; by default in this process."""
    for m in judge.asked():
        m.check_served(f"The judge {m.name}")
        JUDGES.get(m.kind).reach(m)
        engine_for(m, device, config or RunConfig(), f"The judge {m.name}", folder=folder)
        if m.revision:
            check_repository(m.source, m.commit() or "", "config.json", f"The judge {m.name}")
    identify(judge)


def _gb_together(cards: Sequence[Card]) -> float | None:
    """GPU memory in GB that models need which are in memory together; None where a CPU runs them well. Those
    that run elsewhere need none."""
    return sum(card.min_gpu_gb or 0 for card in cards if card.api is None) or None
