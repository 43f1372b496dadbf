"""A run on disk; the one place that knows which file holds what."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from copycat import atomic
from copycat.characters import Registry, load_registry
from copycat.config import NOT_THE_RESULT, RunConfig
from copycat.errors import BadFile, MissingRequirement, RunConflict
from copycat.records import ImageRow, Metric, Request, Verdict
from copycat.runs.environment import peak_rss_mb
from copycat.runs.journal import Journal
from copycat.runs.manifest import Manifest, StageRecord, now

_BEFORE_MANIFEST = {".lock", "requests.jsonl", ".requests.jsonl.tmp", ".manifest.json.tmp"}
"""All that can lie in a folder whose creation was cut off."""


class RunFolder:
    """One run. Reading needs no lock; a stage that writes holds the run's lock."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.image_journal = Journal(self.path / "images.jsonl", ImageRow)
        self.verdict_journal = Journal(self.path / "verdicts.jsonl", Verdict)
        self._requests = Journal(self.path / "requests.jsonl", Request)

    def create(self, config: RunConfig, requests: Sequence[Request]) -> RunFolder:
        """Begin this run, or take up the same one again; raises RunConflict as :meth:`check_free`."""
        self.check_free(config)
        if self.manifest_path.exists():
            self._same_requests(requests)
            return self
        with self.locked():
            rows = "".join(f"{r.model_dump_json()}\n" for r in requests)
            atomic.write_text(self._requests.path, rows)
            # The manifest comes last: where it stands, the run is whole.
            self.write_manifest(Manifest.fresh(config, requests[0].model))
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
        if [r.id for r in requests] != [r.id for r in self.requests()]:
            raise RunConflict(
                f"{self.path} was begun with other weights, prompts or characters under the same names; "
                "choose another output folder."
            )

    @property
    def manifest_path(self) -> Path:
        return self.path / "manifest.json"

    @property
    def finished(self) -> bool:
        """Whether all stages that make numbers are complete and no picture failed."""
        return self.manifest().status == "complete" and self.failed == 0

    @property
    def failed(self) -> int:
        """Pictures whose last attempt was an error; the same command tries them again."""
        return sum(row.outcome == "error" for row in self.images().values())

    def manifest(self) -> Manifest:
        try:
            return Manifest.model_validate_json(self.manifest_path.read_text(encoding="utf-8"))
        except ValidationError as e:
            raise BadFile(f"{self.manifest_path} is not a manifest ({e.errors()[0]['msg']}).") from e
        except (OSError, UnicodeDecodeError) as e:
            raise BadFile(f"{self.manifest_path} cannot be read ({e}).") from e

    def requests(self) -> list[Request]:
        return self._requests.replay()

    def frames(self) -> dict[str, tuple[ImageRow, ...]]:
        """The latest rows of each request: one, or those of all judged frames of a video, in order.

        A video of which any row is missing, because the run was cut off there, is not yet made.
        """
        latest: dict[str, dict[int, ImageRow]] = {}
        for row in self.image_journal.replay():
            latest.setdefault(row.request, {})[row.frame] = row
        made: dict[str, tuple[ImageRow, ...]] = {}
        for request in self.requests():
            rows = latest.get(request.id, {})
            if 0 in rows and rows[0].outcome != "ok":
                made[request.id] = (rows[0],)
            elif all(frame in rows for frame in request.sampling.judged):
                made[request.id] = tuple(rows[frame] for frame in request.sampling.judged)
        return made

    def images(self) -> dict[str, ImageRow]:
        """The latest row of each request; of a video that of its first frame."""
        return {request: rows[0] for request, rows in self.frames().items()}

    def verdicts(self) -> list[Verdict]:
        """The latest verdict of each judge on each question."""
        rows = self.verdict_journal.replay()
        return list({(v.request, v.frame, v.kind, v.judge, v.question_hash): v for v in rows}.values())

    def metrics(self) -> list[Metric]:
        """What `score` computed; empty before that."""
        path = self.path / "metrics.json"
        if not path.exists():
            return []
        try:
            return [Metric.model_validate(m) for m in json.loads(path.read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError) as e:
            raise BadFile(f"{path} cannot be read; run `copycat score {self.path}` again.") from e

    @property
    def registry_path(self) -> Path:
        """The characters of a run that was made where another registry of that name may be."""
        return self.path / "registry.yaml"

    def registry(self) -> Registry:
        """The folder's own registry where it has one, else the one that its settings name."""
        if self.registry_path.is_file():
            return load_registry(str(self.registry_path))
        return self.manifest().config.load_registry()

    def write_metrics(self, metrics: Sequence[Metric]) -> None:
        rows = [m.model_dump(mode="json") for m in metrics]
        atomic.write_text(self.path / "metrics.json", json.dumps(rows, indent=1) + "\n")

    def forget_metrics(self) -> None:
        """Drop the numbers of the judge that was asked before; `score` makes those of the new one."""
        for name in ("metrics.json", "agreement.json"):
            (self.path / name).unlink(missing_ok=True)
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
        path = self.path / ".lock"
        with atomic.disk_guard(path):
            self.path.mkdir(parents=True, exist_ok=True)
            handle = path.open("a")
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as e:
                raise RunConflict(f"Another process is working on {self.path}; wait until it is done.") from e
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
