"""What pipelines of the real classes make of texts before their encoders see them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import diffusers
import pytest

from copycat.cards.models import load_card, names
from copycat.errors import MissingRequirement, UserError
from copycat.generators.base import CATALOG
from copycat.generators.reading import Reading, by_kind, overlong, refuse_unread
from copycat.records import Request, Sampling
from copycat.stages.plan import plan
from copycat.subjects.prompts import load_prompts
from tests.helpers import tiny, tiny_pipelines

CLEANERS = {"PixArtAlphaPipeline": "__call__", "IFPipeline": "encode_prompt"}
"""Pipelines that clean captions, and what is given the texts."""


@pytest.fixture
def cleaning(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two packages that cleaning needs may be missing here; plain texts they leave as they are."""
    for name in CLEANERS:
        module = sys.modules[getattr(diffusers, name).__module__]
        for package in ("bs4", "ftfy"):
            monkeypatch.setattr(module, f"is_{package}_available", lambda: True)
        soup = lambda text, features: SimpleNamespace(text=text)  # noqa: E731
        monkeypatch.setattr(module, "BeautifulSoup", soup, raising=False)
        monkeypatch.setattr(module, "ftfy", SimpleNamespace(fix_text=str), raising=False)


def reading(pipeline: str, *, function: str = "__call__", tokenizer: Any = None, **call: Any) -> Reading:
    kind = getattr(diffusers, pipeline)
    return Reading("it", kind, {"tokenizer": tokenizer} if tokenizer else {}, call, function)


def asked(*prompts: str, negative: str = "") -> list[Request]:
    sampling = Sampling(steps=1, guidance=5, height=16, width=16)
    return [
        Request(
            model="m", character="zori", prompt_set="languages", prompt_index=i, run_seed=0, seed=i,
            mitigation="none", source_prompt=p, prompt=p, negative=negative, sampling=sampling,
        )
        for i, p in enumerate(prompts)
    ]  # fmt: skip


@pytest.mark.usefixtures("cleaning")
@pytest.mark.parametrize(("registry", "emptied"), [("copycat", 38), ("unseen", 26)])
@pytest.mark.parametrize("pipeline", CLEANERS)
def test_cleaning_takes_languages_away_and_is_refused(pipeline: str, registry: str, emptied: int) -> None:
    texts = [p.text for p in load_prompts("languages", registry)]
    cleaned = reading(pipeline, function=CLEANERS[pipeline], clean_caption=True)
    assert sum(not cleaned.prepare(t).strip() for t in texts) == emptied
    lost = sum(map(cleaned.loses, texts))
    assert lost >= emptied
    said = f"It cleans its captions, which takes letters from {lost} of {len(texts)} prompts of none"
    with pytest.raises(UserError, match=said):
        refuse_unread(cleaned, "It", asked(*texts))
    with pytest.raises(UserError, match="1 of 1 negative prompts of none on languages"):
        refuse_unread(cleaned, "It", asked("Pikachu", negative=texts[2]))
    left = reading(pipeline, function=CLEANERS[pipeline], clean_caption=False)
    assert not any(map(left.loses, texts))
    refuse_unread(left, "It", asked(*texts))


@pytest.mark.usefixtures("cleaning")
@pytest.mark.parametrize("registry", ["copycat", "unseen"])
def test_cleaning_takes_nothing_from_the_papers_prompts(registry: str) -> None:
    cleaned = reading("PixArtAlphaPipeline", clean_caption=True)
    for prompts in ("name", "description", "lm20"):
        refuse_unread(cleaned, "It", asked(*(p.text for p in load_prompts(prompts, registry))))


def test_cleaning_without_its_packages_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    card = load_card("pixart-alpha@paper").model_copy(update={"packages": ("no-such-package",)})
    monkeypatch.setattr(Reading, "prepare", lambda *_: pytest.fail("nothing is read before"))
    with pytest.raises(MissingRequirement, match="PixArt-α 512 @paper needs no-such-package; install with"):
        CATALOG.get(card.kind).check_texts(card, asked("Zori"), ask=False)


def test_captions_are_cleaned_in_the_papers_pixart_alone() -> None:
    cards = [load_card(n) for n in names()]
    diffused = [c for c in cards if c.kind in {"diffusers-image", "diffusers-cascade", "diffusers-video"}]
    cleans = {
        c.name
        for c in diffused
        if Reading(
            c.name, getattr(diffusers, c.pipeline), {}, c.call, CLEANERS.get(c.pipeline, "__call__")
        ).cleans
    }
    assert cleans == {"pixart-alpha@paper"}


def test_letters_that_no_tokenizer_knows_are_refused(tmp_path: Path) -> None:
    folder = tiny_pipelines.build("PixArtAlphaPipeline", tmp_path / "pixart")
    assert load_card(str(folder)).call == {"clean_caption": False}, "a folder's captions stay as they are"
    card = load_card("pixart-alpha").model_copy(update={"source": str(folder), "revision": None})
    kind = CATALOG.get(card.kind)
    cannot = "PixArt-α 1024 cannot read 1 of 2 prompts of none on languages: its tokenizer does not know"
    with pytest.raises(UserError, match=f"{cannot} “アリエル”"):
        kind.check_texts(card, asked("アリエル", "Zori"))
    with pytest.raises(UserError, match=f"{cannot} “å” .in “Långben the owl”"):
        kind.check_texts(card, asked("Zori", "Långben the owl"))
    kind.check_texts(card, asked("Zori", "an owl – 「a frog」, WITH a cape!"))


def test_a_dry_run_fetches_nothing_to_check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from copycat.resolve import resolve_settings

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    run = resolve_settings(model="pixart-alpha", prompts=("languages",), limit=1, mitigations=("none",))
    assert {r.prompt for r in plan(run, ask=False)} == {"アリエル", "Ариэль", "爱丽儿"}


@pytest.mark.parametrize(
    ("pipeline", "limit"),
    [
        ("StableDiffusionPipeline", 16),
        ("StableDiffusionXLPipeline", 16),
        ("AnimateDiffPipeline", 16),
        ("TextToVideoSDPipeline", 16),
        ("PixArtAlphaPipeline", 120),
        ("IFPipeline", 77),
        ("LTXPipeline", 128),
        ("CogVideoXPipeline", 226),
        ("WanPipeline", 512),
        ("ZImagePipeline", 512),
        ("Flux2KleinPipeline", 512),
    ],
)
def test_how_far_a_pipeline_reads_is_its_own_and_not_its_tokenizers(pipeline: str, limit: int) -> None:
    tokenizer = tiny.small_tokenizer(tiny.WORDS, 16, "</s>")
    own = reading(pipeline, tokenizer=tokenizer, function=CLEANERS.get(pipeline, "__call__"))
    assert own.limit == limit
    (sentence,) = overlong(by_kind(asked("owl " * 600)), own)
    assert f"longer than the {limit} tokens" in sentence


def test_of_several_encoders_the_one_that_reads_furthest_counts() -> None:
    clip, t5 = tiny.small_tokenizer(tiny.WORDS, 16, "</s>"), tiny_pipelines._t5_tokenizer()
    kind = diffusers.StableDiffusion3Pipeline
    three = {"tokenizer": clip, "tokenizer_2": clip, "tokenizer_3": t5}
    assert Reading("it", kind, three).limit == 256
    assert Reading("it", kind, three, {"max_sequence_length": 100}).limit == 100, "the card's"
    del three["tokenizer_3"]
    assert Reading("it", kind, three, {"max_sequence_length": 100}).limit == 16, (
        "without the one that reads it"
    )
