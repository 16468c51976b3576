"""Training steps per second against a plain PyTorch loop with a standard DataLoader that does the same work.

    python benchmarks/training.py --data DATA

Both sides train the same network on crops of the same size and number from the same photographs, with Adam, MSE or
MAE, and bfloat16 autocast, on the same number of threads. The plain loop is what one writes first: a `Dataset` that
opens a picture with Pillow, crops it and reduces the crop bicubically, a `DataLoader` with one worker per thread, and
five lines of training. Each measurement is a process of its own; the sides take turns. See README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from report import command_line, machine_class, run_command, table, versions, write_section

NETWORKS = {"ESPCN ×3": ("espcn", 3, 64, 8), "RDN psnr-small ×2": ("rdn", 2, 32, 4)}
"""Title: network, factor, side of a crop at small size, crops in a batch."""
SIDES = ("subpixel", "plain")
WARM = 3  # steps before the clock starts


@dataclass(frozen=True, slots=True)
class Measured:
    """One process: steps per second, seconds until the first step was done, highest memory of it and its workers."""

    rate: float
    start: float
    mib: float


def recipe_text(network: str, scale: int, crop: int, batch: int, steps: int) -> str:
    """The recipe of our side."""
    settings = "{kind: rdn, convolutions: 3, blocks: 10}" if network == "rdn" else network
    return f"""
name: benchmark
network: {settings}
scale: {scale}
data: {{folders: [train/bsds300-train], crop: {crop}, batch: {batch}, epoch_steps: {steps}, held_out: 0}}
loss: {"mae" if network == "rdn" else "mse"}
optimiser: {{kind: adam, rate: 0.0001, shape: constant}}
iterations: {steps}
card: {{summary: "A benchmark.", training_data: ["BSDS300 train"]}}
"""


def subpixel_side(data: Path, network: str, scale: int, crop: int, batch: int, threads: int) -> Callable[[], object]:
    """Our trainer; what it returns makes one step."""
    from subpixel_train import recipe as recipes
    from subpixel_train.train.loop import RunSettings, Trainer

    chosen = recipes.parse(recipe_text(network, scale, crop, batch, 100_000), "benchmark", [])
    folder = Path(tempfile.mkdtemp()) / "run"
    trainer = Trainer(chosen, RunSettings(folder, data, threads=threads, quiet=True))
    trainer.batches.__enter__()  # the process ends with the measurement
    return trainer.step


def plain_side(data: Path, network: str, scale: int, crop: int, batch: int, threads: int) -> Callable[[], object]:
    """The loop that one writes first."""
    import numpy as np
    import torch
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset

    from subpixel_train.networks import build
    from subpixel_train.networks.rdn import RdnSettings

    torch.set_num_threads(threads)
    paths = sorted((data / "train" / "bsds300-train").iterdir())
    mode, large = ("RGB" if network == "rdn" else "L"), crop * scale

    class Crops(Dataset[tuple[torch.Tensor, torch.Tensor]]):
        def __len__(self) -> int:
            return 10_000_000

        def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
            rng = np.random.default_rng(index)
            picture = Image.open(paths[rng.integers(len(paths))]).convert(mode)
            left, top = (int(rng.integers(side - large + 1)) for side in picture.size)
            target = picture.crop((left, top, left + large, top + large))
            small = target.resize((crop, crop), Image.Resampling.BICUBIC)
            pair = (np.rot90(np.asarray(part), k).copy() for k in [int(rng.integers(4))] for part in (small, target))
            first, second = (torch.from_numpy(part).float().div(255).view(*part.shape[:2], -1) for part in pair)
            return first.permute(2, 0, 1), second.permute(2, 0, 1)

    settings = RdnSettings(convolutions=3, blocks=10) if network == "rdn" else network
    model = build(settings, scale)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4)
    loss_of = torch.nn.L1Loss() if network == "rdn" else torch.nn.MSELoss()
    batches = iter(DataLoader(Crops(), batch_size=batch, num_workers=threads))

    def step() -> float:
        small, target = next(batches)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            result = model(small)
        loss = loss_of(result.float(), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return float(loss)

    return step


def measure_here(side: str, data: Path, title: str, seconds: float, threads: int) -> Measured:
    """Run one side in this process."""
    began = time.perf_counter()
    make = subpixel_side if side == "subpixel" else plain_side
    step = make(data, *NETWORKS[title], threads)
    step()
    start = time.perf_counter() - began
    for _ in range(WARM - 1):
        step()
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        step()
        count += 1
    rate = count / (time.perf_counter() - began)
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Measured(rate, start, mib)


def measure(side: str, title: str, options: argparse.Namespace) -> Measured:
    """Run one side in a process of its own."""
    words = ["--data", str(options.data), "--threads", str(options.threads), "--seconds", str(options.seconds)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, *words, "--side", side, "--network", title],
        env=os.environ | {"OMP_NUM_THREADS": str(options.threads)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with train/bsds300-train")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=12, help="of each measurement")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--network", choices=list(NETWORKS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        made = measure_here(options.side, options.data, options.network, options.seconds, options.threads)
        print(json.dumps(asdict(made)), flush=True)
        os._exit(0)  # a DataLoader's workers would be waited for
    rows = []
    for title in NETWORKS:
        runs: dict[str, list[Measured]] = {side: [] for side in SIDES}
        for index in range(options.rounds):
            for side in SIDES if index % 2 == 0 else reversed(SIDES):
                runs[side].append(measure(side, title, options))
                print(f"{title}, {side}: {runs[side][-1]}", file=sys.stderr, flush=True)
        rates = {side: median(run.rate for run in runs[side]) for side in SIDES}
        for side in SIDES:
            rows.append(
                [
                    f"{title}, {'subpixel' if side == 'subpixel' else 'plain PyTorch loop'}",
                    f"{rates[side]:.2f}",
                    f"{rates[side] / rates['plain']:.2f}",
                    f"{median(run.mib for run in runs[side]):,.0f} MiB",
                    f"{median(run.start for run in runs[side]):.1f} s",
                ]
            )
    heads = ["", "steps per second", "ratio", "memory", "to the first step"]
    body = f"""Command: `{command_line(hide=["--data"])}`

Machine: {machine_class(options.threads)} {versions("torch", "lightning-fabric", "pillow")}

The same network, crops, batch, optimiser, loss and bfloat16 on both sides; medians of {options.rounds} runs that
alternate. Memory is that of the training process; the plain loop's {options.threads} workers come on top.

{table(heads, rows)}
"""
    write_section("Training", body)


if __name__ == "__main__":
    run_command(main)
