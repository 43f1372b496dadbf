"""Tiny, randomly initialised video pipelines of the real classes, on disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from copycat.cards.models import ModelCard, Motion
from copycat.records import Sampling
from tests.helpers.tiny import WORDS, sd, small_parts, small_text_config, small_tokenizer


@dataclass(frozen=True)
class TinyVideo:
    """How to build one pipeline, and what it can draw."""

    build: Callable[[Path], Path]
    frames: int
    side: int
    call: dict[str, int] = field(default_factory=dict)


def _text_encoder(kind: str) -> Any:
    import transformers

    config = getattr(transformers, f"{kind}Config")(
        vocab_size=5 + len(WORDS), d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, pad_token_id=0
    )
    return getattr(transformers, f"{kind}EncoderModel")(config).eval()


def videofusion(folder: Path) -> Path:
    from diffusers import TextToVideoSDPipeline, UNet3DConditionModel
    from transformers import CLIPTextModel

    unet = UNet3DConditionModel(
        sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4,
        down_block_types=("CrossAttnDownBlock3D", "DownBlock3D"),
        up_block_types=("UpBlock3D", "CrossAttnUpBlock3D"), cross_attention_dim=16, attention_head_dim=4,
    )  # fmt: skip
    pipe = TextToVideoSDPipeline(**small_parts(), text_encoder=CLIPTextModel(small_text_config()), unet=unet)
    pipe.save_pretrained(folder)
    return folder


def animatediff(folder: Path) -> Path:
    """The adapter lies beside `folder`, which holds an image model: a StableDiffusionPipeline."""
    from diffusers import MotionAdapter

    sd(folder)
    adapter = MotionAdapter(
        block_out_channels=(8, 16), motion_layers_per_block=1, motion_norm_num_groups=4,
        motion_num_attention_heads=2, use_motion_mid_block=False,
    )  # fmt: skip
    for p in adapter.parameters():
        torch.nn.init.normal_(p, std=0.2)  # its last layers begin at zero, where it would do nothing
    adapter.save_pretrained(folder.with_name(f"{folder.name}-motion"))
    return folder


def wan(folder: Path) -> Path:
    from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel

    WanPipeline(
        vae=AutoencoderKLWan(
            base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1,
            temperal_downsample=[False, True, True],
        ),
        transformer=WanTransformer3DModel(
            patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=16,
            out_channels=16, text_dim=16, freq_dim=32, ffn_dim=16, num_layers=1, rope_max_seq_len=32,
        ),
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
        text_encoder=_text_encoder("UMT5"), tokenizer=small_tokenizer(WORDS, 16, "</s>"),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def ltx(folder: Path) -> Path:
    from diffusers import (
        AutoencoderKLLTXVideo,
        FlowMatchEulerDiscreteScheduler,
        LTXPipeline,
        LTXVideoTransformer3DModel,
    )

    LTXPipeline(
        vae=AutoencoderKLLTXVideo(
            latent_channels=8, block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8),
            layers_per_block=(1, 1, 1, 1, 1), decoder_layers_per_block=(1, 1, 1, 1, 1),
            spatio_temporal_scaling=(True, True, False, False),
            decoder_spatio_temporal_scaling=(True, True, False, False),
            decoder_inject_noise=(False,) * 5, upsample_residual=(False,) * 4, upsample_factor=(1,) * 4,
            patch_size=1, patch_size_t=1, encoder_causal=True, decoder_causal=False,
        ),
        transformer=LTXVideoTransformer3DModel(
            in_channels=8, out_channels=8, num_attention_heads=4, attention_head_dim=8,
            cross_attention_dim=32, num_layers=1, caption_channels=16,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(),
        text_encoder=_text_encoder("T5"), tokenizer=small_tokenizer(WORDS, 16, "</s>"),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def cogvideox(folder: Path) -> Path:
    from diffusers import (
        AutoencoderKLCogVideoX,
        CogVideoXDDIMScheduler,
        CogVideoXPipeline,
        CogVideoXTransformer3DModel,
    )

    CogVideoXPipeline(
        vae=AutoencoderKLCogVideoX(
            down_block_types=("CogVideoXDownBlock3D",) * 4, up_block_types=("CogVideoXUpBlock3D",) * 4,
            block_out_channels=(8, 8, 8, 8), latent_channels=4, layers_per_block=1, norm_num_groups=2,
            temporal_compression_ratio=4,
        ),
        transformer=CogVideoXTransformer3DModel(
            num_attention_heads=2, attention_head_dim=16, in_channels=4, out_channels=4, time_embed_dim=2,
            text_embed_dim=16, num_layers=1, sample_width=2, sample_height=2, sample_frames=9, patch_size=2,
            temporal_compression_ratio=4, max_text_seq_length=16,
        ),
        scheduler=CogVideoXDDIMScheduler(),
        text_encoder=_text_encoder("T5"), tokenizer=small_tokenizer(WORDS, 16, "</s>"),
    ).save_pretrained(folder)  # fmt: skip
    return folder


_SHORT = {"max_sequence_length": 16}
VIDEOS = {
    "TextToVideoSDPipeline": TinyVideo(videofusion, 4, 16),
    "AnimateDiffPipeline": TinyVideo(animatediff, 4, 16),
    "WanPipeline": TinyVideo(wan, 9, 16, _SHORT),
    "LTXPipeline": TinyVideo(ltx, 9, 32, _SHORT),
    "CogVideoXPipeline": TinyVideo(cogvideox, 9, 16, _SHORT),
}
"""By pipeline class."""


def video_card(pipeline: str, folder: Path) -> ModelCard:
    """Builds the pipeline in `folder` and returns its card."""
    torch.manual_seed(0)
    tiny = VIDEOS[pipeline]
    tiny.build(folder)
    motion = folder.with_name(f"{folder.name}-motion")
    return ModelCard(
        name=pipeline.lower(), title=pipeline, kind="diffusers-video", pipeline=pipeline, source=str(folder),
        sampling=Sampling(
            steps=2, guidance=20, height=tiny.side, width=tiny.side, frames=tiny.frames, fps=8
        ),
        motion_adapter=Motion(source=str(motion)) if motion.is_dir() else None, call=tiny.call,
        batch_size=2,
    )  # fmt: skip
