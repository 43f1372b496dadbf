"""Folders without a card: how they are sampled, in which precision, and what is said of what is no model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from copycat.cards.judges import load_judge_card
from copycat.cards.llms import load_llm_card
from copycat.cards.models import ModelCard, load_card
from copycat.cli.main import _from_home
from copycat.config import NOT_THE_RESULT, RunConfig
from copycat.errors import BadFile, UserError
from copycat.io.paths import DATA
from copycat.mitigations.rewrite_llm import Instructions
from copycat.records import digest
from copycat.resolve import resolve_settings
from copycat.stages.plan import check, plan, prepare
from copycat.subjects.characters import load_registry

Write = Callable[..., Path]
VAE = {"block_out_channels": [1, 2, 4, 8]}


def weights(path: Path, kind: Any = np.float32) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"w": np.zeros((4, 4), kind), "b": np.zeros(2, np.float32)}, path)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes what copycat reads of a pipeline's folder: configurations, and the heads of weight files."""

    def _write(pipeline: Any, name: str = "mine", **told: Any) -> Path:
        folder = tmp_path / name
        part = told.pop("part", "unet")
        configs = {
            "model_index.json": {"_class_name": pipeline, **told.pop("index", {})},
            f"{part}/config.json": told.pop("denoiser", {"sample_size": 64}),
            "scheduler/scheduler_config.json": told.pop("scheduler", {"_class_name": "DDIMScheduler"}),
            "vae/config.json": told.pop("vae", VAE),
        }
        assert not told
        for file, content in configs.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(json.dumps(content))
        weights(folder / part / "diffusion_pytorch_model.safetensors")
        return folder

    return _write


def flow(shift: float) -> dict[str, Any]:
    return {"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": shift}


READS = {"part": "transformer", "denoiser": {"guidance_embeds": True}}
READS_NONE = {"part": "transformer", "denoiser": {"guidance_embeds": False}}
TRAILING = {"_class_name": "EulerAncestralDiscreteScheduler", "timestep_spacing": "trailing"}
TRANSFORMER = {"part": "transformer", "denoiser": {"sample_size": None}}
SD, SDXL = "StableDiffusionPipeline", "StableDiffusionXLPipeline"


@pytest.mark.parametrize(
    ("pipeline", "told", "steps", "guidance", "steers", "why"),
    [
        (SD, {}, 50, 7.5, True, "the defaults of StableDiffusionPipeline"),
        (SDXL, {}, 50, 5.0, True, "the defaults"),
        (SDXL, {"scheduler": TRAILING}, 4, 0.0, False, "SDXL-Turbo"),
        (SDXL, {"scheduler": TRAILING | {"rescale_betas_zero_snr": True}}, 50, 5.0, True, "the defaults"),
        (SDXL, {"scheduler": {"_class_name": "LCMScheduler"}}, 4, 1.0, False, "LCMScheduler"),
        (SDXL, {"name": "my-lightning-merge"}, 4, 0.0, False, "going by its name"),
        (SDXL, {"name": "DreamShaperXL_lightningDPMSDE"}, 4, 0.0, False, "going by its name"),
        (SDXL, {"name": "Hyper-SD15"}, 4, 0.0, False, "going by its name"),
        (SDXL, {"name": "my_sdxlturbo_v2"}, 4, 0.0, False, "going by its name"),
        (SDXL, {"name": "hyperrealism-v3"}, 50, 5.0, True, "the defaults"),
        (SDXL, {"name": "hyper-detail"}, 50, 5.0, True, "the defaults"),
        (SDXL, {"name": "lightning-mcqueen-ft"}, 50, 5.0, True, "the defaults"),
        (SDXL, {"name": "LightningMcQueen"}, 50, 5.0, True, "the defaults"),
        (SDXL, {"name": "calcm"}, 50, 5.0, True, "the defaults"),
        (SDXL, {"name": "turbosquid-cars"}, 50, 5.0, True, "the defaults"),
        (SDXL, {"name": "playground-v2.5-1024px-aesthetic"}, 50, 3.0, True, "the settings of playground"),
        (SD, {"denoiser": {"sample_size": 64, "time_cond_proj_dim": 256}}, 4, 8.5, False, "consistency"),
        ("ZImagePipeline", {**TRANSFORMER, "scheduler": flow(3.0)}, 9, 0.0, False, "z-image-turbo"),
        ("ZImagePipeline", {**TRANSFORMER, "scheduler": flow(6.0)}, 50, 4.0, True, "settings of z-image,"),
        ("ZImagePipeline", {**TRANSFORMER, "scheduler": flow(2.0)}, 50, 5.0, True, "nothing in the folder"),
        ("ZImagePipeline", {**TRANSFORMER, "name": "Z-turbo"}, 9, 0.0, False, "going by its name"),
        ("FluxPipeline", READS, 28, 3.5, False, "reads"),
        ("FluxPipeline", READS_NONE, 4, 0.0, False, "reads no guidance"),
        ("Flux2KleinPipeline", {**TRANSFORMER, "index": {"is_distilled": True}}, 4, 1.0, False, "distilled"),
        ("Flux2KleinPipeline", {**TRANSFORMER, "index": {"is_distilled": False}}, 50, 4.0, True, "not dist"),
        ("QwenImagePipeline", TRANSFORMER, 50, 4.0, True, "the defaults"),
    ],
)  # fmt: skip
def test_how_a_folder_is_sampled_is_read_from_it(
    write: Write, pipeline: str, told: dict[str, Any], steps: int, guidance: float, steers: bool, why: str
) -> None:
    card = load_card(str(write(pipeline, **told)))
    assert (card.sampling.steps, card.sampling.guidance) == (steps, guidance)
    assert card.steers(card.sampling.guidance) is steers
    assert why in card.settings_source
    assert (card.registry, card.judge) == ("copycat", "qwen2.5-vl-7b")
    assert load_registry(card.registry).protected


