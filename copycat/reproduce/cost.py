"""What a run will take, as far as it is known beforehand: hours, gigabytes, licences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from copycat.cards.judges import JudgeCard
from copycat.cards.models import ModelCard
from copycat.cards.seconds import seconds
from copycat.cards.weights import Card, Weights
from copycat.io.hub import download_gb
from copycat.resolve import ResolvedRun
from copycat.stages.plan import raw_requests


@dataclass(frozen=True)
class Cost:
    """One model's run; None is unknown."""

    model: str
    pictures: int
    """Pictures or clips, at most."""
    hours: float | None
    """Of drawing."""
    judge_hours: float | None
    """Of the local judge; None for a hosted one."""
    gpu_gb: float | None
    downloads: tuple[tuple[str, float | None], ...]
    """What is fetched from the hub, with its size in GB; of what is here already 0."""
    licences: tuple[tuple[str, str], ...]
    """Of the model and its judge."""
    gated: tuple[str, ...]
    """Whose weights are: of the model and its judge."""


def cost(model: str, run: ResolvedRun, conditions: int) -> Cost:
    """What `run` takes with so many conditions. Sizes are asked of the hub, which may not be reachable."""
    config, card, judge = run.config, run.card, run.judging.card
    pictures = len(run.characters) * len(config.seeds) * config.images_per_prompt * conditions
    each, known = seconds().seconds.get(model), seconds()
    local = judge.api is None and judge.min_gpu_gb
    asked = _questions(run) * conditions
    return Cost(
        model=model,
        pictures=pictures,
        hours=None if each is None else pictures * each / 3600,
        judge_hours=asked * known.judge_seconds / 3600 if local else None,
        gpu_gb=card.min_gpu_gb,
        downloads=tuple(_downloads(card, judge)),
        licences=tuple((c.name, c.licence) for c in (card, *judge.asked())),
        gated=(*((card.name,) if card.gated else ()), *(j.name for j in judge.asked() if j.gated)),
    )


def _questions(run: ResolvedRun) -> int:
    """What a judge is asked about the pictures of one condition, with every answer plain: a measure without
    anything to ask about a prompt asks nothing."""
    first = run.config.mitigations[0]
    return sum(
        len(measure.items(request, run.registry[request.character])) * len(request.sampling.judged)
        for request in raw_requests(run)
        for measure in run.judging.measures
        if request.mitigation == first and measure.ask is not None and measure.concerns(request)
    )


def _downloads(card: ModelCard, judge: JudgeCard) -> Iterable[tuple[str, float | None]]:
    parts: list[tuple[Weights, str | None]] = [(p, p.variant) for p in (card, *card.stages)]
    if card.motion_adapter:
        parts.append((card.motion_adapter, card.motion_adapter.variant))
    parts += [(j, None) for j in judge.asked()]
    for part, variant in parts:
        if part.revision and not (isinstance(part, Card) and part.api):
            yield part.source, download_gb(part.source, part.revision, variant)


def told(costs: Iterable[Cost]) -> list[str]:
    """Lines for a reader who decides whether to begin."""
    costs = list(costs)
    lines = []
    sizes: dict[str, float | None] = {}
    for c in costs:
        sizes |= dict(c.downloads)
        parts = [f"{c.pictures} pictures", _hours(c.hours, "drawing")]
        parts += [_hours(c.judge_hours, "judging")] if c.judge_hours is not None else []
        parts += [f"a GPU with {c.gpu_gb:g} GB"] if c.gpu_gb else []
        lines.append(f"{c.model}: at most {', '.join(parts)}")
        lines += [f"  licence of {name}: {licence}" for name, licence in c.licences]
        lines += [
            f"  the weights of {name} are gated: accept the licence on the hub, then `hf auth login`"
            for name in c.gated
        ]
    lines += [f"download {name}: {_gb(size)}" for name, size in sizes.items()]
    known = [size for size in sizes.values() if size is not None]
    lines.append(f"to download: {_total(known, len(sizes) - len(known))}")
    lines.append(f"Seconds a picture: {seconds().source}; a question: {seconds().judge_source}.")
    return lines


def _hours(hours: float | None, what: str) -> str:
    return f"an unknown time of {what}" if hours is None else f"about {hours:.1f} h of {what}"


def _total(known: list[float], unknown: int) -> str:
    if not unknown:
        return f"{sum(known):.1f} GB" if known else "nothing"
    return f"{sum(known):.1f} GB and what is unknown" if known else "unknown"


def _gb(size: float | None) -> str:
    if size is None:
        return "size unknown, since the hub does not answer"
    return f"{size:.1f} GB" if size else "here already"
