"""How the model in a folder is to be sampled, and whether it is distilled to few steps or without guidance.

The first of these counts that tells: a shipped card of the very same weights; what the folder's
configurations say of distillation; a shipped card that its weights are named after; the defaults of the
pipeline's class.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from copycat.cards.models import ModelCard
from copycat.cards.pipeline_folder import PipelineFolder
from copycat.cards.pipelines import parts_of, usual
from copycat.cards.weights import Weights
from copycat.errors import BadFile

FEW_STEPS = 4
"""What models are distilled to that draw in few steps; their makers say one to eight."""
_QUICK = re.compile(
    r"(?<![a-z0-9])(?:(?:sd|sdxl)?(?:turbo(?!-?squid)|lightning(?!-?mc-?queen))|schnell|lcm|hyper-?sd(?:xl|\d+)?|"
    r"distill(?:ed|ation)?|dmd)(?:v?\d+)?(?![a-z0-9])"
)
_CAMEL, _GAP = re.compile(r"(?<=[a-z])(?=[A-Z])"), re.compile(r"[\W_]+")


def _is_quick(name: str) -> bool:
    """Whether a word of `name` is that of a way of distilling; "calcm" and "hyperrealism" hold none."""
    return bool(_QUICK.search(_GAP.sub("-", _CAMEL.sub("-", name)).lower()))


@dataclass(frozen=True)
class Taken:
    """How it is sampled, and why so."""

    steps: int
    guidance: float
    why: str
    negative: bool = True
    """False where none could ever act."""
    advice: str = ""
    embedded: bool = False
    """Whether guidance is a number that the model reads."""
    card: ModelCard | None = None
    """Whose settings these are."""
    same: bool = False
    """Whether that card is of these very weights."""


def sampling_of(folder: PipelineFolder) -> Taken:
    """How `folder` is sampled where nothing else is said."""
    return _same_weights(folder) or _by_signs(folder) or _by_name(folder) or _defaults(folder)


def takes_negative(folder: PipelineFolder) -> bool:
    """Whether the pipeline has an argument for a negative prompt."""
    return bool({"negative_prompt", "negative_prompt_embeds"} & set(folder.call))


def guidance_argument(folder: PipelineFolder, *, embedded: bool) -> str:
    """`guidance_scale`, unless that is read by the model and another argument guides by a second pass."""
    if embedded or "true_cfg_scale" not in folder.call:
        return "guidance_scale"
    named = next((c.guidance_argument for c in folder.akin), None)
    return named or ("true_cfg_scale" if usual(folder.call, "guidance_scale") is None else "guidance_scale")


def _of_card(card: ModelCard, why: str, *, same: bool = False) -> Taken:
    s = card.sampling
    told = f"the settings of {card.name}, {why}"
    return Taken(s.steps, s.guidance, told, card.negative_prompt, card.negative_advice, card=card, same=same)


def _same_weights(folder: PipelineFolder) -> Taken | None:
    """A card of the weights themselves: by their hash, the hub's cache, or the hub's note on a download."""
    alone = [c for c in folder.akin if not c.stages and not c.motion_adapter]
    note = folder.path / ".cache" / "huggingface" / "download" / "model_index.json.metadata"
    commit = note.read_text(encoding="utf-8").partition("\n")[0].strip() if note.is_file() else ""
    cached = {p.removeprefix("models--").replace("--", "/") for p in folder.path.parts if "--" in p}
    for card in alone:
        if card.folder is not None:
            same = card.fingerprint() == _folder_hash(folder.path)
        else:
            same = card.source in cached or (bool(commit) and card.revision == commit)
        if same:
            return _of_card(card, "whose weights these are", same=True)
    return None


def _folder_hash(path: Path) -> str:
    """As the cards of folders tell their weights apart; "" for a folder that cannot be read as weights."""
    try:
        return Weights(source=str(path)).fingerprint()
    except BadFile:
        return ""


def _by_name(folder: PipelineFolder) -> Taken | None:
    """A card whose repository the folder, or the one its weights were made from, is called after."""
    names = {n.rstrip("/").rpartition("/")[2].lower() for n in folder.names}
    for card in folder.akin:
        if card.folder is None and not card.stages and card.source.rpartition("/")[2].lower() in names:
            return _of_card(card, f"after which its weights are named ({card.source})")
    if any(map(_is_quick, folder.names)):
        return _few_steps(folder, "going by its name, which is that of a model distilled to few steps")
    return None


def _defaults(folder: PipelineFolder) -> Taken:
    guidance = usual(folder.call, guidance_argument(folder, embedded=False))
    steps = usual(folder.call, "num_inference_steps")
    told = f"the defaults of {folder.class_name}"
    guided, quick = folder.like(guided=True), folder.like(guided=False)
    if guided and quick:
        told += f", as nothing in the folder says whether it is distilled like {quick.name}"
    like = next(iter(folder.akin), None)
    return Taken(
        int(steps or (like.sampling.steps if like else 50)),
        float(guidance if guidance is not None else (like.sampling.guidance if like else 5.0)),
        told,
        negative=takes_negative(folder),
        advice=f"{folder.class_name} has no argument for one",
    )


def _few_steps(folder: PipelineFolder, why: str, guidance: float = 0.0) -> Taken:
    """As the shipped card of a model of the class that runs without guidance, else in four steps."""
    found = [c for c in folder.akin if c.sampling.guidance <= c.guidance_off]
    like = min(found, key=lambda c: c.sampling.steps, default=None)
    if like and not guidance:
        return Taken(like.sampling.steps, like.sampling.guidance, f"{why}, as {like.name}")
    return Taken(FEW_STEPS, guidance, why)


# What configurations say of distillation. Each looks at a folder and says how it is sampled, or None.


def _flagged(folder: PipelineFolder) -> Taken | None:
    """The pipeline's own flag, as FLUX.2 [klein] has it: it then guides whatever it is asked."""
    flag = folder.index.get("is_distilled")
    if flag is None:
        return None
    if flag:
        taken = _few_steps(folder, "its model_index.json says that it is distilled")
        return replace(taken, negative=False, advice="it is distilled and runs without guidance")
    found = _defaults(folder)
    return replace(found, why=f"{found.why}, as its model_index.json says that it is not distilled")


