"""Builds a run of many pictures, writes its report and opens it in headless Chromium; prints what that took.

    python benchmarks/report_page.py --pictures 10000 --pixels 512 --out /tmp/large-run

The rows are those of a real run folder, with the menagerie's characters and prompts; the pictures are drawn
from its reference pictures, and the verdicts are drawn at random. Nothing here is a result. The run is kept
in `--out` and used again. Needs Linux, chromium, chromedriver and selenium.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from PIL import Image, ImageEnhance

from copycat.io.paths import DATA
from copycat.io.pictures import read
from copycat.records import ImageRow, Request, Sampling, Step, Verdict, noise_seed
from copycat.resolve import ResolvedRun, resolve_settings
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import StageRecord, now
from copycat.stages.report import report
from copycat.stages.score import score
from copycat.subjects.prompts import load_prompts

MITIGATIONS = (
    *("none", "negprompt", "negprompt[words=lm]", "negprompt[words=emb]", "negprompt[words=cooc]"),
    *("rewrite", "rewrite+negprompt", "rewrite+negprompt[words=lm]", "gate+negprompt", "gate+rewrite"),
)
SETS = ("name", "description", "keywords", "keywords2")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def requests(run: ResolvedRun, pixels: int) -> list[Request]:
    """Every picture of the run, as a plan would have it."""
    prompts = {s: {p.character: p for p in load_prompts(s, "menagerie")} for s in SETS}
    made = []
    for s in SETS:
        for m in run.config.mitigations:
            for c in run.characters:
                for seed in run.config.seeds:
                    text = prompts[s][c.slug].text
                    made.append(
                        Request(
                            model="synthetic@0",
                            character=c.slug,
                            prompt_set=s,
                            run_seed=seed,
                            seed=noise_seed(seed, c.slug, s, 0, 0),
                            mitigation=m,
                            source_prompt=text,
                            prompt=f"{c.generic}, {text[::-1][:20]}" if "rewrite" in m else text,
                            negative=c.name if "negprompt" in m else "",
                            sampling=Sampling(steps=20, guidance=5, height=pixels, width=pixels),
                            provenance=(Step(name=m),),
                        ).with_id()
                    )
    return made


def draw(request: Request, reference: Image.Image, pixels: int) -> bytes:
    """A picture of its own for each request: a reference picture, turned, tinted and enlarged."""
    rng = random.Random(request.id)
    picture = reference.rotate(rng.uniform(-25, 25), fillcolor=tuple(rng.randrange(256) for _ in range(3)))
    picture = ImageEnhance.Color(picture).enhance(rng.uniform(0.5, 1.5))
    buffer = io.BytesIO()
    picture.resize((pixels, pixels), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def build(out: Path, pictures: int, pixels: int) -> RunFolder:
    """The run folder, made once."""
    seeds = max(1, round(pictures / (len(MITIGATIONS) * len(SETS) * 50)))
    run = resolve_settings(mitigations=MITIGATIONS, prompts=SETS, seeds=tuple(range(seeds)), out=out)
    folder = RunFolder(out)
    if (out / "metrics.json").exists():
        return folder.open()
    asked = requests(run, pixels)
    folder.create(run.config, asked)
    people = {c.slug: c for c in run.characters}
    looks = {slug: read(DATA / c.references[0]) for slug, c in people.items()}
    (out / "images").mkdir(exist_ok=True)

    def one(r: Request) -> tuple[ImageRow, list[Verdict]]:
        content, file = draw(r, looks[r.character], pixels), f"images/{r.id}.jpg"
        (out / file).write_bytes(content)
        sha, rng = hashlib.sha256(content).hexdigest(), random.Random(r.id)
        hit = rng.random() < (0.1 if "rewrite" in r.mitigation else 0.6)
        common: dict[str, Any] = {
            "request": r.id, "image_sha256": sha, "judge": "synthetic@0", "question": "q",
            "question_hash": "h", "status": "scored",
        }  # fmt: skip
        name = people[r.character].name
        told = f"The character in this picture is {name}." if hit else "None"
        return ImageRow(request=r.id, outcome="ok", file=file, sha256=sha), [
            Verdict(**common, kind="which", names=(name,) if hit else (), reply=told),
            Verdict(**common, kind="target", score=rng.random(), mass=1.0),
            Verdict(**common, kind="key", score=rng.random(), mass=1.0),
        ]

    with ThreadPoolExecutor() as pool:
        rows = list(pool.map(one, asked))
    folder.image_journal.append([row for row, _ in rows])
    folder.verdict_journal.append([v for _, verdicts in rows for v in verdicts])
    done = StageRecord(status="complete", started=now(), finished=now())
    folder.update(judge="synthetic@0", stages={"generate": done, "judge": done})
    score(folder)
    return folder


def browser(profile: Path) -> Any:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or sys.exit("needs chromium on the PATH")
    for flag in (*FLAGS, f"--user-data-dir={profile}", "--window-size=1280,900"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(
        options=options, service=webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    )
    driver.execute_cdp_cmd("Performance.enable", {})
    return driver


@dataclass(frozen=True)
class Memory:
    """In MB (10^6 bytes)."""

    browser: float
    """All processes; what they share is counted once, as much as the one that shares most."""
    page: float
    """The page's own process, with the program's code that it shares with the others."""
    private: float
    """The same without what it shares."""
    heap: float
    """Of the page's script."""

    def __str__(self) -> str:
        return (
            f"page's process {self.page:.0f} MB ({self.private:.0f} MB of it private, {self.heap:.0f} MB the "
            f"script's heap), whole browser {self.browser:.0f} MB"
        )


