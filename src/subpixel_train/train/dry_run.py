"""Ten steps that keep nothing: what a training would need, before it is begun."""

from __future__ import annotations

import dataclasses
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import torch

from subpixel_train import costs
from subpixel_train.networks import build
from subpixel_train.recipe import Recipe
from subpixel_train.train.loop import RunSettings, Trainer
from subpixel_train.train.stopping import part

STEPS: Final = 10
"""Steps that are timed, after two that are not."""


def dry_run(recipe: Recipe, settings: RunSettings) -> str:
    """Run a few steps of a recipe in a temporary folder.

    Returns:
        A table for people: sizes in and out, parameters, multiply-adds, memory, time per step, time of the whole.
    """
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(recipe, dataclasses.replace(settings, output=Path(folder) / recipe.name, resume=False))
        small, targets = trainer.peek()
        with trainer.batches:
            for _ in range(2):
                trainer.step()
            trainer.batches.waited, began = 0.0, time.perf_counter()
            for _ in range(STEPS):
                loss = trainer.step()
            each = (time.perf_counter() - began) / STEPS
            waited = trainer.batches.waited / STEPS / each
        part(trainer.fabric)
    cost = costs.measure(build(recipe.network, recipe.scale))
    rows = [
        ("recipe", recipe.name),
        ("network", f"{recipe.network.kind}, {trainer.plain.trained_parameters:,} parameters"),
        ("multiply-adds", f"{cost.multiply_adds:,} per pixel of the small picture"),
        ("input of a batch", _sides(small)),
        ("target", ", ".join(_sides(target) for target in targets)),
        ("pictures", f"{trainer.pictures} to train with, {len(trainer.held_out)} held out"),
        ("memory", f"{_peak_mib(trainer.fabric.device):,.0f} MiB"),
        ("loss after the last step", f"{loss:.3e}"),
        ("a step", f"{each * 1000:,.0f} ms, {1 / each:.2f} steps per second, {waited:.1%} of it waiting for data"),
        ("the whole", f"{trainer.steps:,} steps, {_time(trainer.steps * each)} without validation"),
    ]
    wide = max(len(name) for name, _ in rows)
    return "".join(f"{name:<{wide}}  {value}\n" for name, value in rows)


def _sides(tensor: torch.Tensor) -> str:
    return " × ".join(str(side) for side in tensor.shape)


def _peak_mib(device: torch.device) -> float:
    """Highest memory so far: of the accelerator where one is used, else of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
