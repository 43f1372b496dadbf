"""`copycat calibrate`: the threshold of a detector, and its measured error rates."""

from __future__ import annotations

import typer


def calibrate(
    judge: str = typer.Argument(help="A judge card of a detector: kind embedding or phash."),
    fpr: float = typer.Option(0.01, min=0, max=0.5, help="Share of other characters' pictures let through."),
    device: str = typer.Option("auto", help="cpu, cuda, mps; auto takes the best there is."),
) -> None:
    """Measure a detector on its registry's reference pictures and keep its threshold."""
    import json

    from copycat.device import resolve_device
    from copycat.errors import UserError
    from copycat.judges.calibrate import calibrate as measure
    from copycat.judges.card import load_judge_card
    from copycat.paths import DATA, ROOT
    from copycat.runs import environment
    from copycat.runs.atomic import write_text

    card = load_judge_card(judge)
    if card.calibration is None:
        raise UserError(f"The card of {card.name} does not say where its threshold lies; add `calibration`.")
    found = measure(card, fpr, resolve_device(device, f"The judge {card.name}", card.min_gpu_gb))
    commit, _ = environment.git_state(ROOT)
    found |= {"command": f"copycat calibrate {card.name} --fpr {fpr:g}", "commit": commit}
    path = DATA / card.calibration
    write_text(path, json.dumps(found, indent=1) + "\n")
    typer.echo(
        f"Threshold {found['threshold']:.3f}: finds {found['tpr']:.1%} of the characters' other pictures and "
        f"takes {found['fpr']:.1%} of the pairs with another character for it; written to {path}"
    )
