"""The stages after the plan, one after another, as far as they are not done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from copycat.attacks import Attacked
from copycat.errors import CopycatError
from copycat.io.copies import Copy
from copycat.io.hub import snapshot_of
from copycat.io.read_ahead import ReadAhead
from copycat.records import Request
from copycat.report.summary import print_summary
from copycat.report.terminal import say
from copycat.resolve import ResolvedRun
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runs.spending import ledger_of
from copycat.runtime.progress import Progress
from copycat.stages.affordable import check_batches
from copycat.stages.engine import unused_workers
from copycat.stages.estimate import drawing, filtering, judging, planned, told
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import UNASKED, UNSEARCHED, check, check_offered, plan, prepare
from copycat.stages.report import report
from copycat.stages.score import score
from copycat.stages.shift import measure_shifts
from copycat.subjects.innocents import is_innocent


def complete(folder: RunFolder, run: ResolvedRun, progress: Progress) -> RunData:
    """Draw, judge, score and report what is missing; returns the whole run."""
    before = folder.data()
    unfinished = not _is_whole(before) or not before.metrics
    if unfinished:
        ahead = ReadAhead(_weights_of_judge(run))
        try:
            generate(folder, run, progress=progress, device=run.config.device, ending=ahead.start)
        finally:
            ahead.stop()
        judge(folder, run.judging, progress=progress, device=run.config.device, config=run.config)
    # Not one of the stages that a run is finished by: without it, it can have been judged and scored.
    moved = measure_shifts(folder, run, progress=progress, device=run.config.device)
    if unfinished or moved:
        score(folder)
    if not folder.page_is_current:
        report(folder, progress=progress)
    return folder.data()


def _weights_of_judge(run: ResolvedRun) -> list[Path]:
    """The files of weights of the judge that is asked first, where it is asked on this machine and they are
    here."""
    card = run.judging.card.asked()[0]
    if card.api is not None or not card.source or run.config.engine != "local":
        return []
    folder = card.folder or snapshot_of(card.source, card.revision or "")
    return sorted(folder.glob("*.safetensors"))


def _is_whole(data: RunData) -> bool:
    """Whether a run is finished and its pictures still lie there."""
    rows = (row for rows in data.frames.values() for row in rows)
    named = {file for row in rows for file in (row.file, row.video, row.strip) if file}
    return data.finished and all((data.path / file).is_file() for file in named)


def announce(run: ResolvedRun) -> None:
    """Say on standard error what was taken where the user named nothing, and which settings do nothing."""
    judge_card = run.judging.card.with_concurrency(run.config.concurrency)
    idle = (
        unused_workers(run.config, run.card, run.card.title),
        unused_workers(run.config, judge_card, f"The judge {judge_card.name}"),
    )
    for sentence in (*run.taken, *filter(None, idle)):
        say(Console(stderr=True), f"Note: {sentence}")


def execute(
    console: Console,
    run: ResolvedRun,
    progress: Progress,
    *,
    dry_run: bool = False,
    copy: Copy | None = None,
) -> None:
    """Plan and complete `run`, saying on `console` what it takes and what came out; a dry run only plans.

    In the end, also one that failed or was interrupted, `copy` holds what the run folder holds.
    """
    config = run.config
    if dry_run:
        check_offered(run)
    else:
        if copy is not None:
            copy.check_outside(run.folder)
        check(run)
        if copy is not None:
            copy.check(config.digest)
    announce(run)
    ledger = None if dry_run else ledger_of(RunFolder(run.folder), config.max_cost)
    requests = plan(run, progress=progress, ask=not dry_run, ledger=ledger)
    people = len({r.character for r in requests})
    what = "videos" if run.card.sampling.frames else "images"
    say(
        console,
        f"{len(requests)} {what} with {config.model}: {people} characters × {len(config.seeds)} seeds × "
        f"{', '.join(config.mitigations)} × {', '.join((*config.prompts, *config.also))}",
    )
    if config.also and run.features is None:
        say(
            console,
            "No encoder is known here, so how far guardrails move innocent pictures is not measured; name "
            "one with --features: the folder of a vision model (CLIP, SigLIP, DINO), or a judge card.",
        )
    judged_by = run.judging.card
    for who, end in ((run.card.title, run.card.end()), (f"The judge {judged_by.name}", judged_by.end())):
        if end:
            say(console, f"{who} {end}.")
    for prompt_set, slugs in _uncovered(run, requests).items():
        left_out = f"{len(slugs)} of them, which are left out: {', '.join(slugs)}"
        say(console, f"{prompt_set} has no prompt for {left_out}")
    if dry_run:
        for line in expected(run, requests):
            say(console, line)
        say(console, "Dry run: nothing was written.")
        unasked = {
            (r.mitigation, r.character, r.source_prompt)
            for r in requests
            if any(s.name == UNASKED for s in r.provenance)
        }
        if unasked:
            say(console, f"A language model would be asked about {len(unasked)} prompts; none was.")
        for line in _searches(run, requests):
            say(console, line)
        return
    folder = prepare(run, requests)
    for sentence in folder.manifest().served:
        say(console, sentence)
    if _is_whole(folder.data()):
        say(console, f"{folder.path} is finished; nothing is left to do.")
    with _copied(console, copy, folder, config.digest):
        print_summary(console, complete(folder, run, progress))


@contextmanager
def _copied(console: Console, copy: Copy | None, folder: RunFolder, owner: str) -> Iterator[None]:
    """Bring `copy` up to date afterwards, however it ends; what it ends with is said, and a copy that failed
    beside it too."""
    try:
        yield
    except BaseException:
        try:
            _update(console, copy, folder, owner)
        except CopycatError as e:
            say(Console(stderr=True), f"The copy was not brought up to date either: {e}")
        raise
    _update(console, copy, folder, owner)


def _update(console: Console, copy: Copy | None, folder: RunFolder, owner: str) -> None:
    if copy is not None:
        sent = copy.update(folder.path, owner)
        say(console, f"Copied {sent.files} of {sent.of} files to {copy.address}; the others were there.")


def expected(run: ResolvedRun, requests: list[Request]) -> list[str]:
    """What is left of a run, and what it will take, in lines. Raises UserError where calls are to be sent in
    batches and cannot be."""
    check_batches(run)
    folder = RunFolder(run.folder)
    data = folder.data() if folder.manifest_path.exists() else None
    if data is not None:
        # How it is computed and paid is up to this command.
        data = replace(data, manifest=data.manifest.model_copy(update={"config": run.config}))
    whole = planned(run, requests, data)
    return told(
        [
            drawing(run, requests, data),
            *filtering(run, requests, data),
            *judging(run.judging, whole),
        ]
    )


def _searches(run: ResolvedRun, requests: list[Request]) -> list[str]:
    """The searches of attacks that are left to make, and their budgets, in lines."""
    left = Counter(r.mitigation for r in requests if any(s.name == UNSEARCHED for s in r.provenance))
    lines = []
    for spec, count in left.items():
        made = run.mitigations[spec]
        if isinstance(made, Attacked):
            budget = made.attack.config
            time = f" and {budget.seconds:g} s" if budget.seconds else ""
            lines.append(
                f"{spec} would search for {count} pictures, with at most {budget.queries} queries{time} for "
                f"each ({count * budget.queries:,} pictures drawn and judged in all); none was."
            )
    return lines


def _uncovered(run: ResolvedRun, requests: list[Request]) -> dict[str, list[str]]:
    """Chosen characters that a prompt set says nothing for."""
    asked: dict[str, set[str]] = {}
    for r in (r for r in requests if not is_innocent(r.prompt_set)):
        asked.setdefault(r.prompt_set, set()).add(r.character)
    lacking = {s: [c.slug for c in run.characters if c.slug not in had] for s, had in asked.items()}
    return {s: slugs for s, slugs in lacking.items() if slugs}
