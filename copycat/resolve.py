"""Resolving a run: what its settings mean here, found once, before anything is written.

A name that does not exist, or a setting that does not fit, is a UserError raised in this module; what this
machine or a guardrail lacks is said by the plan. Rooms pass the result on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from copycat.attacks import Attacked, crossed, parse
from copycat.cards.folders import is_pipeline
from copycat.cards.judges import JudgeCard, load_judge_card, own_encoder
from copycat.cards.llms import LLMCard
from copycat.cards.metering import check_capped
from copycat.cards.models import ModelCard, load_card
from copycat.cards.options import batching, check_size, with_variant
from copycat.config import RunConfig
from copycat.errors import UserError
from copycat.generators.base import CATALOG as GENERATORS
from copycat.io.cached import replies_path
from copycat.io.ledger import Ledger
from copycat.io.paths import expand
from copycat.judges.base import answers, check_judge, identify, usual_judge
from copycat.llms.base import CATALOG as LLM_KINDS
from copycat.llms.base import Chat, load_chat
from copycat.llms.replies import CachedChat, Replies
from copycat.measures import CONS_PROMPT, Measure, measures
from copycat.measures.questions import IDENTIFY
from copycat.mitigations import Composition, RunContext
from copycat.runtime.device import resolve_device
from copycat.subjects.characters import Character, Registry, load_registry
from copycat.subjects.innocents import innocents
from copycat.subjects.prompts import Prompt, available, load_prompts

if TYPE_CHECKING:
    from copycat.intent.embedding import Embed

UNGUARDED = "none"
"""The mitigation that does nothing."""


@dataclass(frozen=True)
class Judging:
    """Who is asked about a run's pictures, and for what numbers."""

    card: JudgeCard
    measures: tuple[Measure, ...]

    @property
    def identity(self) -> str:
        """What the verdicts are signed with."""
        return identify(self.card)


@dataclass(frozen=True)
class ResolvedRun:
    """Everything that a run's settings mean here. It can be sent to another process."""

    config: RunConfig
    card: ModelCard
    """With the run's own settings in place of the card's."""
    model: str
    """Card name and weights identity, with dtype and variant where they are not the card's."""
    registry: Registry
    characters: tuple[Character, ...]
    """In the registry's order when all are meant."""
    prompts: Mapping[str, tuple[Prompt, ...]]
    """By the name of the set, as it was asked for."""
    mitigations: Mapping[str, Composition]
    """By specification; not yet bound to a :class:`RunContext`, which may take loading a model."""
    judging: Judging
    features: JudgeCard | None = None
    """The encoder that tells how far innocent pictures are moved; None where none is known here."""
    taken: tuple[str, ...] = ()
    """What was taken or left out where the user named nothing, and why. One sentence each."""
    judge_taken: bool = False
    """Whether nobody named the judge of a model without a card."""

    @property
    def folder(self) -> Path:
        """Where the run lies; follows from the settings, so that the same command finds its own run."""
        if self.config.out is not None:
            return self.config.out
        first = Path(self.config.prompts[0]).stem
        return Path("results") / f"{self.card.name}-{first}-{self.config.digest[:6]}"

    def context(self, *, ask: bool = True, ledger: Ledger | None = None) -> RunContext:
        """What its mitigations may know; without `ask`, language models only repeat kept replies. What they
        cost is entered in `ledger`."""
        found = model_context(self.card, self.registry, self.config.device, ask=ask, ledger=ledger)
        return replace(
            found,
            judge=self.config.judge,
            identify=self._identify_filter_judge,
            characters=self.characters,
        )

    def filter_judges(self) -> tuple[JudgeCard, ...]:
        """The cards of the judges that output filters ask, each once. Raises UserError for one that cannot
        be asked which character a picture shows."""
        parts = [p for m in self.mitigations.values() for p in m.parts]
        asked = (p.asks(self.registry.name, self.config.judge) for p in parts)
        names = dict.fromkeys(name for name in asked if name is not None)
        for name in names:
            self._identify_filter_judge(name)
        return tuple(map(load_judge_card, names))

    def attack_judges(self) -> tuple[JudgeCard, ...]:
        """The cards of the judges that attacks ask while they search, each once. Raises UserError for one
        that cannot be asked about the run's characters."""
        attacks = [m.attack for m in self.mitigations.values() if isinstance(m, Attacked)]
        names = dict.fromkeys(a.config.judge or self.config.judge for a in attacks if a.searches)
        cards = tuple(map(load_judge_card, names))
        for card in cards:
            check_judge(card, self.registry, self.characters)
        return cards

    def _identify_filter_judge(self, name: str) -> str:
        card = load_judge_card(name)
        if card.members:
            raise UserError(
                f"A filter asks one judge, and {card.name} is a panel; name one of its members: "
                f"filter[judge={card.members[0]}]."
            )
        check_judge(card, self.registry, ())
        if not answers(card, IDENTIFY.kind):
            raise UserError(
                f"The judge {card.name} cannot say whom a picture shows, so it cannot be a filter's; name "
                "another: filter[judge=NAME] (copycat ls judges)."
            )
        return identify(card)


