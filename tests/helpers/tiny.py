"""Tiny, really randomly initialised models of real classes, and a world of three characters, on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

WORLD = """\
registry: tiny
version: 1
characters:
- {slug: zori, name: Zori, aliases: [Zokin], owner: Ninth Kettle, key: owl, generic: an owl,
   marks: [{text: red cape, generic: cape}, {text: star wand, generic: ''}], keywords: [videogame, crown]}
- {slug: kamo, name: Kamo, owner: Tin Comet, key: frog, generic: a frog, keywords: [comic]}
- {slug: plitu, name: Plitu, owner: Marrow Lane, key: cat, generic: a cat}
"""
WORDS = [
    *("yes", "no", "none", "is", "in", "this", "picture", "which", "character", "a", "an", "the"),
    *("does", "show", "answer", "with", "name", "or", "zori", "kamo", "plitu", "owl", "frog", "cat"),
    *("?", ".", ",", "user", "assistant", ":"),
]


def world(folder: Path) -> tuple[Path, Path]:
    """Writes registry and a `name` prompt set; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    registry, prompts = folder / "tiny.yaml", folder / "name.jsonl"
    registry.write_text(WORLD)
    rows = [
        {
            "set": "name",
            "version": 1,
            "character": s,
            "index": 0,
            "text": s.capitalize(),
            "provenance": "test",
        }
        for s in ("zori", "kamo", "plitu")
    ]
    prompts.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return registry, prompts


def small_tokenizer(words: list[str], length: int, eos: str) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocab = {w: i for i, w in enumerate(["<pad>", "<unk>", "<s>", "</s>", "<image>", *words])}
    inner = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token=eos,
        model_max_length=length, additional_special_tokens=["<image>"],
    )  # fmt: skip


def small_parts() -> dict[str, object]:
    from diffusers import AutoencoderKL, DDIMScheduler

    return {
        "vae": AutoencoderKL(
            block_out_channels=(8, 8), in_channels=3, out_channels=3, latent_channels=4, norm_num_groups=4,
            down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
        ),
        "scheduler": DDIMScheduler(steps_offset=1, clip_sample=False, set_alpha_to_one=False),
        "tokenizer": small_tokenizer(WORDS, 16, "</s>"),
    }  # fmt: skip


def small_text_config(**more: object) -> object:
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=5 + len(WORDS), hidden_size=16, intermediate_size=16, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=16, projection_dim=16,
        bos_token_id=2, eos_token_id=3, pad_token_id=0, **more,
    )  # fmt: skip


def _unet(**more: object) -> object:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(**{
        "sample_size": 8, "block_out_channels": (8, 16), "layers_per_block": 1, "norm_num_groups": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": 16, "attention_head_dim": 8, **more,
    })  # fmt: skip


def sd(folder: Path) -> Path:
    """A StableDiffusionPipeline of 16×16 pixels."""
    from diffusers import StableDiffusionPipeline
    from transformers import CLIPTextModel

    torch.manual_seed(0)
    StableDiffusionPipeline(
        **small_parts(), text_encoder=CLIPTextModel(small_text_config()), unet=_unet(),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def sdxl(folder: Path) -> Path:
    """A StableDiffusionXLPipeline of 16×16 pixels."""
    from diffusers import StableDiffusionXLPipeline
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(0)
    unet = _unet(
        cross_attention_dim=32, addition_embed_type="text_time", addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=64,
    )  # fmt: skip
    parts = small_parts()
    StableDiffusionXLPipeline(
        **parts, tokenizer_2=parts["tokenizer"], text_encoder=CLIPTextModel(small_text_config()),
        text_encoder_2=CLIPTextModelWithProjection(small_text_config()), unet=unet, add_watermarker=False,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def llm(folder: Path, template: bool = True) -> Path:
    """A LlamaForCausalLM that speaks the words of this world, in random order."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    tokenizer = small_tokenizer(WORDS, 2048, "</s>")
    if template:
        tokenizer.chat_template = (
            "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }} {% endfor %}"
            "{% if add_generation_prompt %}assistant:{% endif %}"
        )
    LlamaForCausalLM(
        LlamaConfig(
            vocab_size=5 + len(WORDS), hidden_size=16, intermediate_size=16, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=2048,
            pad_token_id=0, bos_token_id=2, eos_token_id=3, initializer_range=0.5,
        )
    ).eval().save_pretrained(folder)  # fmt: skip
    tokenizer.save_pretrained(folder)
    return folder


def judge(folder: Path) -> Path:
    """A LlavaForConditionalGeneration whose head is biased to answer yes or no, so that it is scored."""
    from transformers import (
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    torch.manual_seed(0)
    tokenizer = small_tokenizer(WORDS, 128, "</s>")
    vision = CLIPVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=16,
        patch_size=8, projection_dim=16,
    )  # fmt: skip
    text = LlamaConfig(
        vocab_size=5 + len(WORDS), hidden_size=16, intermediate_size=16, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=128,
        pad_token_id=0, bos_token_id=2, eos_token_id=3, tie_word_embeddings=False,
    )  # fmt: skip
    model = LlavaForConditionalGeneration(
        LlavaConfig(
            vision_config=vision, text_config=text, image_token_index=4, image_seq_length=4,
            vision_feature_layer=-1, vision_feature_select_strategy="default", tie_word_embeddings=False,
        )
    )  # fmt: skip
    # Opposite rows far longer than the rest: every reply is Yes or No, which one depends on the picture.
    head, spoken = model.lm_head.weight.data, 5
    head[spoken] = torch.randn(16) * 5
    head[spoken + 1] = -head[spoken]
    # Asked for a name, it says "no", which is nobody, and no more.
    model.generation_config.update(suppress_tokens=[spoken], eos_token_id=[3, spoken + 1])
    model.eval().save_pretrained(folder)
    template = (
        "{% for m in messages %}user: {% for c in m['content'] %}"
        "{% if c['type'] == 'image' %}<image> {% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endfor %}"
        "{% if add_generation_prompt %} assistant:{% endif %}"
    )
    size = {"height": 16, "width": 16}
    LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size=size, crop_size=size, do_center_crop=False),
        tokenizer=tokenizer, patch_size=8, vision_feature_select_strategy="default", image_token="<image>",
        chat_template=template, num_additional_image_tokens=1,
    ).save_pretrained(folder)  # fmt: skip
    return folder
