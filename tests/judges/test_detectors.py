"""Detectors: the threshold by hand, the shipped ones for real, and towers of every kind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image, ImageOps

from copycat.calibration.detector_threshold import find_threshold
from copycat.cards.judges import JudgeCard, load_judge_card
from copycat.errors import MissingRequirement, UserError
from copycat.io.paths import DATA
from copycat.io.picture_hash import phash
from copycat.judges.base import identify, load_judge
from copycat.judges.gallery import labelled_vectors, subject
from copycat.judges.ocr import NameReader
from copycat.measures import DETECT, DETECT_TARGETED
from copycat.records import Similarities, Unscored
from copycat.resolve import resolve_settings
from copycat.subjects.characters import load_registry
from tests.helpers.questions import question

MENAGERIE = load_registry("menagerie")


def calibrate(card: JudgeCard, fpr: float) -> dict[str, Any]:
    vectors, slugs = labelled_vectors(card, "cpu")
    return find_threshold(vectors, slugs, fpr, subject(card))


def picture(character: str, place: int) -> Image.Image:
    return Image.open(DATA / MENAGERIE[character].references[place]).convert("RGB")


def test_the_score_is_above_a_half_where_the_similarity_is_above_the_threshold() -> None:
    similar = (Similarities(similarities={"a": s}, threshold=0.77) for s in (-1.0, 0.0, 0.77, 0.78, 1.0))
    values = [s.p_yes("a") or 0 for s in similar]
    assert values == sorted(values)
    assert (values[0], values[2], values[4]) == (0.0, 0.5, 1.0)
    assert values[3] > 0.5


def test_a_hash_stands_shrinking_and_compression_and_not_mirroring() -> None:
    large = picture("hupgroqui", 0).resize((300, 300))
    small = large.resize((64, 64))
    assert (phash(large) == phash(small)).mean() > 0.9
    assert (phash(large) == phash(ImageOps.mirror(large))).mean() < 0.8


@pytest.mark.parametrize("name", ["menagerie-embedding", "menagerie-phash"])
def test_the_shipped_thresholds_are_what_the_command_measures(name: str) -> None:
    card = load_judge_card(name)
    kept = json.loads((DATA / str(card.calibration)).read_text(encoding="utf-8"))
    found = calibrate(card, kept["fpr_wanted"])
    assert found["subject"] == kept["subject"], "the references or the weights are others: calibrate again"
    assert found["threshold"] == pytest.approx(kept["threshold"], abs=1e-3)
    assert {k: found[k] for k in ("tpr", "fpr")} == pytest.approx(
        {k: kept[k] for k in ("tpr", "fpr")}, abs=0.01
    )
    assert found["fpr"] < 2 * found["fpr_wanted"]


def test_the_embedding_tells_characters_apart() -> None:
    judge = load_judge(load_judge_card("menagerie-embedding"), "cpu")
    slugs = [c.slug for c in MENAGERIE.characters][:20]
    # A reference is in the gallery itself, so a changed picture is shown: a little brighter and shifted.
    shown = [Image.eval(picture(s, 1), lambda x: min(255, int(x * 1.1))).rotate(3) for s in slugs]
    which = judge.ask([question("identify", character=s) for s in slugs], shown)
    assert sum(DETECT.value(v, MENAGERIE[s]) or 0 for v, s in zip(which, slugs, strict=True)) >= 18
    own = judge.ask([question("verify", character=s) for s in slugs], shown)
    other = judge.ask([question("verify", character=s) for s in (*slugs[1:], slugs[0])], shown)
    assert sum(DETECT_TARGETED.value(v, MENAGERIE[s]) or 0 for v, s in zip(own, slugs, strict=True)) >= 18
    others = zip(other, (*slugs[1:], slugs[0]), strict=True)
    assert sum(DETECT_TARGETED.value(v, MENAGERIE[s]) or 0 for v, s in others) <= 2
    assert "yes above" in (own[0].reply or "")
    (stranger,) = judge.ask([question("verify", character="nobody")], shown[:1])
    assert isinstance(stranger.answer, Unscored)


@pytest.mark.parametrize("broken", [np.nan, np.inf, 0.0])
def test_features_that_are_not_numbers_are_no_verdict(monkeypatch: pytest.MonkeyPatch, broken: float) -> None:
    judge = load_judge(load_judge_card("menagerie-embedding"), "cpu")
    describe = judge._describe

    def breaks(images: Sequence[Image.Image]) -> Any:
        found = describe(images)
        found[0] = broken
        return found

    monkeypatch.setattr(judge, "_describe", breaks)
    slug = MENAGERIE.characters[0].slug
    for kind in ("identify", "verify"):
        asked = [question(kind, character=slug)] * 2
        bad, good = judge.ask(asked, [picture(slug, 0)] * 2)
        assert isinstance(bad.answer, Unscored)
        assert "not numbers" in bad.answer.reason
        assert DETECT.value(bad, MENAGERIE[slug]) is None
        assert good.scored, "the picture beside it is compared"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "judges").mkdir(parents=True)
    return tmp_path / "home" / "judges"


def _clip(folder: Path) -> None:
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = CLIPConfig(
        text_config={**small, "vocab_size": 8},
        vision_config={**small, "image_size": 16, "patch_size": 8}, projection_dim=12,
    )  # fmt: skip
    CLIPModel(config).save_pretrained(folder)
    size = {"height": 16, "width": 16}
    CLIPImageProcessorPil(size=size, crop_size=size).save_pretrained(folder)


def _siglip(folder: Path) -> None:
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

    small = {"hidden_size": 12, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = SiglipConfig(
        text_config={**small, "vocab_size": 8}, vision_config={**small, "image_size": 16, "patch_size": 8}
    )
    SiglipModel(config).save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": 16, "width": 16}).save_pretrained(folder)


def _dino(folder: Path) -> None:
    from transformers import BitImageProcessorPil, Dinov2Config, Dinov2Model

    config = Dinov2Config(
        hidden_size=12, num_hidden_layers=1, num_attention_heads=2, image_size=16, patch_size=8
    )
    Dinov2Model(config).save_pretrained(folder)
    size = {"height": 16, "width": 16}
    BitImageProcessorPil(size=size, crop_size=size).save_pretrained(folder)


@pytest.mark.parametrize("make", [_clip, _siglip, _dino])
def test_towers_of_every_kind_are_calibrated_and_asked(home: Path, tmp_path: Path, make) -> None:
    torch.manual_seed(0)
    make(tmp_path / "tower")
    kept = tmp_path / "kept.json"
    card = {
        "name": "mine", "kind": "embedding", "source": str(tmp_path / "tower"), "batch_size": 64,
        "registry": "menagerie", "calibration": str(kept),
    }  # fmt: skip
    (home / "mine.yaml").write_text(yaml.safe_dump(card))
    with pytest.raises(UserError, match="no threshold yet; run `copycat calibrate mine`"):
        resolve_settings(judge="mine")
    found = calibrate(load_judge_card("mine"), 0.05)
    kept.write_text(json.dumps(found))
    assert resolve_settings(judge="mine").judging.card.name == "mine"
    judge = load_judge(load_judge_card("mine"), "cpu")
    assert judge.identity == identify(load_judge_card("mine"))
    slug = MENAGERIE.characters[0].slug
    (v,) = judge.ask([question("verify", character=slug)], [picture(slug, 0)])
    assert isinstance(v.answer, Similarities)
    assert v.answer.similarities == pytest.approx({slug: 1.0}, abs=1e-4), "a reference is like itself"
    assert v.answer.threshold == found["threshold"]
    kept.write_text(json.dumps({**found, "subject": "other"}))
    with pytest.raises(UserError, match="other weights or references"):
        resolve_settings(judge="mine")


def test_what_cannot_be_calibrated_says_why(home: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="only detectors of similarity"):
        calibrate(load_judge_card("menagerie"), 0.01)
    with pytest.raises(UserError, match="add `registry`"):
        calibrate(JudgeCard(name="x", kind="phash"), 0.01)
    with pytest.raises(UserError, match="has no reference pictures"):
        calibrate(JudgeCard(name="x", kind="phash", registry="copycat"), 0.01)


def test_reading_names_needs_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pytesseract", None)
    with pytest.raises(MissingRequirement, match="pip install 'pytesseract"):
        resolve_settings(judge="ocr-names")
    assert NameReader.answers(load_judge_card("ocr-names")) == {"identify"}
