"""Models of the real classes with random weights, made on the spot: nothing is downloaded.

`full` has the shapes of SDXL, FLUX.1 [dev] and Qwen2.5-VL-7B; `small` the same classes at a size that a small
card or a patient CPU runs, and `tiny` at one that a test runs in seconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch

M = TypeVar("M")
YES, NO = "yes", "no"
_MARKS = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
_SPECIAL = ["<pad>", "<unk>", "<s>", "</s>", *_MARKS]
_TEMPLATE = (
    "{% for m in messages %}user: {% for c in m['content'] %}{% if c['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %} assistant:{% endif %}"
)
REPLY = 8
"""Tokens of a judge's reply about a name, about as many as a name and a work have."""


@dataclass(frozen=True)
class Shapes:
    """How large the parts of the three models are, as their configurations call it."""

    unet: dict[str, Any]
    clip: dict[str, Any]
    clip_large: dict[str, Any]
    vae: dict[str, Any]
    flux: dict[str, Any]
    t5: dict[str, Any]
    language: dict[str, Any]
    vision: dict[str, Any]
    side: int
    """Height and width of a picture in pixels."""
    gigabytes: dict[str, float]
    """On disk, by model."""
    gpu: dict[str, float]
    """GPU memory in GB that each needs with room for a batch, by model."""


def _clip(width: int, layers: int, heads: int, inner: int, vocabulary: int, length: int) -> dict[str, Any]:
    return {
        "hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads,
        "intermediate_size": inner, "projection_dim": width, "vocab_size": vocabulary,
        "max_position_embeddings": length,
    }  # fmt: skip