def resolve_settings(attacks: Sequence[str] | None = None, **given: Any) -> ResolvedRun:
    """The run with these settings of :class:`RunConfig`, where None means the default.

    Each of its mitigations is run under each of `attacks`, of which `none` leaves it as it is.
    """
    chosen = {k: v for k, v in given.items() if v is not None}
    try:
        name = chosen.get("model", "menagerie")
        card = load_card(name)
        left_out = _default_left_out(card, chosen)
        if left_out:
            chosen["mitigations"] = (UNGUARDED,)
        if attacks:
            guards = chosen.get("mitigations", RunConfig.model_fields["mitigations"].default)
            chosen["mitigations"] = crossed(guards, attacks)
        if _is_folder(name):
            run = _resolve_folder(card, chosen)
        else:
            whole = {"registry": card.registry, "judge": card.judge, **chosen}
            run = resolve(RunConfig.model_validate(whole))
        return replace(run, taken=(*run.taken, *left_out))
    except ValidationError as e:
        first = e.errors()[0]
        where = ".".join(str(part) for part in first["loc"][:1])
        raise UserError(f"Setting {where}: {first['msg']} (given: {first.get('input')!r}).") from e


def _default_left_out(card: ModelCard, chosen: Mapping[str, Any]) -> tuple[str, ...]:
    """What is said of the default guardrail where the model would ignore it and the user named none; empty
    where it acts, and where one was named, which is refused by the plan."""
    guidance = chosen.get("guidance", card.sampling.guidance)
    if "mitigations" in chosen or not isinstance(guidance, (int, float)) or card.steers(guidance):
        return ()
    raising = ", or raise --guidance" if card.negative_prompt else ""
    return (
        f"{card.ignores_negative(guidance)}, so negprompt, which stands beside none by default, is left out "
        "and only none is run; to see a guardrail, name one that changes the prompt: --mitigation "
        f"none,rewrite (MITIGATION=none,rewrite with make){raising}.",
    )


def _resolve_folder(card: ModelCard, chosen: Mapping[str, Any]) -> ResolvedRun:
    """The run of a folder without a card, with characters and judge for whom the user did not name them."""
    taken, told = dict(chosen), []
    asked = load_registry(taken.setdefault("registry", card.registry))
    if "registry" not in chosen:
        whose = "protected characters" if asked.protected else "characters"
        told.append(
            f"{card.name} is a folder without a card, so it is asked for the {len(asked)} {whose} of "
            f"{asked.name}; --registry NAME chooses others (copycat ls characters)."
        )
    if "judge" not in chosen:
        own = card.registry == taken["registry"]
        taken["judge"] = card.judge if own else usual_judge(asked)
        told.append(
            f"No judge was named, so {taken['judge']} is asked, the usual one of {asked.name}; --judge NAME "
            "chooses another (copycat ls judges)."
        )
    run = resolve(RunConfig.model_validate(taken))
    return replace(run, taken=(*told, *run.taken), judge_taken="judge" not in chosen)


