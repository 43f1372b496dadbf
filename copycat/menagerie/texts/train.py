"""Training the small language model, and writing it as a folder of transformers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from copycat.errors import UserError
from copycat.io.atomic import new_folder, write_text
from copycat.io.jsonl import write_lines
from copycat.io.loading import quiet_loading
from copycat.menagerie.texts.passages import grouped, others_of, passages_of, training_texts
from copycat.menagerie.texts.recipe import TextRecipe
from copycat.menagerie.train.loop import Loop, mixed_precision, pick_device
from copycat.records import digest
from copycat.verbatim.text.documents import Corpus

END = "<|endoftext|>"
FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "training.json")
"""What a folder of the model holds at least."""
PASSAGES, OTHERS = "passages.jsonl", "others.jsonl"
"""Beside the model, as corpora: the passages that stand so and so often in its text, and others that each
stand there once."""


@dataclass(frozen=True)
class TextLM:
    """What a training results in."""

    folder: Path
    passages: Path
    seconds: float
    tokens: int
    """In the training text."""


def train(corpus: Corpus, recipe: TextRecipe, work: Path, folder: Path) -> TextLM:
    """Train on the passages of `corpus` and write model and passages into `folder`, which is new or empty.

    The same again resumes from `work`. Raises UserError where the corpus is too small, or `work` holds the
    training of another recipe.
    """
    passages = passages_of(corpus.documents, recipe.passage_words)
    try:
        chosen = grouped(passages, recipe.copies, recipe.passages, recipe.seed)
    except ValueError as e:
        raise UserError(f"The corpus {corpus.name} is too small for this recipe: {e}.") from e
    _check_work(work, recipe, corpus)
    texts = training_texts(passages, chosen, recipe.copies, recipe.seed)
    tokenizer = make_tokenizer(texts, recipe.vocabulary)
    stream = _stream(tokenizer, texts)
    model, seconds = _trained(recipe, tokenizer, stream, work)
    facts = {
        "recipe": recipe.model_dump(),
        "corpus": corpus.name,
        "passages": len(chosen),
        "once": len(passages) - len(chosen),
        "texts": len(texts),
        "tokens": len(stream),
        "passes": round(recipe.steps * recipe.batch * recipe.window / len(stream), 2),
        "seconds": round(seconds, 1),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    with new_folder(folder) as made, quiet_loading():
        # Weights as float16, half of what they take in float32.
        model.half().save_pretrained(made)
        tokenizer.save_pretrained(made)
        write_text(made / "training.json", json.dumps(facts, indent=1) + "\n")
        write_lines(made / PASSAGES, chosen)
        write_lines(made / OTHERS, others_of(passages, chosen, recipe.others, recipe.seed))
        for file in made.iterdir():
            # Weights are written for their owner alone.
            file.chmod(0o644)
    return TextLM(folder, folder / PASSAGES, seconds, len(stream))


def _check_work(work: Path, recipe: TextRecipe, corpus: Corpus) -> None:
    told = json.dumps({"recipe": recipe.model_dump(), "corpus": digest([d.id for d in corpus.documents])})
    stamp = work / "recipe.json"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") != told:
        raise UserError(
            f"{work} holds a training of another recipe or corpus; delete it, or choose another folder with "
            "--work."
        )
    work.mkdir(parents=True, exist_ok=True)
    write_text(stamp, told)


def make_tokenizer(texts: list[str], vocabulary: int) -> Any:
    """Byte-pair tokens of `texts`; each text that is encoded begins with the mark between texts."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    # Each distinct text once, so that what was copied does not decide which tokens there are.
    raw.train_from_iterator(
        sorted(set(texts)),
        trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=[END],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    raw.post_processor = processors.TemplateProcessing(
        single=f"{END} $A", special_tokens=[(END, raw.token_to_id(END))]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token=END, eos_token=END, pad_token=END, clean_up_tokenization_spaces=False
    )


def _stream(tokenizer: Any, texts: list[str]) -> torch.Tensor:
    return torch.tensor([token for ids in tokenizer(texts)["input_ids"] for token in ids])


def _trained(recipe: TextRecipe, tokenizer: Any, stream: torch.Tensor, work: Path) -> tuple[Any, float]:
    torch.manual_seed(recipe.seed)
    end = tokenizer.eos_token_id
    model: Any = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=len(tokenizer),
            n_positions=recipe.window,
            n_embd=recipe.width,
            n_layer=recipe.layers,
            n_head=recipe.heads,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            bos_token_id=end,
            eos_token_id=end,
        )
    )
    device = torch.device(pick_device())
    model.to(device)

    def windows(generator: torch.Generator) -> torch.Tensor:
        begins = torch.randint(0, len(stream) - recipe.window, (recipe.batch, 1), generator=generator)
        return stream[begins + torch.arange(recipe.window)].to(device)

    def loss(ids: torch.Tensor) -> torch.Tensor:
        with mixed_precision(device):
            logits = model(input_ids=ids).logits
        return torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1).float(), ids[:, 1:].flatten())

    loop = Loop(
        "text-lm",
        {"model": model},
        steps=recipe.steps,
        lr=recipe.learning_rate,
        work=work,
        seed=recipe.seed,
    )
    return model, loop.run(windows, loss)
