"""`copycat verify`: whether a run is whole and true to its hashes."""

from __future__ import annotations

import typer


def verify(
    run: str = typer.Argument(help="A run folder, or its name under results/."),
    as_json: bool = typer.Option(False, "--json", help="Print what was found as one JSON object."),
) -> None:
    """Check that a run holds everything once and hash-true, and numbers that follow from its rows.

    Prints a line for each fault with what to do about it. Nothing is written. Exit code 1 where there is one.
    """
    import json
    from dataclasses import asdict

    from copycat.cli.folders import located
    from copycat.runtime.progress import for_stream
    from copycat.stages.verify import verify as check

    found = check(located(run), for_stream())
    if as_json:
        body = {
            "run": str(found.path),
            "sound": found.sound,
            "pictures": found.pictures,
            "verdicts": found.verdicts,
            "findings": [asdict(f) for f in found.findings],
        }
        typer.echo(json.dumps(body, indent=1, ensure_ascii=False))
    else:
        for finding in found.findings:
            typer.echo(finding.line)
        state = "sound" if found.sound else "not sound"
        held = f"pictures planned: {found.pictures}, verdicts: {found.verdicts}"
        typer.echo(f"{found.path} is {state} ({held}).")
    if not found.sound:
        raise typer.Exit(1)
