"""Whether a judge's error rates speak of a run's pictures, and what is printed where they do not."""

from __future__ import annotations

import csv
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from copycat.config import RunConfig
from copycat.errors import UserError
from copycat.measures.summary import summarise
from copycat.report import render_page, tables
from copycat.report.words import is_calibrated, judge_sentence
from copycat.runs.calibrated import elsewhere, speaks_of, weights_of
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import Manifest, Origin
from copycat.stages.score import score

FIRST = Path(__file__).parents[1] / "data" / "first_rows" / "whole"
SDXL = "sdxl@462165984030"


def manifest(model: str, *, chosen: str = "sdxl", origin: Origin | None = None) -> Manifest:
    return Manifest(config=RunConfig(model=chosen), model=model, origin=origin)


@pytest.fixture
def run(tmp_path: Path) -> RunData:
    """A run of the menagerie, by its own judge."""
    shutil.copytree(FIRST, tmp_path / "run")
    return RunFolder(tmp_path / "run").data()


def elsewhere_drawn(run: RunData, **changes: Any) -> RunData:
    """The same run, had its pictures been another model's."""
    model = {"model": "sd@0123456789ab", **changes}
    return replace(run, manifest=run.manifest.model_copy(update=model))


def test_the_same_weights_are_the_same_kind_of_pictures() -> None:
    for same in (
        SDXL,
        "sdxl@paper@462165984030",
        f"{SDXL}+a6b203",
        f"{SDXL}:float32:fp16",
        "mine@462165984030",
    ):
        assert weights_of(same) == "462165984030"
    hosted = "mine@dall-e-3@https://images.example/v1"
    assert weights_of(hosted) == hosted
    rates = {"tpr": 0.9, "models": [SDXL], "registry": "copycat"}
    assert speaks_of(rates, manifest("sdxl@paper@462165984030+a6b203"), "copycat")
    assert not speaks_of(rates, manifest("sdxl@0123456789ab"), "copycat")
    assert not speaks_of(rates, manifest(SDXL), "unseen")


def test_rates_written_by_hand_speak_of_models_with_a_card() -> None:
    rates = {"tpr": 0.9, "fpr": 0.1}
    assert speaks_of(rates, manifest(SDXL), "copycat")
    assert speaks_of(rates, manifest(SDXL, chosen="sdxl@paper"), "copycat")
    assert not speaks_of(rates, manifest("mine@0123456789ab", chosen="/somewhere/mine"), "copycat")
    taken_in = Origin(how="imported", source="shelf")
    for origin in (taken_in, Origin(how="pulled", source="x/y", before=taken_in)):
        assert not speaks_of(rates, manifest("sdxl@0123456789ab", origin=origin), "copycat")
    assert speaks_of(rates, manifest(SDXL, origin=Origin(how="pulled", source="x/y")), "copycat")


def test_a_detectors_rates_speak_of_models_made_for_its_characters() -> None:
    rates = {"tpr": 0.9, "fpr": 0.1, "subject": "abc"}
    own = FIRST_MODEL
    assert speaks_of(rates, manifest(own, chosen="menagerie"), "menagerie")
    assert not speaks_of(rates, manifest(SDXL), "menagerie")


FIRST_MODEL = RunFolder(FIRST).manifest().model


def test_no_figure_is_printed_that_was_measured_on_other_pictures(run: RunData) -> None:
    mine, other = run, elsewhere_drawn(run)
    other = replace(other, metrics=summarise(other.judged, other.rates))
    assert is_calibrated(mine.rates)
    assert not is_calibrated(other.rates)
    assert "false-positive rate 1.1%" in judge_sentence(mine.rates)
    told = judge_sentence(other.rates)
    assert told.startswith("Judge: not calibrated on pictures of this model")
    assert "measured on menagerie@" in told
    assert any(m.corrected is not None for m in summarise(mine.judged, mine.rates))
    assert all(m.corrected is None for m in other.metrics)
    kappa = re.compile(r"κ 0\.983|false-positive rate|TPR 0")
    for text in (*tables(other).values(), render_page(other, "beside")):
        assert not kappa.search(text)
    lines = list(csv.DictReader(tables(other)["table.csv"].splitlines()))
    assert {line["judge_kappa"] + line["judge_fpr"] + line["corrected"] for line in lines} == {""}
    page = render_page(other, "beside")
    assert re.search(r'<p id="judge" class="warn">Judge: not calibrated on pictures of this model', page)
    assert kappa.search(tables(mine)["table.md"])


def test_pictures_made_elsewhere_and_other_characters_are_other_pictures(run: RunData) -> None:
    shelf = Origin(how="imported", source="shelf")
    assert not is_calibrated(elsewhere_drawn(run, model="menagerie@0123456789ab", origin=shelf).rates)
    other = replace(run, registry=type(run.registry)("other", 1, run.registry.characters))
    assert not is_calibrated(other.rates)


def test_a_calibration_of_other_pictures_is_not_cited(run: RunData, tmp_path: Path) -> None:
    folder = RunFolder(run.path)
    path = tmp_path / "calibration.json"
    path.write_text(CALIBRATION % (run.manifest.judge, run.manifest.model, run.manifest.judge))
    score(folder, path)
    assert folder.data().rates is not None
    assert folder.data().rates["cited"] == str(path)
    path.write_text(CALIBRATION % (run.manifest.judge, SDXL, run.manifest.judge))
    with pytest.raises(UserError, match=f"measured on pictures of {SDXL}.*copycat annotate"):
        score(folder, path)


def test_what_is_left_names_what_was_measured() -> None:
    assert elsewhere({"models": ["a@1", "b@2"], "kappa": 0.9}) == {"elsewhere": "a@1, b@2"}
    assert "other pictures" in judge_sentence(elsewhere({"kappa": 0.9}))


def shares(hits: int, n: int) -> str:
    return f'{{"hits": {hits}, "n": {n}, "low": 0.1, "high": 0.9}}'


CALIBRATION = (
    '{"runs": ["r"], "labels": "l.csv", "labels_sha256": "0", "truth": ["a"], "items": 4, "positives": 2, '
    '"ties": 0, "unanswered": 0, "unknown_labels": 0, "unknown_images": 0, "registry": "menagerie", '
    '"raters": {"raters": [], "items": 0, "unanimous": ' + shares(0, 0) + ', "fleiss": null, "alpha": null, '
    '"alpha_low": null, "alpha_high": null, "pairs": []}, "command": "c for %s", "commit": null, '
    '"copycat": "0", "models": ["%s"], "judges": [{"judge": "%s", "question": "identify", '
    '"counts": {"tp": 2, "fp": 1, "tn": 1, "fn": 0}, "accuracy": ' + shares(3, 4) + ', "kappa": 0.5, '
    '"kappa_low": null, "kappa_high": null, "tpr": ' + shares(2, 2) + ', "fpr": ' + shares(1, 2) + ', '
    '"fpr_lookalike": ' + shares(0, 0) + ', "unscored": 0, "parts": []}]}'
)  # fmt: skip
