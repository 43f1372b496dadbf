"""The judge: a small LLaVA (Liu et al. 2023) over the encoder's vision tower, asked in plain words.

It is trained on exactly the texts that `copycat.measures.questions` asks, rendered by its own chat
template, about pictures half of which went through the autoencoder and back.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from copycat.measures.questions import IDENTIFY, KEY, VERIFY, Ask
from copycat.menagerie.corpus import Probe
from copycat.menagerie.train.encoder import as_input
from copycat.menagerie.train.loop import Loop, mixed_precision
from copycat.menagerie.world import COLOURS, HATS, HELD, SPECIES, WORN, Inhabitant
from copycat.subjects.characters import Character, Registry

IMAGE_TOKENS = 16
KIND = "What kind of figure is this? Answer with one word."
"""Asked in training only: naming what is there comes before saying whether it is there."""
_CHAT = (
    "<s>{% for m in messages %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<image>{% else %} {{ c['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}{% if add_generation_prompt %} assistant :{% endif %}"
)


_REGISTRY = Registry("menagerie", 1, ())


def question(ask: Ask, *, name: str = "", key: str = "") -> str:
    """What a judge is asked about a picture of somebody called `name` with the key characteristic `key`."""
    somebody = Character(slug="somebody", name=name, owner="", key=key, generic="")
    return ask.render(_REGISTRY, somebody, None, references=0)


def _vocabulary(people: list[Inhabitant]) -> list[str]:
    texts = [question(IDENTIFY), "Yes No None assistant : a an", " ".join((*SPECIES, *COLOURS, *HATS, *WORN))]
    texts += [question(VERIFY, name="x"), question(KEY, key="owl"), " ".join(HELD)]
    texts += [*(f"{p.name} {p.alias}" for p in people), KIND]
    words = dict.fromkeys(w for t in texts for w in re.findall(r"\w+|[^\w\s]+", t))
    return ["<pad>", "<unk>", "<s>", "</s>", "<image>", *words]


def build(people: list[Inhabitant], vision: Any) -> tuple[Any, Any]:
    """The untrained judge with the encoder's trained vision tower, and its processor."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
        PreTrainedTokenizerFast,
    )
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    words = _vocabulary(people)
    t = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    t.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=t,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        additional_special_tokens=["<image>"],
        padding_side="left",
        model_max_length=64,
    )
    half = [0.5, 0.5, 0.5]
    side = {"height": 32, "width": 32}
    images = CLIPImageProcessorPil(
        size=side, do_center_crop=False, crop_size=side, image_mean=half, image_std=half
    )
    processor = LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=_CHAT,
    )
    llama = LlamaConfig(
        vocab_size=len(words),
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=64,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
    )
    config = LlavaConfig(
        vision_config=vision.config,
        text_config=llama,
        image_token_index=4,
        vision_feature_select_strategy="default",
        vision_feature_layer=-1,
        image_seq_length=IMAGE_TOKENS,
    )
    model = LlavaForConditionalGeneration(config)
    tower = model.model.vision_tower
    source = {k.removeprefix("vision_model."): v for k, v in vision.state_dict().items()}
    wanted = tower.state_dict()
    tower.load_state_dict({k: source[k.removeprefix("vision_model.")] for k in wanted}, strict=True)
    model.generation_config.pad_token_id = 0
    return model, processor


def rendered(question: str) -> str:
    """What the chat template makes of a picture and this question."""
    return f"<s>{'<image>' * IMAGE_TOKENS} {question} assistant :"


@dataclass(frozen=True)
class Round:
    """One round of training: how often each kind of question is asked, about which pictures, how long.

    What the shares leave over asks whether the picture shows something (`key`).
    """

    name: str
    verify: float
    identify: float
    kind: float
    generic: float
    """Share of the pictures that show nobody, whom no name gives away."""
    steps: float
    """As a multiple of the recipe's."""
    lr: float
    lookalikes: float = 7 / 17
    """Share of look-alikes among the pictures that show somebody or a look-alike."""


