"""The `copycat` program: mounts the verbs and turns errors into exit codes."""

from __future__ import annotations

import errno
import io
import signal
import sys
from pathlib import Path
from types import FrameType

import typer

from copycat import __version__
from copycat.cli import (
    annotate,
    attack,
    audit,
    calibrate,
    compare,
    count,
    dataset,
    doctor,
    erase,
    export,
    gate,
    import_images,
    import_registry,
    import_upstream,
    import_verdicts,
    judge,
    leaderboard,
    lookup,
    ls,
    menagerie,
    mine,
    power,
    prune,
    publish,
    pull,
    rejudge,
    report,
    reproduce,
    robustness,
    run,
    score,
    table,
    threshold,
    validate,
    verbatim,
    verify,
)
from copycat.cli.verb import Verb

app = typer.Typer(
    name="copycat",
    help="Measures how readily image generators reproduce protected characters, and what stops them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    pass


# In the order of the help; a verb is called as its function, with hyphens.
for verb in (
    run.run, judge.judge, annotate.annotate, calibrate.calibrate, score.score, report.report, verify.verify,
    table.table, threshold.threshold, compare.compare, power.power, reproduce.reproduce,
    robustness.robustness, import_upstream.import_upstream, rejudge.rejudge, import_registry.import_registry,
    import_images.import_images, import_verdicts.import_verdicts, publish.publish, pull.pull, export.export,
    dataset.dataset, lookup.lookup, audit.audit, erase.erase, attack.attack, gate.gate, count.count, ls.ls,
    validate.validate, doctor.doctor, prune.prune,
):  # fmt: skip
    app.command()(verb)
for some in (app, leaderboard.app, mine.app, verbatim.app):
    for command in some.registered_commands:
        command.cls = Verb
app.add_typer(leaderboard.app, name="leaderboard")
app.add_typer(mine.app, name="mine")
app.add_typer(verbatim.app, name="verbatim")
app.command(
    "menagerie",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(menagerie.menagerie)


def _from_home(argument: str) -> str:
    """`~/…` as a path, also where no shell made it one: in quotes, and behind the `=` of an option."""
    option, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    return f"{option}{equals}{Path(value).expanduser()}" if value.startswith("~/") else argument


def main() -> None:
    """Run the program; exit code 2 for a user's mistake, 130 for Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal of another encoding shows what it lacks as \\u2026, and no traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    interrupt = _Interrupt()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    try:
        app(args=[_from_home(a) for a in sys.argv[1:]], standalone_mode=True)
    except SystemExit as e:
        # Typer has turned Ctrl-C into this code, without a word.
        if e.code == 130:
            _stop(_STOPPED, 130)
        raise
    except KeyboardInterrupt:
        # Before Typer had begun to look for it.
        _stop(_STOPPED, 130)
    except Exception as e:
        if interrupt.came:
            # A library has made another error of it, as pydantic does inside of its serialisers.
            _stop(_STOPPED, 130)
        if _is_lack_of_memory(e):
            _stop(_MEMORY, 2)
        # Imported late, so that --help never loads what it does not need.
        from copycat.errors import UserError

        if isinstance(e, UserError):
            _stop(str(e), 2)
        if isinstance(e, OSError) and e.errno in _PATHS:
            _stop(f"{_shortened(e.filename)} cannot be used: {e.strerror}. Choose another path.", 2)
        raise


class _Interrupt:
    """Does on Ctrl-C what the interpreter does, and remembers it."""

    came = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.came = True
        signal.default_int_handler(number, frame)


_STOPPED = "Stopped. Run the same command again to resume."
_MEMORY = (
    "Memory ran out; what is finished is kept. Free some and run the same command again, or begin another "
    "run with --out and a smaller model or judge, --batch-size 1, --offload model or --device cpu."
)


_PATHS = frozenset({errno.ENAMETOOLONG, errno.ELOOP, errno.EILSEQ})
"""What is wrong with a path itself, wherever it is used first."""


def _shortened(path: object) -> str:
    text = str(path)
    return text if len(text) <= 100 else f"{text[:60]}…{text[-20:]}"


def _is_lack_of_memory(error: Exception) -> bool:
    # torch's own error, by its name: this program runs without torch.
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


def _stop(message: str, code: int) -> None:
    sys.stderr.write(" ".join(message.split()) + "\n")
    raise SystemExit(code)