def memory(driver: Any) -> Memory:
    sizes = []
    for p in psutil.Process(driver.service.process.pid).children(recursive=True):
        used = p.memory_info()
        sizes.append(("--type=renderer" in p.cmdline(), used.rss / 1e6, used.shared / 1e6))
    metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    heap = next(m["value"] for m in metrics if m["name"] == "JSHeapUsedSize") / 1e6
    page, shared = max((rss, s) for renderer, rss, s in sizes if renderer)
    whole = sum(rss - s for _, rss, s in sizes) + max(s for _, _, s in sizes)
    return Memory(whole, page, page - shared, heap)


TIMES = """
const done = arguments[0];
requestIdleCallback(() => {
  const n = performance.getEntriesByType("navigation")[0];
  done({ready: performance.getEntriesByName("copycat-ready")[0].startTime, dom: n.domContentLoadedEventEnd,
    load: n.loadEventEnd, idle: performance.now()});
});
"""
TYPED = """
const done = arguments[0], f = document.querySelector("#filters"), t = performance.now();
f.elements.text.value = arguments[1] || "ro";
f.dispatchEvent(new Event("input"));
requestAnimationFrame(() => setTimeout(() => done(performance.now() - t)));
"""


def measure(page: Path) -> None:
    with tempfile.TemporaryDirectory() as profile:
        driver = browser(Path(profile))
        try:
            driver.get("about:blank")
            empty = memory(driver)
            began = time.monotonic()
            driver.get(page.as_uri())
            times = driver.execute_async_script(TIMES)
            driver.execute_script("document.querySelector('.cell').click()")
            opened = driver.execute_script("return document.querySelector('#detail').open")
            wall = time.monotonic() - began
            driver.execute_script("document.querySelector('#detail').close()")
            initial = driver.execute_script("return document.querySelectorAll('img[src]').length")
            nodes = driver.execute_script("return document.querySelectorAll('*').length")
            fresh = memory(driver)
            say(f"empty page: {empty}")
            say(
                f"page interactive after {times['ready'] / 1000:.2f} s (script done), idle after "
                f"{times['idle'] / 1000:.2f} s; DOM {times['dom'] / 1000:.2f} s, "
                f"load {times['load'] / 1000:.2f} s"
            )
            say(f"first picture enlarged {wall:.2f} s after the page was asked for (opened: {opened})")
            say(f"elements {nodes}, of them pictures {initial}")
            say(f"memory once open: {fresh}")
            say(f"search typed and drawn in {driver.execute_async_script(TYPED):.0f} ms")
            driver.execute_script("document.querySelector('#filters').reset()")
            driver.execute_script("document.querySelector('#filters').dispatchEvent(new Event('input'))")
            most, turned = fresh, 1
            while driver.execute_script(
                "const b = document.querySelector('.pager:not([hidden]) [data-step=\"1\"]');"
                "if (!b || b.disabled) return false; b.click(); return true;"
            ):
                turned += 1
                for part in (0.25, 0.5, 0.75, 1):
                    driver.execute_script(f"scrollTo(0, document.body.scrollHeight * {part})")
                    time.sleep(0.12)
                most = max(most, memory(driver), key=lambda m: m.page)
            say(f"most memory while leafing through all {turned} pages: {most}")
            urls = [
                m["params"]["request"]["url"]
                for entry in driver.get_log("performance")
                if (m := json.loads(entry["message"])["message"])["method"] == "Network.requestWillBeSent"
            ]
            outside = [u for u in urls if not u.startswith(("file:", "data:", "about:", "chrome:"))]
            say(f"requests {len(urls)}, of them to a network {len(outside)}")
            say(f"logged by the browser: {driver.get_log('browser') or 'nothing'}")
        finally:
            driver.quit()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--pixels", type=int, default=512)
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "copycat-large-run")
    parser.add_argument("--where", choices=("auto", "inside", "beside"), default="auto")
    given = parser.parse_args()
    began = time.monotonic()
    folder = build(given.out, given.pictures, given.pixels)
    took = time.monotonic() - began
    say(f"run with {len(folder.data().requests)} pictures of {given.pixels} pixels, ready in {took:.0f} s")
    for what in ("report written", "report written again"):
        began = time.monotonic()
        page = report(folder, where=given.where)
        say(f"{what} in {time.monotonic() - began:.1f} s")
    thumbs = list((given.out / "thumbs").glob("*.jpg"))
    say(
        f"page {page.stat().st_size / 1e6:.1f} MB; {len(thumbs)} thumbnails, "
        f"{sum(p.stat().st_size for p in thumbs) / 1e6:.0f} MB"
    )
    measure(page)


if __name__ == "__main__":
    main()