def resolve(config: RunConfig) -> ResolvedRun:
    """What `config` means here. Raises UserError for whatever of it does not exist or does not fit."""
    card = _with_settings(load_card(config.model), config)
    GENERATORS.get(card.kind).check(card)
    registry = load_registry(config.registry)
    characters = registry.select(config.characters)
    if config.characters is not None:
        config = config.model_copy(update={"characters": tuple(c.slug for c in characters)})
    characters = characters[: config.limit]
    run = ResolvedRun(
        config=config,
        card=card,
        model=":".join(filter(None, (card.identity(), config.dtype, config.variant))),
        registry=registry,
        characters=characters,
        prompts={
            **{name: _prompts(name, registry) for name in config.prompts},
            **{kind: innocents(kind, registry, characters) for kind in config.also},
        },
        mitigations={spec: parse(spec) for spec in config.mitigations},
        judging=resolve_judging(config.judge, registry, characters, config.measures),
        features=_features(config, registry),
        taken=(_sampled(card),) if _is_folder(config.model) else (),
    )
    _check_innocents(config)
    _check_count(run)
    slugs = {c.slug for c in characters}
    for name, prompts in run.prompts.items():
        if not slugs & {p.character for p in prompts}:
            raise UserError(f"The prompt set {name} has no prompt for any of the chosen characters.")
    return run


MOST_PICTURES = 1_000_000
"""What one run may hold: its plan is made as a whole, at some kilobytes a picture."""


def _check_count(run: ResolvedRun) -> None:
    per_character = Counter(p.character for prompts in run.prompts.values() for p in prompts)
    prompts = sum(per_character[c.slug] for c in run.characters)
    config = run.config
    pictures = prompts * len(config.mitigations) * len(config.seeds) * config.images_per_prompt
    if pictures > MOST_PICTURES:
        raise UserError(
            f"That is {pictures:,} pictures, and one run holds at most {MOST_PICTURES:,}; ask for fewer with "
            "--images, --seeds or --limit, or part it into several runs."
        )


def _check_innocents(config: RunConfig) -> None:
    if config.also and UNGUARDED not in config.mitigations:
        raise UserError(
            "--also tells what guardrails change, so it needs the pictures without one: add none to "
            "--mitigation."
        )
    if config.also and CONS_PROMPT.name not in (config.measures or (CONS_PROMPT.name,)):
        raise UserError(
            f"--also needs {CONS_PROMPT.name} among --measures: the price on the innocent is what of it is "
            "lost."
        )
    if config.features and not config.also:
        raise UserError("--features is for the pictures of --also; add --also neutral,lookalikes.")
    clash = sorted(set(config.also) & set(config.prompts))
    if clash:
        raise UserError(f"{clash[0]} is among both --prompts and --also; leave it out of one of them.")


def _features(config: RunConfig, registry: Registry) -> JudgeCard | None:
    """The encoder that `config` names; else that of a detector for the registry whose weights are here."""
    if not config.also:
        return None
    if config.features:
        card = load_judge_card(config.features)
        if card.members or card.api or not card.source:
            raise UserError(
                f"{card.name} has no features of pictures; --features takes a judge card with weights, or "
                "the folder of a vision model (CLIP, SigLIP, DINO)."
            )
        return card
    return own_encoder(registry.name)


def resolve_judging(
    name: str, registry: Registry, characters: Iterable[Character], chosen: Iterable[str] | None = None
) -> Judging:
    """The judge called `name`, who is to be asked about `characters`, and the measures called `chosen`."""
    card = load_judge_card(name)
    check_judge(card, registry, characters)
    return Judging(card, measures(chosen))


