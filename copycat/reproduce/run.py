"""Tables 1 and 2 from what they cost to what can be published; every step again resumes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from copycat.io.atomic import write_bytes, write_text
from copycat.leaderboard import Pictures, entries
from copycat.leaderboard import add as add_rows
from copycat.mining.negatives import Corpus, Negatives
from copycat.paper.fill import fill
from copycat.paper.published import PaperTable
from copycat.paper.usable import Usable
from copycat.paper.write import WRITERS
from copycat.publish.collect import collect
from copycat.publish.target import check_target
from copycat.publish.write import write as write_dataset
from copycat.report.terminal import say
from copycat.reproduce.cost import Cost, cost
from copycat.reproduce.differences import csv_text, differences, markdown
from copycat.reproduce.jobs import Job
from copycat.reproduce.rankings import make_missing, own_corpus
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runtime.progress import Progress
from copycat.stages.plan import check, check_offered
from copycat.stages.run import execute
from copycat.subjects.keywords import CATALOG as KEYWORDS
from copycat.subjects.keywords import check_target as check_keywords
from copycat.subjects.keywords import listed, write_rankings

WITHHELD = "others hold the rights in these characters."


@dataclass(frozen=True)
class Reproduction:
    """What was asked for."""

    jobs: Sequence[Job]
    out: Path
    corpus: str | None
    """Captions for the rankings by co-occurrence."""
    by: str
    """Who runs it; leaderboard rows need that."""

    def check_offered(self) -> None:
        """Raise a UserError for a model or judge that was shut down, and for a model that takes no negative
        prompt, which the tables are about."""
        for job in self.jobs:
            check_offered(job.resolved(job.conditions(Usable(job.registry))))

    def costs(self) -> list[Cost]:
        """What each run takes at most, with every condition of its tables."""
        found = []
        for job in self.jobs:
            every = Usable(None)
            run = job.resolved(job.conditions(Usable(job.registry)))
            found.append(cost(job.model, run, len(job.conditions(every))))
        return found

    def lacking(self) -> list[str]:
        """What conditions of the tables lack here as it stands; one sentence a reason."""
        told = []
        for job in self.jobs:
            usable = Usable(job.registry)
            job.conditions(usable)
            told += [f"{job.model}: {line}" for line in usable.told()]
        return told

    def check(self) -> None:
        """Raise a UserError for what a run would lack later: a GPU, its weights, a free folder."""
        check_target(self.dataset)
        for job in self.jobs:
            check(job.resolved(job.conditions(Usable(job.registry))))

    @property
    def dataset(self) -> Path:
        """The folder that is ready to be published."""
        return self.out / "dataset"

    def prepare(self, tell: Callable[[str], None]) -> None:
        """Make the rankings of words that are missing, as far as they can be made."""
        for job in self.jobs:
            source = self.corpus or own_corpus(job.registry)
            how = Negatives(job.registry, listed("lm", job.registry.name))
            target = KEYWORDS.own(job.registry.name)
            check_keywords(target)
            captions = Corpus(source) if source else None
            made = make_missing(how, job.card, captions, device="cpu", tell=tell)
            if made:
                write_rankings(target, job.registry.name, made, "copycat reproduce")
                tell(f"{target}: {', '.join(made)} made")

    def plan(self, console: Console, progress: Progress) -> None:
        """Say what would be drawn, and write nothing."""
        for job in self.jobs:
            execute(console, job.resolved(job.conditions(Usable(job.registry))), progress, dry_run=True)

    def run(self, console: Console, progress: Progress) -> None:
        """Draw and judge what is missing, and write tables, differences, dataset and leaderboard rows."""
        for job in self.jobs:
            execute(console, job.resolved(job.conditions(Usable(job.registry))), progress)
        data = {job.model: RunFolder(self._folder(job)).open().data() for job in self.jobs}
        self._tables(console, data)
        self._publish(console, progress)
        self._leaderboard(console, data)

    def _folder(self, job: Job) -> Path:
        return Path(job.settings["out"])

    def _tables(self, console: Console, data: dict[str, RunData]) -> None:
        tables: dict[str, tuple[PaperTable, list[RunData]]] = {}
        for job in self.jobs:
            for table in job.tables:
                tables.setdefault(table.table, (table, []))[1].append(data[job.model])
        found = []
        for number, (table, runs) in sorted(tables.items()):
            filled = fill(table, runs)
            for ending, write in WRITERS.items():
                write_bytes(self.out / f"table{number}.{ending}", write(filled).encode())
            found += list(differences(filled))
            say(console, f"Table {number}: {self.out / f'table{number}.md'}")
        write_text(self.out / "differences.csv", csv_text(found))
        write_text(self.out / "differences.md", markdown(found))
        say(console, f"Differences to the paper: {self.out / 'differences.md'}")

    def _publish(self, console: Console, progress: Progress) -> None:
        publication = collect(
            [RunFolder(self._folder(job)).open() for job in self.jobs],
            pictures=False,
            right=False,
            title="Tables 1 and 2 of He et al. 2024, measured again",
            licence="cc-by-4.0",
            creator=self.by,
            repository=None,
        )
        write_dataset(publication, self.dataset, progress=progress)
        folders = " ".join(str(self._folder(job)) for job in self.jobs)
        say(console, f"Dataset, without pictures: {self.dataset}")
        say(console, f"To publish it: copycat publish {folders} --repo USER/NAME")

    def _leaderboard(self, console: Console, data: dict[str, RunData]) -> None:
        if not self.by.strip():
            say(console, "No leaderboard rows: say who ran this with --by NAME (BY= with make), and again.")
            return
        for job in self.jobs:
            run = data[job.model]
            reason = (
                WITHHELD if run.registry.protected else "they are not kept; the command draws them again."
            )
            rows = entries(run, by=self.by, pictures=Pictures(withheld=reason))
            path = self.out / "leaderboard" / f"{rows[0].model}.jsonl"
            add_rows(path, rows)
            say(console, f"Leaderboard rows: {path}")