def _reads_guidance(folder: PipelineFolder) -> Taken | None:
    """Guidance as a number that the denoiser reads (FLUX.1 [dev], Meng et al. 2023)."""
    if not folder.drawn_by.get("guidance_embeds") or "guidance_scale" not in folder.call:
        return None
    found = usual(folder.call, "guidance_scale")
    why = f"the defaults of {folder.class_name}; its guidance is a number that the distilled model reads"
    advice = "its guidance is a number that the distilled model reads, not classifier-free guidance"
    steps = int(usual(folder.call, "num_inference_steps") or 50)
    return Taken(steps, float(3.5 if found is None else found), why, False, advice, embedded=True)


def _reads_none(folder: PipelineFolder) -> Taken | None:
    """A pipeline for models that read their guidance, with one that does not (FLUX.1 [schnell])."""
    both = {"true_cfg_scale", "guidance_scale"} <= set(folder.call)
    if not both or usual(folder.call, "guidance_scale") is None or "guidance_embeds" not in folder.drawn_by:
        return None
    taken = _few_steps(folder, "its transformer reads no guidance")
    advice = (
        "its transformer reads no guidance; in a card `guidance_argument: true_cfg_scale` adds a second pass"
    )
    return replace(taken, negative=False, advice=advice)


def _consistency(folder: PipelineFolder) -> Taken | None:
    """Latent consistency models (Luo et al. 2023): the denoiser reads the guidance."""
    if not folder.drawn_by.get("time_cond_proj_dim"):
        return None
    advice = "it is a latent consistency model, whose guidance is a number that it reads"
    return Taken(FEW_STEPS, 8.5, "its denoiser is that of a latent consistency model", False, advice)


def _quick_scheduler(folder: PipelineFolder) -> Taken | None:
    """Weights that a consistency model or its like was merged into, with the scheduler for that."""
    name = str(folder.scheduler.get("_class_name", ""))
    if name not in {"LCMScheduler", "TCDScheduler"}:
        return None
    return _few_steps(folder, f"its {name} is for models distilled to few steps", 1.0)


def _trailing(folder: PipelineFolder) -> Taken | None:
    """SD-Turbo and SDXL-Turbo (Sauer et al. 2023) differ from their teachers in this setting alone."""
    s = folder.scheduler
    usual_noise = s.get("prediction_type", "epsilon") == "epsilon" and not s.get("rescale_betas_zero_snr")
    if s.get("timestep_spacing") != "trailing" or not usual_noise or "unet" not in parts_of(folder.kind):
        return None
    return _few_steps(folder, "its scheduler's trailing timesteps are those of SD-Turbo and SDXL-Turbo")


def _shifted(folder: PipelineFolder) -> Taken | None:
    """Z-Image and Z-Image-Turbo have the same configurations but for the scheduler's shift, 6 and 3."""
    shift = float(folder.scheduler.get("shift") or 0)
    guided = _SHIFTS.get((folder.class_name, shift))
    card = None if guided is None else folder.like(guided)
    return _of_card(card, f"whose scheduler has this shift ({shift:g})") if card else None


_SHIFTS = {("ZImagePipeline", 3.0): False, ("ZImagePipeline", 6.0): True}
"""Whether a model guides, by its pipeline and the shift of its scheduler."""


_SIGNS: tuple[Callable[[PipelineFolder], Taken | None], ...] = (
    _flagged, _consistency, _reads_guidance, _reads_none, _quick_scheduler, _trailing, _shifted,
)  # fmt: skip


def _by_signs(folder: PipelineFolder) -> Taken | None:
    return next((taken for sign in _SIGNS if (taken := sign(folder))), None)