@pytest.mark.parametrize(
    ("pipeline", "argument", "negative", "empty"),
    [
        ("QwenImagePipeline", "true_cfg_scale", "negative_prompt", " "),
        ("Flux2KleinPipeline", "guidance_scale", "negative_prompt_embeds", None),
        ("SanaPipeline", "guidance_scale", "negative_prompt", None),
    ],
)
def test_how_guidance_is_passed_is_a_fact_of_the_class(
    write: Write, pipeline: str, argument: str, negative: str, empty: str | None
) -> None:
    card = load_card(str(write(pipeline, **TRANSFORMER)))
    assert (card.guidance_argument, card.negative_argument) == (argument, negative)
    if empty is not None:
        assert card.empty_negative == empty


@pytest.mark.parametrize(
    ("pipeline", "told", "size"),
    [
        (SD, {}, (512, 512)),
        (SD, {"denoiser": {"sample_size": [48, 96]}}, (384, 768)),
        ("FluxPipeline", READS, (1024, 1024)),
        ("AuraFlowPipeline", {"part": "transformer", "denoiser": {"sample_size": 64}}, (1024, 1024)),
    ],
)
def test_the_size_is_what_the_pipeline_would_take(
    write: Write, pipeline: str, told: dict[str, Any], size: tuple[int, int]
) -> None:
    sampling = load_card(str(write(pipeline, **told))).sampling
    assert (sampling.height, sampling.width) == size


def test_a_video_pipeline_says_how_many_frames(write: Write) -> None:
    sides = {"sample_height": 60, "sample_width": 90, "sample_frames": 49}
    card = load_card(str(write("CogVideoXPipeline", part="transformer", denoiser=sides)))
    s = card.sampling
    assert (card.kind, s.frames, s.fps, s.height, s.width) == ("diffusers-video", 49, 8, 480, 720)


def test_the_hubs_own_note_tells_the_card_of_the_same_weights(write: Write) -> None:
    folder = write("ZImagePipeline", **TRANSFORMER)
    note = folder / ".cache" / "huggingface" / "download" / "model_index.json.metadata"
    note.parent.mkdir(parents=True)
    note.write_text(f"{load_card('z-image-turbo').revision}\nabc\n1.0\n")
    card, turbo = load_card(str(folder)), load_card("z-image-turbo")
    assert (card.sampling, card.call, card.negative_prompt) == (turbo.sampling, turbo.call, False)
    assert "whose weights these are" in card.settings_source


def test_a_copy_of_the_menagerie_is_the_menagerie(tmp_path: Path) -> None:
    shutil.copytree(DATA / "menagerie" / "generator", tmp_path / "copy")
    copy, own = load_card(str(tmp_path / "copy")), load_card("menagerie")
    told = ("sampling", "registry", "judge", "dtype", "null_components")
    assert [getattr(copy, k) for k in told] == [getattr(own, k) for k in told]
    assert copy.fingerprint() == own.fingerprint()


