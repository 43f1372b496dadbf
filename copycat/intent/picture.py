"""The ROC curves of a detector as a picture."""

from __future__ import annotations

import io

from copycat.intent.evaluate import Measured


def draw(measured: Measured) -> bytes:
    """A PNG: one curve a prompt set, with its area."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 5.6), dpi=130, layout="constrained")
    axes = figure.add_subplot()
    areas = {s.set: s.auc for s in measured.report.sets}
    for name, points in measured.curves.items():
        axes.plot(points[:, 0], points[:, 1], label=f"{name} ({areas[name]:.3f})", linewidth=1.6)
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--", linewidth=1)
    axes.set(
        xlabel=f"false-positive rate on {measured.report.neutral} neutral prompts",
        ylabel="true-positive rate on character prompts",
        title=f"{measured.report.registry}: {measured.report.detector}",
        xlim=(-0.01, 1),
        ylim=(0, 1.01),
    )
    axes.title.set_fontsize(9)
    axes.legend(title="prompt set (AUC)", loc="lower right", fontsize=8)
    png = io.BytesIO()
    figure.savefig(png, format="png")
    return png.getvalue()
