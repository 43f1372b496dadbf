"""What a run costs: said before, capped, written down, and never paid twice."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from copycat.cli.main import app, main
from copycat.errors import MissingRequirement
from copycat.generators.openai_images import OpenAIImages
from copycat.io import file_hashes
from copycat.io.ledger import Ledger, Spent
from copycat.io.store import ANSWERS, FILE_HASHES, PICTURES, Store, cache
from copycat.records import ImageRow, Review, Verdict
from copycat.report.spent import sentences
from copycat.resolve import ResolvedRun
from copycat.runs.clone import clone
from copycat.runs.folder import RunFolder
from copycat.runs.spending import ledger_of
from copycat.runtime.progress import Progress
from copycat.stages.cache import PictureCache
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import check, plan, prepare
from copycat.stages.run import complete, expected
from copycat.stages.verify import verify
from tests.conftest import Tiny
from tests.helpers.loopback import Loopback

TOKENS = {"prompt_tokens": 70, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 20}}


def finished(made: ResolvedRun) -> RunFolder:
    folder = prepare(made)
    generate(folder, made)
    judge(folder, made.judging, config=made.config)
    return folder


def test_rows_manifest_and_page_say_what_it_cost(run, server: Loopback) -> None:
    server.usage = TOKENS
    folder = finished(run())
    row, *_ = folder.image_journal.rows()
    assert row.cost_usd == 0.04
    verdict, *_ = folder.verdict_journal.rows()
    assert verdict.usage is not None
    assert (verdict.usage.tokens_in, verdict.usage.tokens_cached, verdict.usage.tokens_out) == (70, 20, 9)
    assert (verdict.usage.model, verdict.usage.finish_reason, verdict.cost_usd) == ("m", "stop", 0.04)
    spent = folder.manifest().spent
    assert spent is not None
    assert (spent.pictures, spent.answers, spent.calls, spent.usd) == (3, 3, 6, 0.24)
    (told,) = sentences(folder.data())
    assert "6 hosted calls for 3 pictures and 3 answers" in told
    assert "cost $0.24." in told


def test_rows_of_local_models_are_written_as_before() -> None:
    row = ImageRow(request="r", outcome="ok", file="f", sha256="s")
    assert set(json.loads(row.model_dump_json())) == {
        *("request", "frame", "outcome", "file", "sha256", "video", "strip", "seconds", "error"),
        *("revised_prompt", "cost_usd", "review"),
    }
    said = Verdict.model_validate(
        {"request": "r", "kind": "identify", "image_sha256": "s", "judge": "j", "question": "q",
         "question_hash": "h", "answer": {"form": "unscored", "reason": "x"}}
    )  # fmt: skip
    assert not {"usage", "cost_usd", "reused"} & set(json.loads(said.model_dump_json()))


def test_what_is_no_picture_or_cut_off_is_paid_and_what_is_refused_by_status_is_not(
    run, server: Loopback
) -> None:
    server.behave = {"Zori": "cut off", "Kamo": "refuse"}
    made = run()
    folder = prepare(made)
    generate(folder, made)
    rows = {r.character: folder.data().images[r.id] for r in folder.data().requests}
    assert (rows["zori"].outcome, rows["zori"].cost_usd) == ("error", 0.04)
    assert (rows["kamo"].outcome, rows["kamo"].cost_usd) == ("refused_prompt", None)
    server.behave, server.usage = {"": "decline"}, TOKENS
    judge(folder, made.judging, config=made.config)
    said = folder.verdict_journal.rows()
    assert {v.scored for v in said} == {False}
    assert {(v.cost_usd, v.usage and v.usage.tokens_out) for v in said} == {(0.04, 9)}
    # A refusal is free, and a picture that does not open is not.
    assert folder.manifest().spent.usd == pytest.approx(0.04 * (2 + len(said)))


def test_the_cap_ends_a_run_and_a_higher_one_goes_on(run, server: Loopback) -> None:
    made = run(max_cost=0.1)
    folder = prepare(made)
    with pytest.raises(MissingRequirement, match=r"could pass --max-cost 0.1: .*higher --max-cost goes on"):
        generate(folder, made)
    assert len(server.asked) == 2
    assert sum(row.outcome == "ok" for row in folder.image_journal.rows()) == 2
    assert folder.manifest().spent.counted == 0.08
    with pytest.raises(MissingRequirement, match=r"--max-cost 0\.15"):
        finished(run(max_cost=0.15))
    assert len(server.asked) == 3
    again = finished(run(max_cost=0.24))
    assert again.manifest().spent.counted == 0.24
    assert len(server.asked) == 6
    assert again.data().failed == 0


def test_a_judge_alone_keeps_the_cap_of_all_that_the_run_spent(run, server: Loopback) -> None:
    made = run()
    folder = prepare(made)
    generate(folder, made)
    with pytest.raises(MissingRequirement, match=r"--max-cost 0.17: \$0.1600 are spent"):
        judge(folder, max_cost=0.17)
    assert len(folder.verdict_journal.rows()) == 1
    judge(folder)
    # All pictures of the server are alike, so that one answer stands for the others.
    assert folder.manifest().spent.answers == 1
    assert [(v.scored, v.reused) for v in folder.data().verdicts] == [
        (True, False),
        (True, True),
        (True, True),
    ]


def test_a_run_from_before_there_were_ledgers_opens_one_with_what_its_rows_cost(run) -> None:
    folder = finished(run())
    folder.ledger_path.unlink()
    assert ledger_of(folder).spent().usd == 0.12


def test_that_ledger_has_what_filters_did_and_says_what_is_unknown(run) -> None:
    folder = prepare(run())
    looked = Review(judges=("seer",), seen=((),), seed=0, extra_pictures=1, answers=2, extra_seconds=1)
    rows = [
        ImageRow(
            request=r.id,
            outcome="refused_output",
            cost_usd=0.04,
            review=looked.model_copy(update={"extra_cost_usd": usd}),
        )
        for r, usd in zip(folder.data().requests, [0.12, None, 0.0], strict=True)
    ]
    folder.image_journal.append(rows)
    spent = ledger_of(folder).spent()
    assert (spent.pictures, spent.usd, spent.unknown) == (3, pytest.approx(0.24), 2)
    assert ledger_of(folder).spent() == spent, "it is opened once"
    with pytest.raises(MissingRequirement, match=r"\$0.2400 are spent"):
        ledger_of(folder, 0.25).begin("drawer", "picture", 0.04)


@pytest.mark.parametrize("priced", [True, False])
def test_a_copy_that_is_judged_anew_has_spent_nothing_of_its_own(
    run, card, tmp_path: Path, priced: bool
) -> None:
    for kind in ("models", "judges"):
        card(kind, price_usd=0.04 if priced else None)
    folder = finished(run())
    assert folder.manifest().spent is not None
    copied = clone(folder, tmp_path / "copy")
    assert copied.manifest().spent is None
    assert ledger_of(copied).spent() == Spent()


def unwritable(part: str) -> Path:
    """Makes that part of the cache a file, which nobody can write into."""
    path = cache(part).folder
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_a_cache_that_cannot_be_written_loses_nothing_that_was_paid(
    run, server: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    places = [unwritable(PICTURES), unwritable(ANSWERS)]
    folder = finished(run())
    assert folder.data().failed == 0
    assert {v.scored for v in folder.data().verdicts} == {True}
    told = [r.getMessage() for r in caplog.records if "cannot be written" in r.getMessage()]
    # Once for each, of three pictures and as many answers.
    assert len(told) == 2
    assert all(str(place) in line for place, line in zip(places, told, strict=True))
    paid = len(server.asked)
    finished(run())
    assert len(server.asked) == paid


@pytest.mark.parametrize(
    ("verb", "cap"), [("judge", "inf"), ("judge", "nan"), ("judge", "-1"), ("judge", "0"), ("rejudge", "inf")]
)
def test_a_cap_that_caps_nothing_is_one_sentence(
    run, server: Loopback, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, verb: str, cap: str,
) -> None:  # fmt: skip
    made = run()
    generate(prepare(made), made)
    more = ["--judge", "seer", "--out", str(tmp_path / "new")] if verb == "rejudge" else []
    monkeypatch.setattr("sys.argv", ["copycat", verb, str(made.folder), "--max-cost", cap, *more])
    before = len(server.asked)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.strip() == (
        f"--max-cost is a number of dollars above 0, and {cap} is none."
    )
    assert len(server.asked) == before
    assert not RunFolder(made.folder).verdict_journal.rows()
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("kind", ["models", "judges", "llms"])
def test_a_model_without_a_price_is_refused_with_a_cap_before_anything_is_sent(
    run, card, server: Loopback, kind: str
) -> None:
    card(kind, price_usd=None)
    made = run(max_cost=5, mitigations=("none", "rewrite-llm[model=writer]"))
    with pytest.raises(
        MissingRequirement, match=r"at most is not known, so --max-cost 5 cannot be kept; say it"
    ):
        prepare(made)
    assert not server.asked
    assert not made.folder.exists()
    card(kind, price_usd=None, ceiling_usd=0.01)
    check(run(max_cost=5, mitigations=("none", "rewrite-llm[model=writer]")))


def test_a_kind_that_does_not_tell_what_it_spends_is_refused_with_a_cap(
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpenAIImages, "charges", False)
    with pytest.raises(MissingRequirement, match="does not tell what it spends"):
        check(run(max_cost=5))
    check(run())


def test_replies_of_a_language_model_count_before_the_run_has_a_folder(run, server: Loopback) -> None:
    asked = {"mitigations": ("rewrite-llm[model=writer]",)}
    with pytest.raises(MissingRequirement, match=r"--max-cost 0\.1"):
        prepare(run(max_cost=0.1, **asked))
    ledger = Ledger(run(**asked).folder / "spending.jsonl")
    assert (ledger.spent().replies, ledger.spent().usd) == (2, 0.08)
    folder = prepare(run(**asked))
    assert ledger.spent().replies == 3
    generate(folder, run(**asked))
    assert folder.manifest().spent.usd == 0.24


def test_a_filters_judge_and_further_pictures_count(run, server: Loopback) -> None:
    # All pictures of the server are alike: from the cache the second answer would be the first again.
    made = run(mitigations=("filter[tries=1]",), characters=("zori",), max_cost=1, cache=False)
    folder = prepare(made)
    generate(folder, made)
    (row,) = folder.image_journal.rows()
    # Zori is seen in both pictures; the first was paid, though none is kept.
    assert (row.outcome, row.cost_usd) == ("refused_output", 0.04)
    assert row.review is not None
    assert row.review.extra_cost_usd == pytest.approx(0.12)
    assert folder.manifest().spent.usd == 0.16


def test_another_run_generates_only_what_is_new(run, server: Loopback) -> None:
    finished(run())
    before = len(server.asked)
    more = finished(run("more", mitigations=("none", "rewrite")))
    drawn = [b for b in server.asked[before:] if "messages" not in b]
    assert len(drawn) == 3
    rows = more.image_journal.rows()
    assert sorted((row.reused, row.cost_usd) for row in rows) == [(False, 0.04)] * 3 + [(True, 0.0)] * 3
    first = {row.sha256 for row in RunFolder(run().folder).image_journal.rows()}
    assert {row.sha256 for row in rows if row.reused} == first
    # All pictures of the server are alike, so every question about them was answered before.
    assert len(server.asked) - before == 3
    assert {v.reused for v in more.verdict_journal.rows()} == {True}
    assert more.manifest().spent.usd == 0.12
    assert "3 pictures and 6 answers are those of earlier runs" in sentences(more.data())[-1]


def test_other_options_of_the_card_are_another_picture_and_no_cache_is_none(
    run, card, server: Loopback
) -> None:
    finished(run())
    count = len(server.asked)
    finished(run("none", cache=False))
    assert len(server.asked) == 2 * count
    card("models", options={"quality": "high"})
    made = run("other")
    generate(prepare(made), made)
    assert len(server.asked) == 2 * count + 3


def test_refusals_and_failures_are_never_kept_and_a_spoilt_file_is_not_believed(
    run, server: Loopback
) -> None:
    server.behave = {"Zori": "refuse", "Kamo": "cut off"}
    made = run()
    generate(prepare(made), made)
    (kept,) = cache(PICTURES).files()
    kept.write_bytes(kept.read_bytes()[:-1])
    server.behave, before = {}, len(server.asked)
    again = run("again")
    folder = prepare(again)
    generate(folder, again)
    assert len(server.asked) - before == 3
    assert not any(row.reused for row in folder.image_journal.rows())


def test_a_local_model_reuses_whole_batches_bit_for_bit_when_asked(tiny_models: Tiny, tmp_path: Path) -> None:
    def drawn(out: str, **given: object) -> list[ImageRow]:
        made = tiny_models.config(tmp_path / out, mitigations=("none",), seeds=(0,), batch_size=2, **given)
        folder = prepare(made)
        generate(folder, made)
        return folder.image_journal.rows()

    assert not any(row.reused for row in drawn("plain"))
    assert not list(cache(PICTURES).files())
    first = drawn("first", cache=True)
    again = drawn("again", cache=True)
    assert {row.reused for row in again} == {True}
    assert [row.sha256 for row in again] == [row.sha256 for row in first]
    # Two characters make one batch as before, and the third is drawn in other company.
    fewer = drawn("fewer", cache=True, limit=1)
    assert [row.reused for row in fewer] == [False]


def test_a_dry_run_tells_pictures_calls_tokens_dollars_and_hours(run, server: Loopback) -> None:
    made = run(mitigations=("none", "filter"))
    lines = expected(made, plan(made, ask=False))
    drawer, looked, seer, whole, *prices = lines
    # What is open-ended has no bound.
    assert "at most" not in looked + seer
    assert drawer.startswith("drawer: 6 pictures, 6 calls, ")
    assert "about $0.24, at most $0.24 if none is repeated, hours unknown" in drawer
    assert looked.startswith("seer, a filter's judge: 3 questions or more, 3 calls")
    assert seer.startswith("seer: 6 questions or more, 6 calls")
    assert whole == "In all: 15 calls or more, about $0.60 or more, hours unknown."
    assert prices == ["Price of drawer: the card of drawer.", "Price of seer: the card of seer."]
    assert not server.asked
    assert not made.folder.exists()


def test_a_dry_run_of_a_run_that_was_begun_tells_what_is_left(run, server: Loopback) -> None:
    capped = run(max_cost=0.1)
    with pytest.raises(MissingRequirement):
        generate(prepare(capped), capped)
    made = run()
    before = sorted((p, p.stat().st_mtime_ns) for p in made.folder.rglob("*"))
    drawer, seer, _, *where = expected(made, plan(made, ask=False))
    assert drawer.startswith("drawer: 1 picture of 3, 1 call, ")
    assert drawer.endswith(" h.")
    assert "Hours of drawer: as the run's pictures took so far." in where
    assert seer.startswith("seer: 3 questions or more, 3 calls")
    assert sorted((p, p.stat().st_mtime_ns) for p in made.folder.rglob("*")) == before
    generate(RunFolder(made.folder), made)
    told = CliRunner().invoke(app, ["judge", str(made.folder), "--dry-run"])
    assert told.exit_code == 0
    assert "seer: 3 questions or more, 3 calls" in told.stdout
    assert len(server.asked) == 3


def test_what_lies_in_the_cache_is_not_counted_in_a_dry_run(run) -> None:
    shutil.rmtree(finished(run()).path)
    made = run("again")
    drawer, *_ = expected(made, plan(made, ask=False))
    assert "3 pictures, 3 of them from the cache, 0 calls" in drawer


def test_prune_forgets_pictures_and_answers_and_no_run(run) -> None:
    folder = finished(run())
    kept = CliRunner().invoke(app, ["prune", "--days", "1"])
    assert kept.stdout.startswith("0 files")
    gone = CliRunner().invoke(app, ["prune"])
    # The server's pictures are alike, so one answer stands for all about the same question.
    assert gone.stdout.startswith("4 files") or gone.stdout.startswith("6 files")
    assert not list(cache(PICTURES).files())
    assert folder.data().images


def test_prune_forgets_hashes_of_weights_and_they_are_computed_anew(tmp_path: Path) -> None:
    weights, old = tmp_path / "large.safetensors", time.time() - 3 * 86400
    weights.write_bytes(b"w" * file_hashes.LARGE)
    os.utime(weights, (old, old))
    # What was changed a moment ago is not kept.
    time.sleep(0.05)
    with pytest.MonkeyPatch.context() as settled:
        settled.setattr(file_hashes, "_SETTLED", 0.0)
        (first,) = file_hashes.file_hashes([weights])
        (kept,) = cache(FILE_HASHES).files()
        assert CliRunner().invoke(app, ["prune", "--days", "1"]).stdout.startswith("0 files")
        os.utime(kept, (old, old))
        gone = CliRunner().invoke(app, ["prune", "--days", "1"])
        assert gone.stdout.startswith("1 file, ")
        assert not list(cache(FILE_HASHES).files())
        assert weights.exists(), "the weights stay"
        assert file_hashes.file_hashes([weights]) == [first]
        assert len(list(cache(FILE_HASHES).files())) == 1


def test_prune_takes_what_a_killed_process_left_and_passes_over_what_is_gone_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = cache(PICTURES)
    for key in ("a" * 32, "b" * 32):
        store.put(key, b"x")
    gone, kept = store.folder / "aa" / ("a" * 32), store.folder / "bb" / ("b" * 32)
    old, new = kept.with_name(f".{'c' * 32}.tmp"), kept.with_name(f".{'d' * 32}.tmp")
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    monkeypatch.setattr(
        Store, "files", lambda self: iter([gone, kept] if self.folder == store.folder else [])
    )
    gone.unlink()
    told = CliRunner().invoke(app, ["prune"])
    assert told.exit_code == 0
    assert told.stdout.startswith("2 files")
    assert [p.exists() for p in (kept, old, new)] == [False, False, True]


def test_a_dry_run_does_not_say_or_more_of_what_is_unknown(run, card) -> None:
    card("judges", price_usd=None)
    *_, whole, _ = expected(run(), plan(run(), ask=False))
    assert whole == "In all: 6 calls or more, dollars unknown, hours unknown."


def test_answers_of_a_filters_judge_are_not_paid_again(run, server: Loopback) -> None:
    guarded = {"mitigations": ("filter[action=refuse]",), "characters": ("zori",)}
    finished(run(**guarded))
    before = len(server.asked)
    (row,) = finished(run("again", **guarded)).image_journal.rows()
    assert len(server.asked) == before == 2
    assert row.review is not None
    assert (row.outcome, row.reused, row.cost_usd, row.review.extra_cost_usd) == (
        "refused_output",
        True,
        0,
        0,
    )
    assert row.review.answers == 1
    finished(run("paid", **guarded, cache=False))
    assert len(server.asked) == before + 2


def whole_run(made: ResolvedRun) -> RunFolder:
    folder = prepare(made)
    complete(folder, made, Progress())
    return RunFolder(folder.path)


def lose_a_picture(folder: RunFolder) -> None:
    (folder.path / str(folder.image_journal.rows()[0].file)).unlink()


def test_a_lost_picture_comes_from_the_cache_and_the_run_is_sound(run, server: Loopback) -> None:
    folder = whole_run(run())
    lose_a_picture(folder)
    assert not verify(folder).sound
    before = len(server.asked)
    again = whole_run(run())
    assert len(server.asked) == before
    assert [f.line for f in verify(again).findings] == []
    assert [row.cost_usd for row in again.image_journal.rows()] == [0.04] * 3


def test_a_lost_picture_that_a_hosted_model_draws_otherwise_is_a_note(
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = whole_run(run())
    lose_a_picture(folder)
    png = io.BytesIO()
    Image.new("RGB", (16, 16), (40, 40, 200)).save(png, format="PNG")
    drawn = {"created": 1, "data": [{"b64_json": base64.b64encode(png.getvalue()).decode()}]}
    monkeypatch.setattr("tests.helpers.loopback._images", lambda _: drawn)
    again = whole_run(run(cache=False))
    found = verify(again)
    assert found.sound, [f.line for f in found.findings]
    assert any("1 picture were drawn anew by a hosted model" in f.what for f in found.findings)
    # The same row twice is still a fault.
    again.image_journal.append([again.image_journal.rows()[-1]])
    assert any("more than one final row" in f.what for f in verify(RunFolder(again.path)).faults)


def test_what_was_spent_is_verified_against_the_ledger(run) -> None:
    folder = whole_run(run())
    spent = folder.manifest().spent
    assert spent is not None
    folder.update(spent=spent.model_copy(update={"usd": 0.01}))
    (fault,) = verify(folder).faults
    calls = spent.calls
    assert f"says {calls} hosted calls of $0.0100, and spending.jsonl holds {calls} hosted" in fault.what
    assert CliRunner().invoke(app, ["judge", str(folder.path)]).exit_code == 0
    assert verify(folder).sound, "the remedy helps"
    written = folder.ledger_path.read_text()
    folder.ledger_path.write_text(f"{written}{{}}\n")
    (fault,) = verify(folder).faults
    assert fault.what.startswith(f"spending.jsonl, line {2 * calls + 1}, is not a valid row")
    folder.ledger_path.unlink()
    (fault,) = verify(folder).faults
    assert fault.what.startswith("spending.jsonl is not there, and manifest.json says that")


def test_a_local_models_pictures_are_known_by_the_number_of_threads(
    tiny_models: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tiny_models.config(tmp_path / "run", mitigations=("none",), seeds=(0,))
    requests = plan(made, ask=False)[:1]

    def keys(threads: int) -> list[str]:
        monkeypatch.setattr("torch.get_num_threads", lambda: threads)
        return PictureCache(made.card, "cpu", True).keys(requests)

    assert keys(1) == keys(1) != keys(2)


def test_what_attacks_ask_is_in_the_ledger_and_under_the_cap_and_never_asked_twice(
    run: Callable[..., ResolvedRun], server: Loopback
) -> None:
    # The judge names Zori in every picture.
    made = run(mitigations=("none@typo[queries=2]",), characters=("kamo",))
    folder = prepare(made)
    spent = ledger_of(folder).spent()
    assert (spent.pictures, spent.answers, spent.usd) == (2, 2, 0.16)
    prepare(run("again", mitigations=("none@typo[queries=2]",), characters=("kamo",)))
    assert not ledger_of(RunFolder(folder.path.with_name("again"))).path.exists(), "what was found is kept"
    capped = run("capped", mitigations=("none@typo[queries=3]",), characters=("kamo",), max_cost=0.1)
    with pytest.raises(MissingRequirement, match=r"0\.1"):
        prepare(capped)
    assert not RunFolder(capped.folder).manifest_path.exists()
