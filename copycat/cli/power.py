"""`copycat power`: how many characters and seeds a comparison needs."""

from __future__ import annotations

import typer


def power(
    detect: list[float] = typer.Argument(
        None, metavar="[X Y]", help="DETECT without and with the guardrail, e.g. 38 29; by default the run's."
    ),
    of: int = typer.Option(50, min=2, help="Characters that X and Y are out of."),
    run: str | None = typer.Option(None, help="A run to measure the spread on: two mitigations, two seeds."),
    between: str = typer.Option("", help="Two mitigations of the run, e.g. none,rewrite; its first two."),
    prompts: str | None = typer.Option(None, help="The prompt set of the run; its first."),
    sd: float | None = typer.Option(
        None, help="Standard deviation of the difference of one pair of pictures (yes 1, no 0)."
    ),
    icc: float | None = typer.Option(
        None, min=0, max=1, help="How alike the seeds of a character are: correlation of their differences."
    ),
    characters: str = typer.Option("10,20,50,100,200", help="Numbers of characters, a list."),
    seeds: str = typer.Option("1,2,3,5,10", help="Numbers of seeds, a list."),
    wanted: float = typer.Option(0.8, min=0.1, max=0.99, help="The power that is enough."),
    alpha: float = typer.Option(0.05, min=1e-6, max=0.5, help="Level of the test, two-sided."),
    tests: int = typer.Option(1, min=1, help="Comparisons in the family; the level is divided by it."),
) -> None:
    """Say how many characters and seeds it takes to tell one DETECT from another."""
    from copycat.cli.parsing import sizes
    from copycat.compare.power import assumed, measured, table
    from copycat.errors import UserError

    if detect and len(detect) != 2:
        raise UserError("Give two numbers, X and Y: DETECT without and with the guardrail (38 29).")
    if detect and not all(0 <= x <= of for x in detect):
        raise UserError(
            f"DETECT is between 0 and the number of characters; say what it is out of: --of {of}."
        )
    if run is None and not detect:
        raise UserError("Give two numbers, X and Y (38 29), or a run to take them from (--run RUN).")
    if run is None and (between or prompts):
        raise UserError("--between and --prompts choose within a run; say which: --run RUN.")
    shares = (detect[0] / of, detect[1] / of) if detect else None
    if run is not None:
        from copycat.cli.folders import opened
        from copycat.cli.parsing import items

        effect, assumptions = measured(opened(run).data(), items(between), prompts, shares, sd=sd, icc=icc)
    else:
        assert shares is not None  # noqa: S101  either is given, see above
        effect, assumptions = assumed(shares, sd=sd, icc=icc)
    for line in assumptions:
        typer.echo(line)
    typer.echo(table(effect, sizes(characters), sizes(seeds), wanted=wanted, alpha=alpha / tests))