def _unet(
    blocks: tuple[int, int, int], depth: tuple[int, int, int], head: int, **more: Any
) -> dict[str, Any]:
    return {
        "block_out_channels": blocks, "transformer_layers_per_block": depth, "layers_per_block": 2,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "attention_head_dim": tuple(width // head for width in blocks), "use_linear_projection": True,
        "addition_embed_type": "text_time", **more,
    }  # fmt: skip


def _vae(blocks: tuple[int, ...], groups: int, layers: int) -> dict[str, Any]:
    return {
        "block_out_channels": blocks, "norm_num_groups": groups, "layers_per_block": layers,
        "down_block_types": ("DownEncoderBlock2D",) * len(blocks),
        "up_block_types": ("UpDecoderBlock2D",) * len(blocks),
    }  # fmt: skip


def _language(width: int, inner: int, layers: int, heads: int, kv: int, vocabulary: int) -> dict[str, Any]:
    part = width // heads // 2
    section = [part - 2 * (part * 3 // 8), part * 3 // 8, part * 3 // 8]
    return {
        "hidden_size": width, "intermediate_size": inner, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": kv, "vocab_size": vocabulary,
        "max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "tie_word_embeddings": False,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": section},
    }  # fmt: skip


SIZES = {
    "full": Shapes(
        unet=_unet(
            (320, 640, 1280), (1, 2, 10), 64, sample_size=128, cross_attention_dim=2048,
            addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816,
        ),
        clip=_clip(768, 12, 12, 3072, 49408, 77),
        clip_large=_clip(1280, 32, 20, 5120, 49408, 77),
        vae=_vae((128, 256, 512, 512), 32, 2),
        flux={
            "in_channels": 64, "num_layers": 19, "num_single_layers": 38, "attention_head_dim": 128,
            "num_attention_heads": 24, "joint_attention_dim": 4096, "pooled_projection_dim": 768,
            "axes_dims_rope": (16, 56, 56),
        },
        t5={"d_model": 4096, "d_ff": 10240, "d_kv": 64, "num_layers": 24, "num_heads": 64,
            "vocab_size": 32128},
        language=_language(3584, 18944, 28, 28, 4, 152064),
        vision={"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16,
                "out_hidden_size": 3584, "patch_size": 14, "window_size": 112,
                "fullatt_block_indexes": [7, 15, 23, 31]},
        side=1024,
        gigabytes={"sdxl": 7, "judge": 17, "flux": 34},
        gpu={"sdxl": 24, "judge": 22, "flux": 42},
    ),
    "small": Shapes(
        unet=_unet(
            (64, 128, 256), (1, 1, 2), 32, sample_size=32, cross_attention_dim=512,
            addition_time_embed_dim=64, projection_class_embeddings_input_dim=640,
        ),
        clip=_clip(256, 4, 4, 512, 4096, 77),
        clip_large=_clip(256, 4, 4, 512, 4096, 77),
        vae=_vae((32, 64, 64, 64), 16, 1),
        flux={
            "in_channels": 64, "num_layers": 2, "num_single_layers": 4, "attention_head_dim": 64,
            "num_attention_heads": 8, "joint_attention_dim": 512, "pooled_projection_dim": 256,
            "axes_dims_rope": (16, 24, 24),
        },
        t5={"d_model": 512, "d_ff": 1024, "d_kv": 64, "num_layers": 4, "num_heads": 8, "vocab_size": 4096},
        language=_language(512, 1024, 4, 8, 2, 8192),
        vision={"depth": 4, "hidden_size": 256, "intermediate_size": 512, "num_heads": 4,
                "out_hidden_size": 512, "patch_size": 14, "window_size": 112,
                "fullatt_block_indexes": [1, 3]},
        side=256,
        gigabytes={"sdxl": 1, "judge": 1, "flux": 1},
        gpu={"sdxl": 4, "judge": 4, "flux": 4},
    ),
    "tiny": Shapes(
        unet=_unet(
            (8, 8, 16), (1, 1, 1), 8, sample_size=8, cross_attention_dim=32, norm_num_groups=4,
            addition_time_embed_dim=8, projection_class_embeddings_input_dim=64,
        ),
        clip=_clip(16, 1, 2, 16, 1024, 77),
        clip_large=_clip(16, 1, 2, 16, 1024, 77),
        vae=_vae((8, 8), 4, 1),
        flux={
            "in_channels": 16, "num_layers": 1, "num_single_layers": 1, "attention_head_dim": 16,
            "num_attention_heads": 2, "joint_attention_dim": 16, "pooled_projection_dim": 16,
            "axes_dims_rope": (4, 4, 8),
        },
        t5={"d_model": 16, "d_ff": 16, "d_kv": 8, "num_layers": 1, "num_heads": 2, "vocab_size": 1024},
        language=_language(32, 32, 1, 2, 2, 1024),
        vision={"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2,
                "out_hidden_size": 32, "patch_size": 4, "window_size": 16, "fullatt_block_indexes": [0]},
        side=16,
        gigabytes={"sdxl": 0.1, "judge": 0.1, "flux": 0.1},
        gpu={"sdxl": 1, "judge": 1, "flux": 1},
    ),
}  # fmt: skip


def random_model(make: Callable[[], M], device: str, dtype: torch.dtype) -> M:
    """What `make` builds, its weights drawn on `device` in `dtype`, which is much quicker than on a CPU."""
    before = torch.get_default_dtype()
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            return make()
    finally:
        torch.set_default_dtype(before)


def tokenizer(texts: Sequence[str], length: int) -> Any:
    """A tokenizer with a token for each word of `texts`, so that a text is about as long as a real one."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.WordLevel(unk_token="<unk>"))
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(vocab_size=1000, special_tokens=_SPECIAL)
    inner.train_from_iterator([f"{YES} {NO}"] * 9 + list(texts), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>",
        model_max_length=length, extra_special_tokens=_MARKS,
    )  # fmt: skip


def build_sdxl(shapes: Shapes, texts: Sequence[str], folder: Path, device: str, dtype: torch.dtype) -> Path:
    """A StableDiffusionXLPipeline, saved to `folder`."""
    from diffusers import (
        AutoencoderKL,
        EulerDiscreteScheduler,
        StableDiffusionXLPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    words = tokenizer(texts, 77)
    ids = {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
    small, large = (CLIPTextConfig(**part, **ids) for part in (shapes.clip, shapes.clip_large))
    unet = random_model(lambda: UNet2DConditionModel(**shapes.unet), device, dtype)
    _weaken(unet.conv_out)
    StableDiffusionXLPipeline(
        unet=unet,
        vae=random_model(
            lambda: AutoencoderKL(**shapes.vae, sample_size=shapes.side, scaling_factor=0.13025),
            device,
            dtype,
        ),
        text_encoder=random_model(lambda: CLIPTextModel(small), device, dtype),
        text_encoder_2=random_model(lambda: CLIPTextModelWithProjection(large), device, dtype),
        tokenizer=words,
        tokenizer_2=words,
        scheduler=EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1,
            timestep_spacing="leading",
        ),
        add_watermarker=False,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def build_flux(shapes: Shapes, texts: Sequence[str], folder: Path, device: str, dtype: torch.dtype) -> Path:
    """A FluxPipeline, saved to `folder`."""
    from diffusers import (
        AutoencoderKL,
        FlowMatchEulerDiscreteScheduler,
        FluxPipeline,
        FluxTransformer2DModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

    clip = CLIPTextConfig(**shapes.clip, bos_token_id=2, eos_token_id=3, pad_token_id=0)
    t5 = T5Config(**shapes.t5, feed_forward_proj="gated-gelu")
    transformer = random_model(
        lambda: FluxTransformer2DModel(**shapes.flux, guidance_embeds=True), device, dtype
    )
    _weaken(transformer.proj_out)
    channels = shapes.flux["in_channels"] // 4
    FluxPipeline(
        transformer=transformer,
        vae=random_model(
            lambda: AutoencoderKL(
                **shapes.vae, latent_channels=channels, sample_size=shapes.side, scaling_factor=0.3611,
                shift_factor=0.1159, use_quant_conv=False, use_post_quant_conv=False,
            ),
            device, dtype,
        ),
        text_encoder=random_model(lambda: CLIPTextModel(clip), device, dtype),
        text_encoder_2=random_model(lambda: T5EncoderModel(t5), device, dtype),
        tokenizer=tokenizer(texts, 77),
        tokenizer_2=tokenizer(texts, 512),
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift=3.0),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def _weaken(layer: torch.nn.Module) -> None:
    """What random weights predict at each step must not add up to what half precision cannot hold."""
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.mul_(0.1)


def build_judge(shapes: Shapes, texts: Sequence[str], folder: Path, device: str, dtype: torch.dtype) -> Path:
    """A Qwen2_5_VLForConditionalGeneration with its processor, saved to `folder`.

    Its head leans to yes or no by what it sees, so that its answers are scored.
    """
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2VLImageProcessorPil

    words = tokenizer(texts, 32768)
    start, end, image, video = (words.convert_tokens_to_ids(mark) for mark in _MARKS)
    ids = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
    config = Qwen2_5_VLConfig(
        text_config={**shapes.language, **ids}, vision_config=shapes.vision, image_token_id=image,
        video_token_id=video, vision_start_token_id=start, vision_end_token_id=end, tie_word_embeddings=False,
    )  # fmt: skip
    model = random_model(lambda: Qwen2_5_VLForConditionalGeneration(config), device, dtype)
    head = model.get_output_embeddings().weight.data
    yes, no = (words.convert_tokens_to_ids(word) for word in (YES, NO))
    head[yes] = torch.randn(head.shape[1], device=device).to(dtype) * 10
    head[no] = -head[yes]
    model.generation_config.update(exponential_decay_length_penalty=(REPLY - 1, 1e6), **ids)
    model.eval().save_pretrained(folder)
    words.save_pretrained(folder)
    patch = shapes.vision["patch_size"]
    Qwen2VLImageProcessorPil(
        patch_size=patch, min_pixels=4 * (2 * patch) ** 2, max_pixels=12845056
    ).save_pretrained(folder)
    (folder / "processor_config.json").write_text(json.dumps({"processor_class": "Qwen2_5_VLProcessor"}))
    (folder / "chat_template.jinja").write_text(_TEMPLATE)
    return folder


BUILDERS = {"sdxl": build_sdxl, "flux": build_flux, "judge": build_judge}
