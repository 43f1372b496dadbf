"""A small run that drew innocent prompts too, of real rows; no model is involved."""

from __future__ import annotations

import hashlib

from copycat.measures.summary import summarise
from copycat.records import ImageRow, Request, Shift, Step, Verdict, YesNo
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import NEEDED, StageRecord
from tests.helpers.synthetic import SyntheticRun


class WithInnocents(SyntheticRun):
    """Two prompts a character that are nobody's: P("Yes") is 0.9 without a guardrail and 0.7 with it."""

    def add_innocents(self, refused: int = 0, opened: bool = False) -> RunData:
        asked = [r for r in self.requests if r.run_seed == 0]
        left = refused
        for r in asked:
            for index in range(2):
                step = Step(
                    name="gate", note="open", result={"open": opened, "slug": r.character, "score": 1.0}
                )
                innocent = r.model_copy(
                    update={
                        "prompt_set": "also:neutral",
                        "prompt_index": index,
                        "content": ("a pier",),
                        "provenance": () if r.mitigation == "none" else (step,),
                    }
                ).with_id()
                self.requests.append(innocent)
                guarded = r.mitigation != "none"
                if guarded and left:
                    left -= 1
                    self.image_rows.append(ImageRow(request=innocent.id, outcome="refused_output"))
                    continue
                file = self.path / f"images/{innocent.id}.png"
                self._draw(file, index, 0)
                sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
                self.image_rows.append(
                    ImageRow(
                        request=innocent.id,
                        outcome="ok",
                        file=f"images/{innocent.id}.png",
                        sha256=sha256,
                    )
                )
                self.verdicts.append(self._verdict(innocent, sha256, 0.7 if guarded else 0.9))
        data = self.data()
        self.metrics = summarise(data.judged)
        return self.data()

    @staticmethod
    def _verdict(request: Request, sha256: str, p: float) -> Verdict:
        return Verdict(
            request=request.id, kind="content", item="a pier", image_sha256=sha256, judge="menagerie@1",
            question="q", question_hash="c", answer=YesNo(p_yes=p),
        )  # fmt: skip

    def folder(self) -> RunFolder:
        """The run on disk: judged, its pictures compared, its stages complete; not yet scored."""
        data = self.data()
        guarded = [r for r in data.requests if r.prompt_set == "also:neutral" and r.mitigation != "none"]
        seen = {r.id: row.sha256 or "" for r in guarded if (row := data.images[r.id])}
        folder = RunFolder(self.path)
        folder.request_journal.replace(data.requests)
        folder.image_journal.replace(data.image_rows)
        folder.verdict_journal.replace(data.verdict_rows)
        folder.shift_journal.replace(
            Shift(request=r, pictures=(sha256, "p"), encoder="e@1", distance=i / 100)
            for i, (r, sha256) in enumerate(seen.items())
        )
        folder.write_registry(data.registry)
        done = StageRecord(status="complete", started="2026-11-30T00:00:00+00:00")
        told = {"judge": "menagerie@1", "stages": dict.fromkeys(NEEDED, done)}
        folder.write_manifest(data.manifest.model_copy(update=told))
        return folder