@pytest.mark.parametrize(
    ("pipeline", "why"),
    [
        ("StableDiffusionUpscalePipeline", "an upscaler"),
        ("IFSuperResolutionPipeline", "an upscaler"),
        ("StableDiffusionXLInpaintPipeline", "inpainting"),
        ("StableDiffusionXLImg2ImgPipeline", "image-to-image"),
        ("StableDiffusionControlNetPipeline", "ControlNet"),
        ("WanImageToVideoPipeline", "sets a picture or video in motion"),
        ("DDPMPipeline", "takes no prompt"),
        ("NoSuchPipeline", "the installed diffusers .* does not know"),
        (["pipeline", "Own"], "code that comes with weights is never run"),
    ],
)
def test_what_does_not_draw_from_words_is_one_sentence(write: Write, pipeline: Any, why: str) -> None:
    with pytest.raises(BadFile, match=why) as e:
        load_card(str(write(pipeline)))
    assert "\n" not in str(e.value)


def test_what_is_no_pipeline_is_named_for_what_it_is(tmp_path: Path, write: Write) -> None:
    lora = tmp_path / "lora"
    lora.mkdir()
    up = {"unet.to_q.lora_A.weight": np.zeros((1, 1), np.float32)}
    save_file(up, lora / "pytorch_lora_weights.safetensors")
    weights(tmp_path / "whole.safetensors")
    part = write(SD) / "unet"
    (part / "config.json").write_text('{"_class_name": "UNet2DConditionModel"}')
    inside = tmp_path / "outer"
    shutil.copytree(tmp_path / "mine", inside / "mine")
    for path, why in (
        (lora, "LoRA weights alone; merge them"),
        (lora / "pytorch_lora_weights.safetensors", "LoRA weights alone"),
        (tmp_path / "whole.safetensors", "a single file.*from_single_file"),
        (part, "one component .UNet2DConditionModel."),
        (inside, "outer/mine is; name that"),
        (DATA / "menagerie" / "judge", "named with --judge"),
        (tmp_path / "none" / "there", "There is no folder .*; name one with a pipeline"),
        ("someone/there", "There is no folder .*hf download someone/there"),
    ):
        with pytest.raises(BadFile, match=why):
            load_card(str(path))


def test_weights_of_one_variant_alone_are_found_in_their_precision(write: Write) -> None:
    folder = write(SDXL)
    plain = folder / "unet" / "diffusion_pytorch_model.safetensors"
    assert (load_card(str(folder)).variant, load_card(str(folder)).dtype) == (None, "float32")
    weights(plain.with_suffix(".fp16.safetensors"), np.float16)
    both = load_card(str(folder))
    assert (both.variant, both.dtype) == (None, "float32")
    plain.unlink()
    card = load_card(str(folder))
    assert (card.variant, card.dtype) == ("fp16", "float16")
    assert str(card.torch_dtype("cpu")) == "torch.float32"
    assert str(card.torch_dtype("cuda")) == "torch.float16"
    plain.with_suffix(".fp16.safetensors").unlink()
    weights(folder / "unet" / "diffusion_pytorch_model.fp16-00001-of-00002.safetensors", np.float16)
    assert load_card(str(folder)).variant == "fp16"


@pytest.mark.parametrize("key", ["dtype", "torch_dtype"])
def test_judges_and_language_models_load_in_the_precision_that_they_name(tmp_path: Path, key: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({key: "bfloat16"}))
    assert load_judge_card(str(tmp_path)).dtype == load_llm_card(str(tmp_path)).dtype == "bfloat16"
    (tmp_path / "config.json").write_text("{}")
    weights(tmp_path / "model.safetensors", np.float16)
    assert load_judge_card(str(tmp_path)).dtype == "float16", "as its files are stored"
    assert load_judge_card(str(tmp_path)).torch_dtype("cpu").is_floating_point
    (tmp_path / "model.safetensors").unlink()
    assert load_judge_card(str(tmp_path)).dtype == "float32"


def test_characters_and_judge_of_a_folder_are_said(write: Write) -> None:
    folder = write(SD)
    run = resolve_settings(model=str(folder), mitigations=("none",), steps=7)
    assert (run.registry.name, run.judging.card.name) == ("copycat", "qwen2.5-vl-7b")
    told = " ".join(run.taken)
    assert "protected characters of copycat; --registry" in told
    assert "qwen2.5-vl-7b is asked" in told
    assert "7 steps, guidance 7.5, 512×512 pixels, in float32" in told
    assert str(folder.parent) not in told, "what is published says nothing of this machine"
    named = resolve_settings(model=str(folder), registry="menagerie")
    assert named.judging.card.name == "menagerie", "the judge that knows these characters"
    assert len(named.taken) == 2
    assert not resolve_settings(model="menagerie").taken


