"""A run on disk; the one place that knows which file holds what."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from copycat.config import NOT_THE_RESULT, RunConfig
from copycat.errors import BadFile, MissingRequirement, RunConflict
from copycat.io import atomic
from copycat.io.documents import parse_json
from copycat.io.journal import Journal
from copycat.records import Agreement, ImageRow, Metric, Request, Shift, Verdict, request_id
from copycat.runs import imitation, ladder
from copycat.runs.data import RunData
from copycat.runs.manifest import Manifest, StageRecord, now
from copycat.runs.sent_batches import SentBatches
from copycat.runtime.environment import peak_rss_mb
from copycat.subjects.characters import Registry, load_registry, registry_yaml

_MANIFEST, _CONDITIONING, _LOCK = "manifest.json", "conditioning", ".lock"
_LEDGER = "spending.jsonl"
_BEFORE_MANIFEST = {
    *(_LOCK, "requests.jsonl", ".requests.jsonl.tmp", ".manifest.json.tmp", _CONDITIONING),
    # Language models are asked for the plan, and paid, before there is a manifest.
    *(_LEDGER, f".{_LEDGER}.lock"),
}
"""All that can lie in a folder whose creation was cut off."""


_BATCHES, _HELD = "batches", "held"
_PICTURES, _VIDEOS = "images", "videos"
PICTURE_FOLDERS = (_PICTURES, _VIDEOS)
"""The folders that rows of pictures name files in."""
ROW_FOLDERS = (*PICTURE_FOLDERS, _CONDITIONING)
"""The folders that rows name files in."""


def known(results: Path) -> list[Path]:
    """Run folders under `results`, by name."""
    return sorted(p.parent for p in results.glob(f"*/{_MANIFEST}"))


class RunFolder:
    """One run. Reading needs no lock; a stage that writes holds the run's lock."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.request_journal = Journal(self.path / "requests.jsonl", Request)
        self.image_journal = Journal(self.path / "images.jsonl", ImageRow)
        self.verdict_journal = Journal(self.path / "verdicts.jsonl", Verdict)
        self.shift_journal = Journal(self.path / "shifts.jsonl", Shift)

    def __reduce__(self) -> tuple[type[RunFolder], tuple[Path]]:
        # To another process goes where it lies, and not what was read of it.
        return RunFolder, (self.path,)

    def create(
        self,
        config: RunConfig,
        requests: Sequence[Request],
        conditionings: Path | None = None,
        taken: tuple[str, ...] = (),
        served: tuple[str, ...] = (),
    ) -> RunFolder:
        """Begin this run, or take up the same one again; raises RunConflict as :meth:`check_free`.

        The embeddings that requests name are copied from the folder `conditionings`; `taken` says what was
        taken where the user named nothing, `served` what the model's server was found to do.
        """
        self.check_free(config)
        if self.manifest_path.exists():
            self._same_requests(requests)
            return self
        with self.locked():
            if self.manifest_path.exists():  # another process was faster
                self._same_requests(requests)
                return self
            self.request_journal.replace(requests)
            for sha in {r.conditioning for r in requests} - {""}:
                file = f"{sha}.safetensors"
                content = ((conditionings or Path()) / file).read_bytes()
                atomic.write_bytes(self.conditioning_path / file, content)
            # The manifest comes last: where it stands, the run is whole.
            self.write_manifest(Manifest.fresh(config, requests[0].model, taken, served))
        return self

    def check_free(self, config: RunConfig) -> None:
        """Raise RunConflict when the folder holds another run or other files."""
        if self.manifest_path.exists():
            self.check_own()
            self._same_settings(config)
            return
        if self.path.exists():
            if not self.path.is_dir():
                raise RunConflict(f"{self.path} is a file; choose another output folder.")
            strangers = {p.name for p in self.path.iterdir()} - _BEFORE_MANIFEST
            if strangers:
                raise RunConflict(
                    f"{self.path} holds files that are no run (such as {min(strangers)}); "
                    "choose another output folder."
                )

    def check_own(self) -> None:
        """Raise RunConflict for an imported or pulled run: no picture is ever drawn into one."""
        origin = self.manifest().origin
        if origin is not None:
            raise RunConflict(
                f"{self.path} {origin.words}, so nothing is drawn into it; choose another output folder."
            )

    def open(self) -> RunFolder:
        """This run, which must exist."""
        if not self.manifest_path.is_file():
            raise BadFile(f"{self.path} is not a run folder: it has no manifest.json.")
        self.manifest()
        return self

    def _same_settings(self, config: RunConfig) -> None:
        old = self.manifest()
        if old.config.digest != config.digest:
            mine, theirs = (c.model_dump(mode="json", exclude=NOT_THE_RESULT) for c in (config, old.config))
            differs = ", ".join(k for k in mine if mine[k] != theirs[k])
            raise RunConflict(
                f"{self.path} holds another run (it differs in: {differs}); choose another output folder."
            )

    def _same_requests(self, requests: Sequence[Request]) -> None:
        # Identities are made anew, since those in the rows may have been made by an older version.
        rows = self.request_journal.rows()
        planned = [_told_as(row, r) for row, r in zip(rows, requests, strict=False)]
        if len(rows) != len(requests) or list(map(request_id, planned)) != list(map(request_id, rows)):
            raise RunConflict(
                f"{self.path} was begun with other weights, prompts, characters or sampling under the same "
                f"names{_other_model(rows, requests)}; choose another output folder."
            )

    @property
    def manifest_path(self) -> Path:
        return self.path / _MANIFEST

    @property
    def metrics_path(self) -> Path:
        return self.path / "metrics.json"

    @property
    def page_path(self) -> Path:
        """The report."""
        return self.path / "report.html"

    @property
    def page_is_current(self) -> bool:
        """Whether the report is there and shows the numbers that there are now."""
        stamp = self._page_stamp()
        try:
            with self.page_path.open("rb") as f:
                f.seek(-len(stamp), os.SEEK_END)
                return f.read() == stamp
        except OSError:
            return False

    def write_page(self, page: str) -> None:
        """Write the report, with what tells the numbers that it shows."""
        atomic.write_bytes(self.page_path, page.encode("utf-8") + self._page_stamp())

    def _page_stamp(self) -> bytes:
        """The end of a report of the numbers that there are now; not a time, as clocks go wrong."""
        found = (self.metrics_path, self.path / imitation.FILE, self.path / ladder.FILE)
        shown = (p for p in found if p.is_file())
        numbers = b"".join(p.read_bytes() for p in shown)
        return f"<!-- of metrics.json {hashlib.sha256(numbers).hexdigest()} -->\n".encode()

    @property
    def labels_path(self) -> Path:
        """What raters answered about this run's pictures."""
        return self.path / "labels.jsonl"

    @property
    def calibration_path(self) -> Path:
        """Where a calibration of this run's judges is written, unless another place is named."""
        return self.path / "calibration.json"

    @property
    def ledger_path(self) -> Path:
        """What the run's hosted calls cost, one by one."""
        return self.path / _LEDGER

    @property
    def batches(self) -> SentBatches:
        """The batches of questions that a provider has not answered yet."""
        return SentBatches(self.path / _BATCHES)

    @property
    def held_path(self) -> Path:
        """The folder of pictures that were drawn, and that a filter's judge could not be asked about."""
        return self.path / _HELD

    @property
    def registry_path(self) -> Path:
        """The characters of a run that was made where another registry of that name may be."""
        return self.path / "registry.yaml"

    @property
    def conditioning_path(self) -> Path:
        """The folder of embeddings that stand in for words."""
        return self.path / _CONDITIONING

    def picture_file(self, request: Request, suffix: str = "png") -> str:
        """Where a request's picture lies, relative to the folder; of a video each judged frame apart."""
        return f"{_PICTURES}/{request.id}.{suffix}"

    def frame_file(self, request: Request, frame: int) -> str:
        """Where a judged frame of a request's video lies, relative to the folder."""
        return f"{_PICTURES}/{request.id}-{frame:03d}.png"

    def video_files(self, request: Request) -> tuple[str, str]:
        """Where a request's video lies, and the strip of its frames, relative to the folder."""
        return f"{_VIDEOS}/{request.id}.mp4", f"{_VIDEOS}/{request.id}.png"

    @property
    def row_paths(self) -> tuple[Path, ...]:
        """The files that a run follows from, its pictures aside."""
        journals = (self.request_journal, self.image_journal, self.verdict_journal, self.shift_journal)
        return self.manifest_path, self.registry_path, *(j.path for j in journals)

    @property
    def own_paths(self) -> tuple[Path, ...]:
        """Every file that stages and raters write beside the pictures, tables and figures aside."""
        computed = (self.metrics_path, self._agreement_path, self.page_path, self.calibration_path)
        more = (self.path / _LOCK, self.path / f".{_LEDGER}.lock", self.path / _BATCHES, self.held_path)
        return *self.row_paths, *computed, self.labels_path, self.ledger_path, *more

    def agreement_is(self, agreement: Sequence[Agreement]) -> bool:
        """Whether `agreement.json` says `agreement`."""
        path = self._agreement_path
        return path.is_file() and path.read_text(encoding="utf-8") == _listed(agreement)

    def data(self) -> RunData:
        """All that the run's files say now."""
        return RunData(
            path=self.path,
            manifest=self.manifest(),
            registry=self.registry(),
            requests=self.request_journal.rows(),
            image_rows=self.image_journal.rows(),
            verdict_rows=self.verdict_journal.rows(),
            shift_rows=self.shift_journal.rows(),
            metrics=self.metrics(),
        )

    def manifest(self) -> Manifest:
        try:
            return Manifest.model_validate_json(self.manifest_path.read_text(encoding="utf-8"))
        except ValidationError as e:
            raise BadFile(f"{self.manifest_path} is not a manifest ({e.errors()[0]['msg']}).") from e
        except (OSError, UnicodeDecodeError) as e:
            raise BadFile(f"{self.manifest_path} cannot be read ({e}).") from e

    def metrics(self) -> list[Metric]:
        """What `score` computed; empty before that."""
        path = self.metrics_path
        if not path.exists():
            return []
        try:
            return [Metric.model_validate(m) for m in parse_json(path.read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError) as e:
            raise BadFile(f"{path} cannot be read; run `copycat score {self.path}` again.") from e

    def registry(self) -> Registry:
        """The folder's own registry where it has one, else the one that its settings name."""
        if self.registry_path.is_file():
            return load_registry(str(self.registry_path))
        return load_registry(self.manifest().config.registry)

    def write_registry(self, registry: Registry) -> None:
        """Keep `registry` in the folder, for a run that is read where another of its name may be."""
        atomic.write_text(self.registry_path, registry_yaml(registry, self.path))

    def write_metrics(self, metrics: Sequence[Metric]) -> None:
        """`metrics.json`."""
        rows = [m.model_dump(mode="json") for m in metrics]
        atomic.write_text(self.metrics_path, json.dumps(rows, indent=1) + "\n")

    def write_agreement(self, agreement: Sequence[Agreement]) -> None:
        """`agreement.json`: how far the judges that looked at this run agree."""
        atomic.write_text(self._agreement_path, _listed(agreement))

    @property
    def _agreement_path(self) -> Path:
        return self.path / "agreement.json"

    def forget_metrics(self) -> None:
        """Drop the numbers of the judge that was asked before; `score` makes those of the new one."""
        self.metrics_path.unlink(missing_ok=True)
        self._agreement_path.unlink(missing_ok=True)
        stages = {k: v for k, v in self.manifest().stages.items() if k != "score"}
        self.update(stages=stages)

    def write_manifest(self, manifest: Manifest) -> None:
        atomic.write_text(self.manifest_path, manifest.model_dump_json(indent=1) + "\n")

    def update(self, **changes: Any) -> None:
        """Change fields of the manifest."""
        self.write_manifest(self.manifest().model_copy(update=changes))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run's lock, which the system releases even when the process is killed."""
        busy = f"Another process is working on {self.path}; wait until it is done."
        with atomic.locked(self.path / _LOCK, busy):
            yield

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Run a stage under the lock, and record in the manifest how it went."""
        with self.locked():
            before = self.manifest().stages.get(name)
            seconds = before.seconds if before else 0.0
            began, started = time.monotonic(), before.started if before else now()
            self._record(name, StageRecord(status="running", started=started, seconds=seconds))

            def ended(status: Any) -> StageRecord:
                total = seconds + time.monotonic() - began
                return StageRecord(status=status, started=started, finished=now(), seconds=round(total, 3))

            try:
                yield
            except BaseException:
                # On a full disk even this cannot be written; the first error is the one to show.
                with suppress(MissingRequirement, OSError):
                    self._record(name, ended("interrupted"))
                raise
            self._record(name, ended("complete"))

    def _record(self, name: str, record: StageRecord) -> None:
        manifest = self.manifest()
        changed = manifest.model_copy(
            update={
                "stages": {**manifest.stages, name: record},
                "peak_rss_mb": round(max(manifest.peak_rss_mb, peak_rss_mb()), 1),
            }
        )
        finished = now() if changed.status == "complete" else None
        self.write_manifest(changed.model_copy(update={"finished": finished}))


def _listed(agreement: Sequence[Agreement]) -> str:
    return json.dumps([a.model_dump(mode="json") for a in agreement], indent=1, ensure_ascii=False) + "\n"


def _other_model(rows: Sequence[Request], requests: Sequence[Request]) -> str:
    """Words for what the model was, where that has changed: its weights, or how they are drawn with."""
    if not rows or not requests or rows[0].model == requests[0].model:
        return ""
    return (
        f" (its model was {rows[0].model} and is {requests[0].model} now; whether it is compiled is part of "
        "that, which it was not in earlier versions)"
    )


def _told_as(row: Request, request: Request) -> Request:
    """`request` without the results of those steps that `row`, of an older version, tells in a note alone."""
    if len(row.provenance) != len(request.provenance):
        return request
    pairs = zip(row.provenance, request.provenance, strict=True)
    steps = (new if old.result else new.model_copy(update={"result": None}) for old, new in pairs)
    return request.model_copy(update={"provenance": tuple(steps)})
