"""Tiny, randomly initialised pipelines of the real classes, with tokenizers made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from copycat.cards.models import ModelCard
from tests.helpers import tiny

WIDTH = 16
VOCABULARY = 300
"""Above every tokenizer's here."""
SPOKEN = ["a", "an", "the", "owl", "frog", "cat", "cape", "with", "none", "zori", "kamo", "plitu"]


def _bytes() -> dict[str, int]:
    from tokenizers.pre_tokenizers import ByteLevel

    return {c: i for i, c in enumerate(sorted(ByteLevel.alphabet()))}


def _clip_tokenizer() -> Any:
    return tiny.small_tokenizer(tiny.WORDS, 16, "</s>")


def _t5_tokenizer() -> Any:
    from transformers import T5Tokenizer

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    pieces += [(f"▁{w}", -1.0) for w in SPOKEN] + [(c, -3.0) for c in "abcdefghijklmnopqrstuvwxyz,.'"]
    return T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=77)


def _qwen_tokenizer() -> Any:
    from transformers import Qwen2Tokenizer

    tokenizer = Qwen2Tokenizer(vocab=_bytes() | {"<|endoftext|>": 256}, merges=[], model_max_length=1200)
    tokenizer.chat_template = (
        "{% for m in messages %}user {{ m['content'] }}{% endfor %}"
        "{% if add_generation_prompt %} assistant{% endif %}"
    )
    return tokenizer


def _clip_text(projected: bool = False) -> Any:
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(tiny.small_text_config())


def _t5(width: int = WIDTH) -> Any:
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(
        T5Config(vocab_size=VOCABULARY, d_model=width, d_ff=WIDTH, d_kv=8, num_layers=2, num_heads=2)
    )


def _language(**more: Any) -> dict[str, Any]:
    return {
        "vocab_size": VOCABULARY, "hidden_size": WIDTH, "intermediate_size": WIDTH, "num_hidden_layers": 3,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8, "max_position_embeddings": 2048,
        "pad_token_id": 256, "bos_token_id": 256, "eos_token_id": 256, **more,
    }  # fmt: skip


def _qwen3() -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    return Qwen3ForCausalLM(Qwen3Config(**_language()))