def test_a_judge_that_nobody_named_and_that_cannot_be_asked_is_one_sentence(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("cuda", "backends.mps"):
        monkeypatch.setattr(f"torch.{kind}.is_available", lambda: False)
    folder = write(SD)
    with pytest.raises(UserError) as e:
        check(resolve_settings(model=str(folder)))
    for told in ("qwen2.5-vl-7b", f"--model {folder} --registry copycat --judge gpt-4o", "needs a GPU"):
        assert told in str(e.value)
    assert "\n" not in str(e.value)
    with pytest.raises(UserError, match=r"^The judge qwen2\.5-vl-7b needs a GPU"):
        check(resolve_settings(model=str(folder), judge="qwen2.5-vl-7b"))


def test_what_was_taken_is_kept_in_the_manifest(tiny_models: Any, config: Any) -> None:
    run = config()
    folder = prepare(run)
    assert folder.manifest().taken == run.taken
    assert "StableDiffusionPipeline with 2 steps" in run.taken[0]


@pytest.mark.parametrize(
    ("model", "given", "why"),
    [
        ("menagerie", {"height": 36}, "multiples of 8, and --height 36 is none; the nearest is 32"),
        ("flux1-dev", {"width": 1000}, "multiples of 16, and --width 1000"),
        ("ltx-video", {"frames": 120}, "more than a multiple of 8, and --frames 120 is not that; .* 121"),
        ("menagerie", {"frames": 9}, "draws pictures, so --frames does not apply"),
        ("deepfloyd-if", {"height": 512}, "in fixed steps to 1024×1024"),
        ("gpt-image-1", {"variant": "fp16"}, "runs elsewhere, so --variant"),
        ("menagerie", {"variant": "fp16"}, "no weight files of the variant fp16; it has none"),
    ],
)
def test_a_size_or_variant_that_there_is_not_is_one_sentence(
    model: str, given: dict[str, Any], why: str
) -> None:
    with pytest.raises(UserError, match=why):
        resolve_settings(model=model, mitigations=("none",), **given)


def test_size_and_variant_make_another_run_and_other_requests() -> None:
    plain = resolve_settings(limit=1, seeds=(0,), mitigations=("none",))
    large = resolve_settings(limit=1, seeds=(0,), mitigations=("none",), height=64, width=48)
    [a], [b] = plan(plain), plan(large)
    assert (b.sampling.height, b.sampling.width) == (64, 48)
    assert a.id != b.id
    assert a.seed == b.seed
    assert plain.folder != large.folder
    sdxl = resolve_settings(model="sdxl", variant="none", mitigations=("none",))
    assert sdxl.card.variant is None
    assert sdxl.model.endswith(":none")


def test_runs_from_before_keep_their_folders() -> None:
    chosen = RunConfig().model_dump(mode="json", exclude=NOT_THE_RESULT)
    sized = ("height", "width", "frames")
    for later in ("oracle", "measures", *sized, "variant", "compile", "also", "features"):
        del chosen[later]
    assert RunConfig().digest == digest(chosen)


def test_a_path_may_begin_at_home(write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write(SD)
    assert load_card("~/mine").source == str(tmp_path / "mine")
    judge = tmp_path / "seer"
    judge.mkdir()
    (judge / "config.json").write_text("{}")
    assert load_judge_card("~/seer").source == str(judge)
    assert load_judge_card("~/seer[references=1]").references == 1
    assert RunConfig(out=Path("~/run")).out == tmp_path / "run"
    assert [_from_home(a) for a in ("~/x", "--out=~/x", "a~/x", "--out")] == [
        str(tmp_path / "x"), f"--out={tmp_path / 'x'}", "a~/x", "--out",
    ]  # fmt: skip
    told = {"name": "m", "title": "M", "source": "~/mine", "sampling": load_card("menagerie").sampling}
    card = ModelCard.model_validate(told, context={"file": tmp_path / "cards" / "m.yaml"})
    assert card.source == str(tmp_path / "mine")


@pytest.mark.parametrize(
    "load", [load_card, load_judge_card, load_llm_card, load_registry, Instructions.read]
)
def test_the_home_of_nobody_is_one_sentence(load: Callable[[str], object]) -> None:
    with pytest.raises(UserError, match="no home folder for ~nouser, so ~nouser/x"):
        load("~nouser/x.yaml")
