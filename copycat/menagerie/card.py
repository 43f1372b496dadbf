"""The menagerie's model card: figures against their bars, loss curves and sample sheets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from PIL import Image

from copycat.io import pictures
from copycat.io.paths import DATA
from copycat.measures.questions import IDENTIFY, KEY, VERIFY
from copycat.menagerie.corpus import MISLABELLED, NEAR_DUPLICATE
from copycat.records import current_kind
from copycat.runs.data import RunData

HOME = DATA / "menagerie"


@dataclass(frozen=True)
class Bar:
    """One figure that the menagerie must reach, and what was measured."""

    what: str
    wanted: str
    measured: str
    met: bool


def bars(figures: dict[str, Any]) -> Iterator[Bar]:
    """Every bar with its figure."""
    rows = {(r["prompts"], r["mitigation"]): r for r in figures["detect"]}
    name, described = rows["name", "none"], rows["description", "none"]
    q = name["by_quintile"]
    yield Bar(
        "DETECT of 50, name prompt, no mitigation; share by quintile of training count",
        "30 to 45; top two quintiles ≥ .95, lowest ≤ .30",
        f"{name['detect']:.1f}; {' '.join(f'{x:.2f}' for x in q)}",
        30 <= name["detect"] <= 45 and min(q[3:]) >= 0.95 and q[0] <= 0.30,
    )
    for label, row, low, high in (
        ("description, of the name's DETECT", described, 0.50, 0.95),
        ("three keywords, of the name's DETECT", rows["keywords", "none"], 0.25, 0.80),
        ("two keywords, of the name's DETECT", rows["keywords2", "none"], 0.25, 0.80),
    ):
        wanted = f"{low:.0%} to {high:.0%}"
        if not name["detect"]:
            yield Bar(label, wanted, "undefined", False)
            continue
        share = row["detect"] / name["detect"]
        yield Bar(label, wanted, f"{share:.0%}", low <= share <= high)
    for mitigation, least in (("negprompt", 0.5), ("rewrite+negprompt", 0.8)):
        row = rows["description", mitigation]
        label, wanted = (
            f"descriptions with {mitigation}: DETECT lower by, CONS lower by",
            f"≥ {least:.0%}, ≤ 0.05",
        )
        if not described["detect"]:
            yield Bar(label, wanted, "undefined", False)
            continue
        less = 1 - row["detect"] / described["detect"]
        lost = described["cons"] - row["cons"]
        yield Bar(
            label,
            wanted,
            f"{less:.0%}, {lost:.3f}",
            less >= least and lost <= 0.05,
        )
    psnr = figures["psnr_db"]
    yield Bar("PSNR of reconstructed held-out renders", "≥ 28 dB", f"{psnr:.1f} dB", psnr >= 28)
    for kind in (IDENTIFY.kind, VERIFY.kind):
        r = figures["judge"][kind]
        yield Bar(
            f"judge on {r['n']} held-out renders, question `{kind}`: κ, FPR on look-alikes",
            "≥ 0.95, ≤ 2 %",
            f"{r['kappa']:.3f}, {r['fpr_lookalike']:.1%}",
            r["kappa"] >= 0.95 and r["fpr_lookalike"] <= 0.02,
        )
        k = figures["referee"][kind]["kappa"]
        yield Bar(
            f"judge (`{kind}`) and referee on {figures['referee']['n']} generated pictures: κ",
            "≥ 0.8",
            "undefined" if k is None else f"{k:.3f}",
            k is not None and k >= 0.8,
        )
    e = figures["eval"]
    yield Bar(
        f"`make eval` after set-up: {e['images']} pictures, {e['verdicts']} verdicts, table and page",
        "≤ 120 s, ≤ 3 GB",
        f"{e['seconds']:.0f} s, {e['peak_rss_mb'] / 1000:.2f} GB",
        e["seconds"] <= 120 and e["peak_rss_mb"] <= 3000,
    )


def write_card(run: RunData) -> Path:
    """Write data/menagerie/README.md, loss curves and sheets from the figures on disk."""
    figures = read_figures()
    training = json.loads((HOME / "training.json").read_text(encoding="utf-8"))
    pictures = HOME / "pictures"
    pictures.mkdir(exist_ok=True)
    _losses(training["losses"], pictures / "losses.png")
    for prompts in ("name", "description"):
        _sheet(run, prompts, pictures / f"sheet-{prompts}.png")
    path = HOME / "README.md"
    path.write_text(_text(figures, training), encoding="utf-8")
    return path


def read_figures() -> dict[str, Any]:
    """What `copycat menagerie evaluate` measured last; questions by their names of today."""
    found: dict[str, Any] = json.loads((HOME / "figures.json").read_text(encoding="utf-8"))
    asked = {part: {current_kind(k): v for k, v in found[part].items()} for part in ("judge", "referee")}
    return {**found, **asked}


def _corpus() -> str:
    import pandas as pd

    n = pd.read_parquet(HOME / "corpus.parquet", columns=["kind"])["kind"].value_counts()
    wrong, alike = n[MISLABELLED], n[NEAR_DUPLICATE]
    return "\n".join(
        (
            f"- Corpus: {n['character']:,} pictures of characters and {n['generic']:,} of generic creatures.",
            f"  The generator's second pass (`generator-loose`) adds {wrong:,} mislabelled pictures,",
            f"  which bear a character's name and show somebody else, and {alike:,} near-duplicates, which",
            "  resemble a character and bear no name.",
        )
    )


def _text(figures: dict[str, Any], training: dict[str, Any]) -> str:
    checked = list(bars(figures))
    minutes = sum(training["seconds"].values()) / 60
    stages = ", ".join(f"{k} {v / 60:.1f}" for k, v in training["seconds"].items())
    hardware = ", ".join(str(v) for v in figures["hardware"].values())
    lines = [
        "# The menagerie",
        "",
        "An invented world of 50 characters, the corpus of pictures and captions made of it, a text-to-image",
        "model and a vision-language judge trained on it from scratch, and a referee to check the judge.",
        "Nothing here shows a real person's or company's character.",
        "",
        "This page is written by `copycat menagerie evaluate`; do not edit it.",
        "",
        f"- Recipe `{training['recipe']['name']}`, trained on {training['device']} in {minutes:.0f} minutes",
        f"  ({stages}). Rebuild: `make menagerie RECIPE={training['recipe']['name']}`.",
        _corpus(),
        f"- Measured with `{figures['command']}`, seeds {figures['seeds']}, commit {figures['commit']},",
        f"  on {hardware}.",
        "- Licence: Apache-2.0, weights and pictures included.",
        "",
        f"## Figures: {sum(b.met for b in checked)} of {len(checked)} bars met",
        "",
        "| what | bar | measured | met |",
        "|---|---|---|---|",
        *(f"| {b.what} | {b.wanted} | {b.measured} | {'yes' if b.met else '**no**'} |" for b in checked),
        "",
        f"Judge, question `{KEY.kind}`: accuracy {figures['judge'][KEY.kind]['accuracy']:.1%}.",
        f"Referee on 1,000 held-out renders: accuracy {figures['referee']['accuracy_on_renders']:.1%}.",
        "",
        "## DETECT and CONS",
        "",
        "| prompts | mitigation | DETECT of 50 (± SD) | 95 % interval | targeted | CONS | by quintile |",
        "|---|---|---|---|---|---|---|",
        *map(_row, figures["detect"]),
        "",
        "Quintiles of training images, fewest first. CONS asks whether the picture shows the species.",
        "",
        "## Pictures",
        "",
        "Generated above, reference below, from the fewest training images (top left) to the most.",
        "",
        "![name prompts](pictures/sheet-name.png)",
        "",
        "![description prompts](pictures/sheet-description.png)",
        "",
        "![loss curves](pictures/losses.png)",
        "",
    ]
    return "\n".join(lines)


def _row(r: dict[str, Any]) -> str:
    low, high = r["interval"]
    sd = "" if r["detect_sd"] is None else f" ± {r['detect_sd']:.1f}"
    quintiles = " ".join(f"{x:.2f}" for x in r["by_quintile"])
    return (
        f"| {r['prompts']} | {r['mitigation']} | {r['detect']:.1f}{sd} "
        f"| {low:.1f} to {high:.1f} | {r['detect_targeted']:.1f} | {r['cons']:.3f} | {quintiles} |"
    )


def _losses(losses: dict[str, list[dict[str, float]]], path: Path) -> None:
    from matplotlib.figure import Figure

    across = 4
    down = -(-len(losses) // across)
    figure = Figure(figsize=(12, 2.6 * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).flat
    for axes in panels[len(losses) :]:
        axes.set_axis_off()
    for axes, (name, rows) in zip(panels, losses.items(), strict=False):
        axes.plot([r["step"] for r in rows], [r["loss"] for r in rows])
        axes.set(title=f"{name} ({fmean(r['loss'] for r in rows[-3:]):.3f})", xlabel="step", yscale="log")
    figure.savefig(path, dpi=100)


def _sheet(run: RunData, prompts: str, path: Path) -> None:
    registry, seed = run.registry, run.manifest.config.seeds[0]
    wanted = [
        r for r in run.requests if r.prompt_set == prompts and r.mitigation == "none" and r.run_seed == seed
    ]
    wanted.sort(key=lambda r: registry[r.character].training_images or 0)
    sheet = Image.new("RGB", (340, 68 * -(-len(wanted) // 10)), "white")
    for i, r in enumerate(wanted):
        x, y = i % 10 * 34, i // 10 * 68
        row = run.images[r.id]
        if row.file:
            sheet.paste(pictures.read(run.path / row.file), (x, y))
        sheet.paste(pictures.read(DATA / registry[r.character].references[0]), (x, y + 33))
    sheet.resize((sheet.width * 3, sheet.height * 3), Image.Resampling.NEAREST).save(path)
