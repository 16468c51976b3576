"""How many crops per second the training's loader makes on its own, and how long training steps wait for it.

    python benchmarks/loader.py --data DATA

The ways of loading take turns, forwards and backwards; the median of the rounds is reported. See README.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from report import command_line, machine_class, run_command, table, versions, write_section

from subpixel_train import recipe as recipes
from subpixel_train.data import Batch, Batches, Crops, DataSettings, DeviceCrops, make_batches, training_photographs
from subpixel_train.data.pack import write_pack
from subpixel_train.networks import build
from subpixel_train.train.loop import RunSettings, Trainer

JPEG = [{"kind": "jpeg", "quality": [30, 95]}]
SECOND_ORDER = [
    {"kind": "blur", "sigma": [0.2, 3]},
    {"kind": "resize", "kernel": ["area", "bilinear", "bicubic"], "size": [0.6, 3]},
    {"kind": "noise", "model": ["gaussian", "poisson"]},
    *JPEG,
]


class DecodedAnew(Batches):
    """What the loader is there to avoid: every crop decodes and reduces its photograph."""

    def __init__(self, data: Path, settings: DataSettings) -> None:
        self._photographs, _ = training_photographs(data, settings)
        self._settings, self._network = settings, build("rdn", 2)
        self.steps_per_epoch = settings.epoch_steps

    def batch(self, step: int) -> Batch:
        """Crops of as many photographs as a batch has."""
        size = self._settings.batch
        chosen = [self._photographs[(step * size + i) % len(self._photographs)] for i in range(size)]
        return make_batches(chosen, self._settings, self._network, seed=step).batch(0)


def ways(data: Path, settings: DataSettings, scratch: Path, device: torch.device) -> dict[str, Batches]:
    """Every way of loading that is measured, by its name: crops for RGB networks at factor 2."""

    def made(root: Path = data, **changes: object) -> Batches:
        chosen = DataSettings.model_validate(settings.model_dump() | changes)
        return make_batches(training_photographs(root, chosen)[0], chosen, build("rdn", 2), seed=0)

    write_pack(training_photographs(data, settings)[0], scratch / "set.pack")
    kept = made()
    assert isinstance(kept, Crops)
    return {
        "photographs decoded anew for each crop": DecodedAnew(data, settings),
        "photographs kept in memory": kept,
        "from a pack": made(scratch, folders=["set.pack"], held_out=0),
        f"cut in the memory of the device ({device.type})": DeviceCrops(kept, device),
        "with JPEG": made(degrade=JPEG),
        "with blur, resize, noise, JPEG, twice": made(degrade=SECOND_ORDER, degrade_rounds=2),
    }


def rate(batches: Batches, first: int, seconds: float, device: torch.device) -> float:
    """Crops per second over at least `seconds`."""
    began, step, crops = perf_counter(), first, 0
    while perf_counter() - began < seconds:
        crops += len(batches.batch(step).small)
        step += 1
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return crops / (perf_counter() - began)


def waiting(name: str, settings: RunSettings, changes: list[str], steps: int) -> tuple[float, float]:
    """Milliseconds per step of a training, and the share of it spent waiting for batches."""
    recipe = recipes.load(name, changes)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(recipe, dataclasses.replace(settings, output=Path(folder) / name))
        with trainer.batches:
            for _ in range(3):
                trainer.step()
            trainer.batches.waited, began = 0.0, perf_counter()
            for _ in range(steps):
                trainer.step()
            whole = perf_counter() - began
    return whole / steps * 1000, trainer.batches.waited / whole


def medians(measures: dict[str, Callable[[int], float]], rounds: int) -> dict[str, float]:
    """The median of each measure; they take turns, in backward order in every second round."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for index in range(rounds):
        for name in list(measures)[:: 1 if index % 2 == 0 else -1]:
            found[name].append(measures[name](index))
    return {name: median(values) for name, values in found.items()}


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with train/")
    parser.add_argument("--folder", default="train/bsds300-train", help="photographs to load")
    parser.add_argument("--recipes", nargs="*", default=["espcn-x3", "rdn-x2", "rdn-noise-cancel-x2"], help="to train")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the loader")
    parser.add_argument("--seconds", type=float, default=2, help="of each way in each round")
    parser.add_argument("--steps", type=int, default=60, help="of each training")
    parser.add_argument("--threads", type=int, default=1, help="that the network computes with")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    given = parser.parse_args()
    device = torch.device(given.device)
    settings = DataSettings(folders=[given.folder], crop=32, batch=16)
    with tempfile.TemporaryDirectory() as scratch:
        loaders = ways(given.data, settings, Path(scratch), device)
        measures = {
            name: lambda index, batches=batches: rate(batches, 1000 * index, given.seconds, device)
            for name, batches in loaders.items()
        }
        rates = medians(measures, given.rounds)
    sitting = RunSettings(Path(), given.data, threads=given.threads, device=given.device, quiet=True)
    changes = [f"data.folders=[{given.folder}]", "data.test=null", "init_from=null"]
    trained = [(name, *waiting(name, sitting, changes, given.steps)) for name in given.recipes]
    body = "\n".join(
        [
            f"Command: `{command_line(hide=['--data'])}`",
            "",
            f"Machine: {machine_class(given.threads)}. {versions('subpixel', 'torch', 'numpy', 'pyvips')}.",
            "",
            f"Crops of 64×64 pixels in RGB with their 32×32 inputs, batches of {settings.batch}, one thread, "
            f"median of {given.rounds} rounds:",
            "",
            table(["way of loading", "crops per second"], [[name, f"{value:,.0f}"] for name, value in rates.items()]),
            "",
            "Trainings as their recipes say, with the next batches made ahead by one thread:",
            "",
            table(
                ["recipe", "ms per step", "of that waiting for a batch"],
                [[name, f"{step:,.1f}", f"{share:.2%}"] for name, step, share in trained],
            ),
        ]
    )
    write_section("Loading", body)
    print(body)


if __name__ == "__main__":
    run_command(main)
