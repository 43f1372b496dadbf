"""A registry whose subjects are no characters runs from end to end, in its own words."""

from __future__ import annotations

from pathlib import Path

from copycat.measures import DETECT, DETECT_TARGETED
from copycat.resolve import resolve_settings
from copycat.runtime.progress import Progress
from copycat.stages.plan import prepare
from copycat.stages.run import complete
from tests.helpers.styles import write_styles


def test_art_styles_are_asked_about_as_such(tiny_models, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("COPYCAT_HOME", str(tmp_path / "home"))
    write_styles(tmp_path / "home")
    run = resolve_settings(
        model=str(tiny_models.sd), registry="styles", judge=str(tiny_models.judge), prompts=("name",),
        mitigations=("none", "negprompt"), seeds=(0,), steps=2, device="cpu", out=tmp_path / "run",
    )  # fmt: skip
    assert run.registry.noun == "art style"
    data = complete(prepare(run), run, Progress())
    texts = {v.kind: v.question for v in data.verdicts}
    assert set(texts) == {"identify", "verify"}, "without a key nothing is asked about it"
    assert "art style" in texts["identify"]
    assert "style" in texts["verify"]
    assert {m.metric for m in data.metrics} == {DETECT.name, DETECT_TARGETED.name}
    assert all(m.images == 3 for m in data.metrics)
    assert run.registry.characters[0].name in (data.path / "report.html").read_text()