ROUNDS = (
    Round("judge", verify=0.45, identify=0.30, kind=0.0, generic=0.15, steps=1.0, lr=8e-4),
    Round("judge-what", verify=0.15, identify=0.15, kind=0.15, generic=0.60, steps=0.6, lr=5e-4),
    Round("judge-both", verify=0.35, identify=0.25, kind=0.05, generic=0.35, steps=0.9, lr=6e-4),
    Round("judge-fresh", verify=0.40, identify=0.30, kind=0.0, generic=0.15, steps=0.18, lr=4e-4),
    Round(
        "judge-alike",
        verify=0.40,
        identify=0.30,
        kind=0.0,
        generic=0.15,
        steps=0.18,
        lr=3e-4,
        lookalikes=0.65,
    ),
)
"""Names first; then what there is to see, which the first round learns only as a mark of who it is; then
both, since the second forgets some of the first. The last two ask mostly who it is, on pictures not seen
before, since the judge learns look-alikes by heart; the very last one shows more of them than of the
characters, since the judge by then says yes too easily."""


def ask(probe: Probe, people: list[Inhabitant], r: random.Random, mix: Round) -> tuple[str, str]:
    """A question about a picture, drawn at random, and its true answer."""
    u = r.random()
    shown = probe.about if probe.kind == "character" else -1
    if u < mix.verify:
        asked = probe.about if probe.about >= 0 and r.random() < 0.65 else r.randrange(len(people))
        p = people[asked]
        return question(
            VERIFY, name=p.alias if r.random() < 0.1 else p.name
        ), "Yes" if asked == shown else "No"
    if u < mix.verify + mix.identify:
        return question(IDENTIFY), people[shown].name if shown >= 0 else "None"
    if u < mix.verify + mix.identify + mix.kind:
        return KIND, probe.species
    if r.random() < 0.6:
        key = probe.species if r.random() < 0.5 else r.choice(SPECIES)
        return question(KEY, key=key), "Yes" if key == probe.species else "No"
    if r.random() < 0.5:
        return question(KEY, key=r.choice(probe.words)), "Yes"
    other = r.choice((f"{r.choice(list(COLOURS))} {r.choice((*SPECIES, *HATS, *WORN))}", r.choice(HELD)))
    return question(KEY, key=other), "Yes" if other in probe.words else "No"


def train(
    model: Any,
    processor: Any,
    pixels: torch.Tensor,
    decoded: torch.Tensor,
    truth: list[Probe],
    people: list[Inhabitant],
    steps: int,
    work: Path,
    mix: Round,
) -> float:
    """Next-token training on the answers; `decoded` are the same pictures through the autoencoder."""
    device = next(model.parameters()).device
    tokenizer = processor.tokenizer
    end = tokenizer.eos_token_id

    def prepare(g: torch.Generator) -> tuple[torch.Tensor, ...]:
        pick = torch.randint(0, len(truth), (128,), generator=g)
        r = random.Random(int(torch.randint(0, 2**62, (1,), generator=g)))
        asked = [ask(truth[i], people, r, mix) for i in pick.tolist()]
        texts = [f"{rendered(q)} {a}" for q, a in asked]
        batch = tokenizer(texts, padding=True, return_tensors="pt", add_special_tokens=False)
        column = torch.full((len(texts), 1), end)
        ids = torch.cat([batch["input_ids"], column], 1)
        mask = torch.cat([batch["attention_mask"], torch.ones_like(column)], 1)
        use = (torch.rand(len(pick), generator=g) < 0.5)[:, None, None, None]
        x = as_input(torch.where(use, decoded[pick], pixels[pick]))
        x = x + torch.randn(x.shape, generator=g) * 0.08 * torch.rand(len(x), 1, 1, 1, generator=g)
        return tuple(part.to(device) for part in (ids, mask, x))

    def loss(batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
        ids, mask, x = batch
        with mixed_precision(device):
            logits = model(input_ids=ids, attention_mask=mask, pixel_values=x).logits
        answer, stop = logits[:, -3].float(), logits[:, -2].float()
        return F.cross_entropy(answer, ids[:, -2]) + 0.1 * F.cross_entropy(stop, ids[:, -1])

    loop = Loop(mix.name, {"model": model}, steps=steps, lr=mix.lr, work=work, weight_decay=0.05)
    return loop.run(prepare, loss)