def _vae(channels: int = 4, **more: Any) -> Any:
    """By a factor of two."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 8), latent_channels=channels, norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2, **more,
    )  # fmt: skip


def _flow() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler()


def _pixart() -> Any:
    from diffusers import DPMSolverMultistepScheduler, PixArtAlphaPipeline, PixArtTransformer2DModel

    return PixArtAlphaPipeline(
        tokenizer=_t5_tokenizer(), text_encoder=_t5(), vae=_vae(), scheduler=DPMSolverMultistepScheduler(),
        transformer=PixArtTransformer2DModel(
            num_attention_heads=2, attention_head_dim=8, num_layers=2, cross_attention_dim=WIDTH,
            caption_channels=WIDTH, sample_size=8,
        ),
    )  # fmt: skip


def _sd3() -> Any:
    from diffusers import SD3Transformer2DModel, StableDiffusion3Pipeline

    return StableDiffusion3Pipeline(
        scheduler=_flow(), vae=_vae(shift_factor=0.06),
        tokenizer=_clip_tokenizer(), tokenizer_2=_clip_tokenizer(), tokenizer_3=_t5_tokenizer(),
        text_encoder=_clip_text(projected=True), text_encoder_2=_clip_text(projected=True),
        text_encoder_3=_t5(32),
        transformer=SD3Transformer2DModel(
            sample_size=8, in_channels=4, out_channels=4, num_layers=2, attention_head_dim=8,
            num_attention_heads=4, caption_projection_dim=32, joint_attention_dim=32,
            pooled_projection_dim=32, pos_embed_max_size=16, dual_attention_layers=(0,), qk_norm="rms_norm",
        ),
    )  # fmt: skip


def _flux() -> Any:
    from diffusers import FluxPipeline, FluxTransformer2DModel

    return FluxPipeline(
        scheduler=_flow(), vae=_vae(shift_factor=0.06), text_encoder=_clip_text(),
        tokenizer=_clip_tokenizer(), text_encoder_2=_t5(), tokenizer_2=_t5_tokenizer(),
        transformer=FluxTransformer2DModel(
            in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
            joint_attention_dim=WIDTH, pooled_projection_dim=WIDTH, guidance_embeds=True,
            axes_dims_rope=(4, 4, 8),
        ),
    )  # fmt: skip


def _flux2_parts() -> dict[str, Any]:
    from diffusers import AutoencoderKLFlux2, Flux2Transformer2DModel

    return {
        "scheduler": _flow(),
        "vae": AutoencoderKLFlux2(
            block_out_channels=(8, 8), latent_channels=4, norm_num_groups=4, layers_per_block=1,
            down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
        ),
        "transformer": Flux2Transformer2DModel(
            in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
            joint_attention_dim=3 * WIDTH, axes_dims_rope=(4, 4, 4, 4),
        ),
    }  # fmt: skip


def _flux2() -> Any:
    from diffusers import Flux2Pipeline
    from transformers import (
        Mistral3Config,
        Mistral3ForConditionalGeneration,
        MistralConfig,
        PixtralVisionConfig,
    )

    vision = PixtralVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=16,
        patch_size=8,
    )  # fmt: skip
    text = MistralConfig(**_language())
    tokenizer = _qwen_tokenizer()
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m['role'] }} "
        "{% for c in m['content'] %}{{ c['text'] }}{% endfor %}{% endfor %}"
    )
    config = Mistral3Config(vision_config=vision, text_config=text, image_token_index=255)
    return Flux2Pipeline(
        **_flux2_parts(), text_encoder=Mistral3ForConditionalGeneration(config), tokenizer=tokenizer
    )


def _flux2_klein() -> Any:
    from diffusers import Flux2KleinPipeline

    return Flux2KleinPipeline(
        **_flux2_parts(), text_encoder=_qwen3(), tokenizer=_qwen_tokenizer(), is_distilled=False
    )


def _qwen_image() -> Any:
    from diffusers import AutoencoderKLQwenImage, QwenImagePipeline, QwenImageTransformer2DModel
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]}
    text = _language(rope_parameters=rope)
    vision = {
        "depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": WIDTH,
        "fullatt_block_indexes": [0],
    }  # fmt: skip
    return QwenImagePipeline(
        scheduler=_flow(), tokenizer=_qwen_tokenizer(),
        vae=AutoencoderKLQwenImage(
            base_dim=8, z_dim=4, dim_mult=[1, 2], num_res_blocks=1, temperal_downsample=[False],
            latents_mean=[0.0] * 4, latents_std=[1.0] * 4,
        ),
        text_encoder=Qwen2_5_VLForConditionalGeneration(
            Qwen2_5_VLConfig(text_config=text, vision_config=vision)
        ),
        transformer=QwenImageTransformer2DModel(
            in_channels=16, out_channels=4, num_layers=2, attention_head_dim=16, num_attention_heads=2,
            joint_attention_dim=WIDTH, axes_dims_rope=(4, 4, 8),
        ),
    )  # fmt: skip


def _z_image() -> Any:
    from diffusers import ZImagePipeline, ZImageTransformer2DModel

    return ZImagePipeline(
        scheduler=_flow(), vae=_vae(shift_factor=0.06), text_encoder=_qwen3(), tokenizer=_qwen_tokenizer(),
        transformer=ZImageTransformer2DModel(
            in_channels=4, dim=32, n_layers=1, n_refiner_layers=1, n_heads=2, n_kv_heads=2,
            cap_feat_dim=WIDTH, axes_dims=[4, 4, 8], axes_lens=[1024, 32, 32],
        ),
    )  # fmt: skip


def _if_unet(**more: Any) -> Any:
    return tiny._unet(
        sample_size=16, down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn", out_channels=6, encoder_hid_dim=WIDTH,
        cross_attention_dim=WIDTH, attention_head_dim=4, addition_embed_type="text",
        addition_embed_type_num_heads=2,
        resnet_time_scale_shift="scale_shift", act_fn="gelu", **more,
    )  # fmt: skip


def _ddpm() -> Any:
    from diffusers import DDPMScheduler

    return DDPMScheduler(
        beta_schedule="squaredcos_cap_v2", thresholding=True, dynamic_thresholding_ratio=0.95,
        sample_max_value=1.0, prediction_type="epsilon", variance_type="learned_range",
    )  # fmt: skip


_NO_CHECKS: dict[str, Any] = {"safety_checker": None, "feature_extractor": None, "watermarker": None}


def _if_1() -> Any:
    from diffusers import IFPipeline

    return IFPipeline(
        tokenizer=_t5_tokenizer(), text_encoder=_t5(), unet=_if_unet(in_channels=3), scheduler=_ddpm(),
        **_NO_CHECKS, requires_safety_checker=False,
    )  # fmt: skip


def _if_2() -> Any:
    from diffusers import IFSuperResolutionPipeline

    unet = _if_unet(in_channels=6, class_embed_type="timestep", time_embedding_act_fn="gelu")
    unet.register_to_config(sample_size=32)
    return IFSuperResolutionPipeline(
        tokenizer=None, text_encoder=None, unet=unet, scheduler=_ddpm(), image_noising_scheduler=_ddpm(),
        **_NO_CHECKS, requires_safety_checker=False,
    )  # fmt: skip


def _upscaler() -> Any:
    from diffusers import DDIMScheduler, DDPMScheduler, StableDiffusionUpscalePipeline

    return StableDiffusionUpscalePipeline(
        vae=_vae(scaling_factor=0.08333), text_encoder=_clip_text(), tokenizer=_clip_tokenizer(),
        unet=tiny._unet(in_channels=7, num_class_embeds=1000), low_res_scheduler=DDPMScheduler(),
        scheduler=DDIMScheduler(prediction_type="v_prediction", clip_sample=False),
    )  # fmt: skip


BUILDERS: dict[str, Callable[[], Any]] = {
    "PixArtAlphaPipeline": _pixart,
    "StableDiffusion3Pipeline": _sd3,
    "FluxPipeline": _flux,
    "Flux2Pipeline": _flux2,
    "Flux2KleinPipeline": _flux2_klein,
    "QwenImagePipeline": _qwen_image,
    "ZImagePipeline": _z_image,
    "IFPipeline": _if_1,
    "IFSuperResolutionPipeline": _if_2,
    "StableDiffusionUpscalePipeline": _upscaler,
}
"""By class; `tests.helpers.tiny` has the older ones."""


def build(pipeline: str, folder: Path) -> Path:
    """A pipeline of that class, saved to `folder`."""
    if pipeline == "StableDiffusionPipeline":
        return tiny.sd(folder)
    if pipeline == "StableDiffusionXLPipeline":
        return tiny.sdxl(folder)
    torch.manual_seed(0)
    BUILDERS[pipeline]().save_pretrained(folder)
    return folder


Build = Callable[[str], Path]
"""Gives the folder of a tiny pipeline of a class."""
SMALLER = {
    # Hidden layers that the tiny text encoders have.
    "Flux2Pipeline": {"text_encoder_out_layers": [1, 2, 3]},
    "Flux2KleinPipeline": {"text_encoder_out_layers": [1, 2, 3]},
    # The packages that it needs may be missing here, and diffusers would go on without them.
    "PixArtAlphaPipeline": {"clean_caption": False, "use_resolution_binning": False},
    "IFPipeline": {"clean_caption": False},
}


def shrunk(card: ModelCard, build: Build) -> ModelCard:
    """The shipped card, but for the weights and the size."""
    small = {"source": str(build(card.pipeline)), "revision": None, "variant": None}
    stages = [
        s.model_copy(update={"source": str(build(s.pipeline)), "revision": None, "variant": None, "steps": 2})
        for s in card.stages
    ]
    call = card.call | SMALLER.get(card.pipeline, {})
    sampling = card.sampling.model_copy(update={"steps": 2, "height": 16, "width": 16})
    if card.stages:
        sampling = sampling.model_copy(update={"height": 64, "width": 64})
    return card.model_copy(
        update=small | {"stages": tuple(stages), "call": call, "packages": (), "sampling": sampling}
    )