def model_context(
    card: ModelCard,
    registry: Registry,
    device: str = "auto",
    *,
    ask: bool = True,
    ledger: Ledger | None = None,
) -> RunContext:
    """What mitigations may know of a model and the characters that it is asked for.

    What language models cost is entered in `ledger`; binding a mitigation to one whose price is not known
    raises MissingRequirement where that has a cap.
    """

    @cache
    def embed() -> Embed:
        # It brings torch, which a plan without an embedding does not need.
        from copycat.generators.text_encoder import text_embedder

        return text_embedder(card)

    chats: dict[str, Chat] = {}
    replies = cache(lambda: Replies(replies_path()))

    def load(llm: LLMCard) -> Chat:
        who = f"The language model {llm.name}"
        loaded = load_chat(llm, "cpu" if llm.api else resolve_device(device, who, llm.min_gpu_gb))
        if ledger is not None:
            loaded.charge(ledger)
        return loaded

    def chat(llm: LLMCard) -> Chat:
        kind = LLM_KINDS.get(llm.kind)
        cap = ledger.cap if ledger else None
        check_capped(llm, kind, f"The language model {llm.name}", cap, kind.call(llm, ()))
        # Loaded once, whichever parts ask it.
        made = CachedChat(llm, partial(load, llm), replies(), ask=ask)
        return chats.setdefault(llm.model_dump_json(), made)

    return RunContext(
        registry,
        encoder=card.identity(),
        embed=None if card.api else embed,
        chat=chat,
        erasers=card.erasers,
        hosted=card.api is not None,
    )


def _with_settings(card: ModelCard, config: RunConfig) -> ModelCard:
    """`card` with the settings that `config` puts in place of its own."""
    drawn = {k: v for k in _SAMPLED if (v := getattr(config, k)) is not None}
    sampling = card.sampling.model_copy(update=drawn)
    if set(drawn) - {"steps", "guidance"}:
        check_size(card, sampling)
    changes: dict[str, Any] = {
        **batching(card, config.batch_size, shared=config.shares_devices),
        "dtype": config.dtype,
        "offload": config.offload,
        "compile": config.compile,
        "min_gpu_gb": card.gb_with(config.offload) if config.offload else None,
    }
    told = {k: v for k, v in changes.items() if v is not None}
    changed = card.model_copy(update={**told, "sampling": sampling}).with_concurrency(config.concurrency)
    if config.variant is None:
        return changed
    bare = config.dtype is None and _is_folder(config.model)
    return with_variant(changed, config.variant, stored=bare)


_SAMPLED = ("steps", "guidance", "height", "width", "frames")


def _is_folder(model: str) -> bool:
    """Whether `model` is a diffusers folder without a card."""
    return is_pipeline(expand(model))


def _sampled(card: ModelCard) -> str:
    """How a folder without a card is sampled, why so, and how to change it."""
    s = card.sampling
    clip = f", {s.frames} frames at {s.fps} a second" if s.frames else ""
    more = ", --frames" if s.frames else ""
    idle = "" if card.steers(s.guidance) else ", at which no negative prompt acts"
    files = f" (files of the variant {card.variant})" if card.variant else ""
    return (
        f"{card.name} is drawn by {card.pipeline} with {s.steps} steps, guidance {s.guidance:g}{idle}, "
        f"{s.width}×{s.height} pixels{clip}, in {card.dtype}{files}. What you did not give yourself is "
        f"{card.settings_source}; --steps, --guidance, --height, --width{more}, --dtype and --variant change "
        "it, and a card keeps it (docs/add-a-model.md)."
    )


def _prompts(name: str, registry: Registry) -> tuple[Prompt, ...]:
    if name == "name" and name not in available(registry.name):
        # A registry of the user's own has no sets, but every character has a name.
        return tuple(
            Prompt(set=name, character=c.slug, text=c.name, provenance="the registry's name")
            for c in registry.characters
        )
    return load_prompts(name, registry.name)
