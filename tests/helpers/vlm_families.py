"""Tiny, randomly initialised models of the families that judge cards name, saved like the real ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tests.helpers.tiny import WORDS

SMALL = {
    "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
}  # fmt: skip
TEXT = {**SMALL, "num_key_value_heads": 2, "max_position_embeddings": 2048, "pad_token_id": 0,
        "bos_token_id": 2, "eos_token_id": 3, "tie_word_embeddings": False}  # fmt: skip
TEMPLATE = (
    "{%% for m in messages %%}user: {%% for c in m['content'] %%}"
    "{%% if c['type'] == 'image' %%}%s {%% else %%}{{ c['text'] }}{%% endif %%}{%% endfor %%}{%% endfor %%}"
    "{%% if add_generation_prompt %%} assistant:{%% endif %%}"
)


def tokenizer(special: list[str], **named: str) -> tuple[Any, dict[str, int]]:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {w: i for i, w in enumerate(["<pad>", "<unk>", "<s>", "</s>", *special, *WORDS])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    made = PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>",
        model_max_length=2048, extra_special_tokens=named,
    )  # fmt: skip
    made.add_tokens(special, special_tokens=True)
    return made, vocabulary


def _save(
    folder: Path,
    model: Any,
    tok: Any,
    images: Any,
    processor: dict[str, Any],
    template: str,
    ids: dict[str, int],
    lean: float = 1.0,
) -> None:
    """Weights that lean to yes or no by what they see, and every file that the hub's folders have.

    `lean` says how far; where it is too far, every answer is sure, and the same.
    """
    head, yes, no = model.get_output_embeddings().weight.data, ids["yes"], ids["no"]
    head[yes] = torch.randn(head.shape[1]) * lean
    head[no] = -head[yes]
    # Asked for a name, it says "no", which is nobody, and no more.
    model.generation_config.update(
        suppress_tokens=[i for i in range(head.shape[0]) if i != no], eos_token_id=[3, no]
    )
    model.eval().save_pretrained(folder)
    tok.save_pretrained(folder)
    images.save_pretrained(folder)
    (folder / "processor_config.json").write_text(json.dumps(processor))
    (folder / "chat_template.jinja").write_text(template)


def qwen(folder: Path, vision: dict[str, int] | None = None, pixels: tuple[int, int] = (64, 1024)) -> None:
    """`vision`: a vision tower of another shape; `pixels`: least and most of a picture."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2VLImageProcessorPil

    marks = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    tok, ids = tokenizer(marks)
    tower = {"hidden_size": 16, "intermediate_size": 16, "depth": 1, "num_heads": 2, "patch_size": 4,
             **(vision or {})}  # fmt: skip
    config = Qwen2_5_VLConfig(
        text_config={**TEXT, "vocab_size": len(ids), "rope_parameters": {
            "rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]}},
        vision_config={**tower, "out_hidden_size": 16, "window_size": 4 * tower["patch_size"],
                       "fullatt_block_indexes": [0]},
        image_token_id=ids[marks[2]], video_token_id=ids[marks[3]], vision_start_token_id=ids[marks[0]],
        vision_end_token_id=ids[marks[1]], tie_word_embeddings=False,
    )  # fmt: skip
    images = Qwen2VLImageProcessorPil(
        patch_size=tower["patch_size"], min_pixels=pixels[0], max_pixels=pixels[1]
    )
    name = {"processor_class": "Qwen2_5_VLProcessor"}
    template = TEMPLATE % "<|vision_start|><|image_pad|><|vision_end|>"
    _save(folder, Qwen2_5_VLForConditionalGeneration(config), tok, images, name, template, ids)


def qwen3(folder: Path) -> None:
    from transformers import Qwen2VLImageProcessorPil, Qwen3VLConfig, Qwen3VLForConditionalGeneration

    marks = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    tok, ids = tokenizer(marks)
    config = Qwen3VLConfig(
        text_config={**TEXT, "head_dim": 8, "vocab_size": len(ids), "rope_parameters": {
            "rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 1, 1]}},
        vision_config={"hidden_size": 16, "intermediate_size": 16, "depth": 1, "num_heads": 2,
                       "out_hidden_size": 16, "patch_size": 4, "num_position_embeddings": 64,
                       "deepstack_visual_indexes": [0]},
        image_token_id=ids[marks[2]], video_token_id=ids[marks[3]], vision_start_token_id=ids[marks[0]],
        vision_end_token_id=ids[marks[1]], tie_word_embeddings=False,
    )  # fmt: skip
    images = Qwen2VLImageProcessorPil(patch_size=4, min_pixels=64, max_pixels=1024)
    name = {"processor_class": "Qwen3VLProcessor"}
    template = TEMPLATE % "<|vision_start|><|image_pad|><|vision_end|>"
    _save(folder, Qwen3VLForConditionalGeneration(config), tok, images, name, template, ids, lean=0.1)


def internvl(folder: Path) -> None:
    from transformers import GotOcr2ImageProcessorPil, InternVLConfig, InternVLForConditionalGeneration

    marks = ["<img>", "</img>", "<IMG_CONTEXT>", "<video>"]
    tok, ids = tokenizer(
        marks, start_image_token="<img>", end_image_token="</img>", context_image_token="<IMG_CONTEXT>",
        video_token="<video>",
    )  # fmt: skip
    config = InternVLConfig(
        vision_config={**SMALL, "image_size": [16, 16], "patch_size": [4, 4]},
        text_config={**TEXT, "model_type": "qwen2", "vocab_size": len(ids)},
        image_token_id=ids["<IMG_CONTEXT>"], image_seq_length=4, downsample_ratio=0.5,
        tie_word_embeddings=False,
    )  # fmt: skip
    images = GotOcr2ImageProcessorPil(size={"height": 16, "width": 16}, crop_to_patches=False)
    name = {"processor_class": "InternVLProcessor", "image_seq_length": 4}
    _save(
        folder, InternVLForConditionalGeneration(config), tok, images, name, TEMPLATE % "<IMG_CONTEXT>", ids
    )


def smolvlm(folder: Path) -> None:
    from transformers import SmolVLMConfig, SmolVLMForConditionalGeneration, SmolVLMImageProcessorPil

    marks = ["<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>"]
    marks += [f"<row_{i}_col_{j}>" for i in (1, 2) for j in (1, 2)]
    tok, ids = tokenizer(marks)
    config = SmolVLMConfig(
        vision_config={**SMALL, "image_size": 16, "patch_size": 4},
        text_config={**TEXT, "model_type": "llama", "vocab_size": len(ids)},
        image_token_id=ids["<image>"], scale_factor=2, tie_word_embeddings=False,
    )  # fmt: skip
    images = SmolVLMImageProcessorPil(
        size={"longest_edge": 16}, max_image_size={"longest_edge": 16}, do_image_splitting=False
    )
    name = {"processor_class": "SmolVLMProcessor", "image_seq_len": 4}
    _save(folder, SmolVLMForConditionalGeneration(config), tok, images, name, TEMPLATE % "<image>", ids)


def onevision(folder: Path) -> None:
    from transformers import (
        LlavaOnevisionConfig,
        LlavaOnevisionForConditionalGeneration,
        LlavaOnevisionImageProcessorPil,
    )

    tok, ids = tokenizer(["<image>", "<video>"])
    config = LlavaOnevisionConfig(
        vision_config={**SMALL, "model_type": "siglip_vision_model", "image_size": 16, "patch_size": 4,
                       "vision_use_head": False},
        text_config={**TEXT, "model_type": "qwen2", "vocab_size": len(ids)},
        image_token_index=ids["<image>"], video_token_index=ids["<video>"],
        image_grid_pinpoints=[[16, 16], [16, 32]], tie_word_embeddings=False,
    )  # fmt: skip
    size = {"height": 16, "width": 16}
    images = LlavaOnevisionImageProcessorPil(size=size, image_grid_pinpoints=[[16, 16], [16, 32]])
    name = {
        "processor_class": "LlavaOnevisionProcessor", "num_image_tokens": 16,
        "vision_feature_select_strategy": "full", "vision_aspect_ratio": "anyres_max_9",
    }  # fmt: skip
    _save(
        folder, LlavaOnevisionForConditionalGeneration(config), tok, images, name, TEMPLATE % "<image>", ids
    )


def gemma(folder: Path) -> None:
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3ImageProcessorPil

    marks = ["<start_of_image>", "<end_of_image>", "<image_soft_token>"]
    tok, ids = tokenizer(marks, boi_token=marks[0], eoi_token=marks[1], image_token=marks[2])
    config = Gemma3Config(
        text_config={**TEXT, "head_dim": 8, "vocab_size": len(ids)},
        vision_config={**SMALL, "model_type": "siglip_vision_model", "image_size": 16, "patch_size": 4,
                       "vision_use_head": False},
        mm_tokens_per_image=4, boi_token_index=ids[marks[0]], eoi_token_index=ids[marks[1]],
        image_token_index=ids[marks[2]], tie_word_embeddings=False,
    )  # fmt: skip
    images = Gemma3ImageProcessorPil(size={"height": 16, "width": 16})
    name = {"processor_class": "Gemma3Processor", "image_seq_length": 4}
    template = TEMPLATE % "<start_of_image>"
    model = Gemma3ForConditionalGeneration(config)
    # Begins at zero, which would make the model blind.
    torch.nn.init.normal_(model.model.multi_modal_projector.mm_input_projection_weight)
    _save(folder, model, tok, images, name, template, ids)


FAMILIES: dict[str, Callable[[Path], None]] = {
    "qwen2.5-vl": qwen,
    "qwen3-vl": qwen3,
    "internvl3": internvl,
    "smolvlm2": smolvlm,
    "llava-onevision": onevision,
    "gemma-3": gemma,
}
