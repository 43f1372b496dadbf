"""Builds the whole menagerie from seeds: corpus, encoder, autoencoder, judge, referee, generator.

Every stage writes what it made to the work folder and is skipped when that is there, so that a build
that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from copycat.errors import UserError
from copycat.menagerie import corpus
from copycat.menagerie.train import autoencoder, denoiser, encoder, judge, motion, referee
from copycat.menagerie.train.loop import pick_device
from copycat.menagerie.train.recipe import Recipe
from copycat.menagerie.world import make_inhabitants


class Build:
    """One build in `work`; the finished folders go to `data/menagerie`."""

    def __init__(self, recipe: Recipe, work: Path, data: Path, prompts: Path) -> None:
        self.recipe, self.work, self.data, self.prompts = recipe, work, data, prompts
        self.device = pick_device()
        self.people = make_inhabitants()
        work.mkdir(parents=True, exist_ok=True)
        stamp = work / "recipe.json"
        if stamp.is_file() and stamp.read_text(encoding="utf-8") != recipe.model_dump_json():
            raise UserError(
                f"{work} holds a build of another recipe; delete it, or choose another folder with --work."
            )
        stamp.write_text(recipe.model_dump_json(), encoding="utf-8")

    def run(self) -> None:
        """All stages in order."""
        torch.manual_seed(self.recipe.seed)
        pixels, texts, plain = self._corpus()
        tokenizer, text, vision = self._encoder(pixels[:plain], texts[:plain])
        vae = self._autoencoder(pixels[:plain])
        self._judge(vision, vae)
        self._referee(vae)
        self._generator(pixels, encoder.tokenise(tokenizer, texts), plain, tokenizer, text, vae)
        self._publish()
        self._motion()
        self._write_log()

    # --- stages ---------------------------------------------------------------------------------------

    def _corpus(self) -> tuple[torch.Tensor, list[str], int]:
        """Pictures, captions, and how many of them come before the mislabelled ones and near-duplicates."""
        file = self.work / "corpus.npz"
        samples = corpus.training_samples(self.people, self.recipe.generic)
        plain = len(samples)
        samples += corpus.loose_samples(self.people)
        if not file.is_file():
            started = time.monotonic()
            pixels, texts = corpus.draw_all(samples)
            np.savez(file, pixels=pixels, texts=np.array(texts))
            self._spent("corpus", time.monotonic() - started)
        held = np.load(file)
        texts = [str(t) for t in held["texts"]]
        corpus.write_files(self.data, self.prompts, samples, texts)
        return torch.from_numpy(held["pixels"]), texts, plain

    def _encoder(self, pixels: torch.Tensor, texts: list[str]) -> tuple[Any, Any, Any]:
        from transformers import (
            CLIPTextModelWithProjection,
            CLIPVisionModelWithProjection,
            PreTrainedTokenizerFast,
        )

        home = self.work / "encoder"
        if not (home / "done").is_file():
            tokenizer = encoder.train_tokenizer(texts)
            towers = encoder.build(tokenizer)
            text, vision = (m.to(self.device) for m in towers)
            ids = encoder.tokenise(tokenizer, texts)
            self._spent(
                "encoder", encoder.train(text, vision, ids, pixels, self.recipe.encoder_steps, self.work)
            )
            tokenizer.save_pretrained(home / "tokenizer")
            text.save_pretrained(home / "text")
            vision.save_pretrained(home / "vision")
            (home / "done").touch()
        tokenizer = PreTrainedTokenizerFast.from_pretrained(home / "tokenizer")
        # Typed as Any: transformers' wrapped Module.to does not type-check.
        trained: Any = CLIPTextModelWithProjection.from_pretrained(home / "text")
        vision = CLIPVisionModelWithProjection.from_pretrained(home / "vision").eval()
        return tokenizer, trained.to(self.device).eval(), vision

    def _autoencoder(self, pixels: torch.Tensor) -> Any:
        from diffusers import AutoencoderKL

        rounds = (
            ("vae-first", "autoencoder", autoencoder.train, 1),
            ("vae-second", "polish", autoencoder.polish, 4),
            ("vae", "finish", autoencoder.finish, 5),
        )
        before: Path | None = None
        for folder, stage, train, share in rounds:
            home = self.work / folder
            if not (home / "done").is_file():
                vae = AutoencoderKL.from_pretrained(before) if before else autoencoder.build()
                vae.to(self.device)
                steps = max(1, self.recipe.autoencoder_steps // share)
                self._spent(stage, train(vae, pixels, steps, self.work))
                vae.save_pretrained(home)
                (home / "done").touch()
            before = home
        return AutoencoderKL.from_pretrained(home).to(self.device).eval()

    def _judge(self, vision: Any, vae: Any) -> None:
        from transformers import AutoProcessor, LlavaForConditionalGeneration

        before: Path | None = None
        for i, plan in enumerate(judge.ROUNDS):
            home = self.work / f"round-{plan.name}"
            if not (home / "done").is_file():
                if before is None:
                    model, processor = judge.build(self.people, vision)
                else:
                    processor = AutoProcessor.from_pretrained(before)
                    model = LlavaForConditionalGeneration.from_pretrained(before, dtype=torch.float32)
                raw, truth = corpus.probes(self.recipe.probes, corpus.JUDGE[i], plan.generic, plan.lookalikes)
                pixels = torch.from_numpy(raw)
                decoded = autoencoder.reconstruct(vae, pixels)
                model.to(self.device)
                steps = round(self.recipe.judge_steps * plan.steps)
                spent = judge.train(
                    model, processor, pixels, decoded, truth, self.people, steps, self.work, plan
                )
                self._spent(plan.name, spent)
                model.save_pretrained(home)
                processor.save_pretrained(home)
                (home / "done").touch()
            before = home
        if not (self.work / "judge" / "done").is_file():
            # Typed as Any: transformers' wrapped Module.to does not type-check.
            final: Any = LlavaForConditionalGeneration.from_pretrained(home)
            final.to(torch.float16).save_pretrained(self.work / "judge")
            AutoProcessor.from_pretrained(home).save_pretrained(self.work / "judge")
            (self.work / "judge" / "done").touch()

    def _referee(self, vae: Any) -> None:
        home = self.work / "referee"
        if (home / "done").is_file():
            return
        raw, truth = corpus.probes(self.recipe.probes, corpus.REFEREE)
        pixels = torch.from_numpy(raw)
        decoded = autoencoder.reconstruct(vae, pixels)
        model = referee.build(self.people).to(self.device)
        labels = referee.classes(truth, self.people)
        self._spent(
            "referee", referee.train(model, pixels, decoded, labels, self.recipe.referee_steps, self.work)
        )
        model.save_pretrained(home)
        (home / "done").touch()

    def _generator(
        self, pixels: torch.Tensor, ids: torch.Tensor, plain: int, tokenizer: Any, text: Any, vae: Any
    ) -> None:
        """Two passes: over the first `plain` pictures, then over all, mislabelled and near-duplicates too."""
        from diffusers import UNet2DConditionModel

        home, first = self.work / "generator", self.work / "unet-first"
        if (home / "done").is_file():
            return
        mean, sd = autoencoder.latents(vae, pixels)
        data = denoiser.Captioned(ids, mean, sd, vae.config.scaling_factor)
        if not (first / "done").is_file():
            unet = denoiser.build().to(self.device)
            steps = self.recipe.denoiser_steps
            average, spent = denoiser.train(
                unet, text, tokenizer, data.first(plain), steps, self.work, denoiser.FIRST
            )
            self._spent("generator", spent)
            average.save_pretrained(first)
            (first / "done").touch()
        unet = UNet2DConditionModel.from_pretrained(first).to(self.device)
        average, spent = denoiser.train(
            unet, text, tokenizer, data, self.recipe.loose_steps, self.work, denoiser.SECOND
        )
        self._spent("generator-loose", spent)
        pipe = denoiser.assemble(vae.cpu(), text.cpu(), tokenizer, average.cpu())
        pipe.to(torch.float16).save_pretrained(home)
        (home / "done").touch()

    def _publish(self) -> None:
        for part in ("generator", "judge", "referee"):
            target = self.data / "menagerie" / part
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(self.work / part, target, ignore=shutil.ignore_patterns("done"))
            _forget_paths(target)

    def _motion(self) -> None:
        done = self.work / "motion" / "done"
        if done.is_file() and (self.data / "menagerie" / "motion").is_dir():
            return
        spent = motion.build_motion(self.data, self.work, self.recipe.motion_steps, self.recipe.motion_clips)
        self._spent("motion", spent)
        done.touch()

    def _write_log(self) -> None:
        log = {"recipe": self.recipe.model_dump(), "device": self.device, "seconds": self._seconds()}
        losses = {
            f.name.removesuffix(".log.jsonl"): [json.loads(x) for x in f.read_text("utf-8").splitlines()]
            for f in sorted(self.work.rglob("*.log.jsonl"))
        }
        out = self.data / "menagerie" / "training.json"
        out.write_text(json.dumps({**log, "losses": losses}), encoding="utf-8")

    # --- time spent -----------------------------------------------------------------------------------

    def _seconds(self) -> dict[str, float]:
        file = self.work / "seconds.json"
        return dict(json.loads(file.read_text("utf-8"))) if file.is_file() else {}

    def _spent(self, stage: str, seconds: float) -> None:
        spent = {**self._seconds(), stage: round(seconds, 1)}
        (self.work / "seconds.json").write_text(json.dumps(spent), encoding="utf-8")


def _forget_paths(folder: Path) -> None:
    """Drop `_name_or_path` from the configs: it names folders of the machine that trained."""
    for file in folder.rglob("*.json"):
        content = json.loads(file.read_text(encoding="utf-8"))
        cleaned = _without_paths(content)
        if cleaned != content:
            file.write_text(json.dumps(cleaned, indent=2) + "\n", encoding="utf-8")


def _without_paths(content: Any) -> Any:
    if isinstance(content, dict):
        return {k: _without_paths(v) for k, v in content.items() if k != "_name_or_path"}
    if isinstance(content, list):
        return [_without_paths(v) for v in content]
    return content
