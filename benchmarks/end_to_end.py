"""Files to files against the network alone: how much reading, colour, tiles and writing add, and the peak of memory.

    python benchmarks/end_to_end.py

A result of 12 megapixels, JPEG to JPEG and PNG to PNG, ×2 and ×4. Each combination has a process of its own. It makes
the result once, and tells its peak of memory; then the network alone (all tiles of the same plan, their halos included,
from as many threads) and the whole way from file to file take turns. Ratios are taken within each round. See README.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np
from main_path import SIZES, prepare
from report import command_line, machine_class, run_command, table, versions, write_section

from subpixel import Upscaler, image
from subpixel.plan import Plan, Target, align_up
from subpixel.tile import Network
from subpixel.types import Picture

TITLES = {"jpg": "JPEG to JPEG", "png": "PNG to PNG"}


def peak_megabytes() -> float:
    """Most memory that this process has held so far."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError("this system does not tell a process's peak of memory: Linux is needed")


def networks_of(upscaler: Upscaler, picture: Picture, plan: Plan) -> list[Network]:
    """The network of each pass, as the whole way uses it."""
    networks = upscaler.choose(picture).networks
    precision = networks.precision_for(picture.bits)
    return [
        networks.load(step.model.scales, precision, colour=True, workers=step.workers, later=index > 0)
        for index, step in enumerate(plan.passes)
    ]


def alone(plan: Plan, networks: list[Network], pool: ThreadPoolExecutor) -> Callable[[], None]:
    """What runs all tiles of all passes through their networks, and does nothing else."""
    work = []
    for step, network in zip(plan.passes, networks, strict=True):
        channels = 1 if network.colour == "y" else 3
        data: dict[tuple[int, int], Any] = {}
        for rows in step.tiles.rows:
            for columns in step.tiles.columns:
                height, width = (align_up(span.length, network.align) + 2 * network.margin for span in (rows, columns))
                if (height, width) not in data:
                    data[height, width] = np.random.default_rng(1).random((1, channels, height, width), np.float32)
                work.append((network, data[height, width]))

    def run() -> None:
        for _ in pool.map(lambda pair: pair[0].run(pair[1]) is None, work):
            pass

    return run


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall time and the processor's time, seconds."""
    wall, cpu = perf_counter(), process_time()
    work()
    return perf_counter() - wall, process_time() - cpu


def child(source: Path, target: Path, scale: int, options: argparse.Namespace) -> None:
    """Measure one combination, and print it as JSON."""
    picture = image.read(source)
    with Upscaler(options.model, threads=options.threads) as upscaler, ThreadPoolExecutor(options.threads) as pool:

        def whole() -> object:
            return upscaler.file(source, target, Target(scale), overwrite=True)

        first, _ = timed(whole)
        peak = peak_megabytes()
        plan = upscaler.plans(picture.size, (Target(scale),), upscaler.choose(picture).networks)[0]
        networks = networks_of(upscaler, picture, plan)
        network = alone(plan, networks, pool)
        network()
        rounds = []
        for turn in range(options.rounds):
            order = (network, whole) if turn % 2 else (whole, network)
            times = {work: timed(work) for work in order}
            rounds.append((*times[network], *times[whole]))
    print(json.dumps({"names": [one.name for one in networks], "peak": peak, "first": first, "rounds": rounds}))


def measure(source: Path, target: Path, scale: int, options: argparse.Namespace) -> dict[str, Any]:
    """One combination in a process of its own."""
    words = [sys.executable, __file__, "--one", str(source), str(target), str(scale)]
    words += ["--threads", str(options.threads), "--rounds", str(options.rounds)]
    words += ["--model", options.model] if options.model else []
    printed = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
    return dict(json.loads(printed))


def row_of(name: str, made: dict[str, Any]) -> list[str]:
    """A row of the table."""
    network, network_cpu, whole, whole_cpu = (median(column) for column in zip(*made["rounds"], strict=True))
    ratio = median(one[2] / one[0] for one in made["rounds"])
    work = median(one[3] / one[1] for one in made["rounds"])
    return [
        name,
        " + ".join(made["names"]),
        f"{network * 1e3:.0f}",
        f"{whole * 1e3:.0f}",
        f"{ratio:.2f}",
        f"{network_cpu * 1e3:.0f}",
        f"{whole_cpu * 1e3:.0f}",
        f"{work:.2f}",
        f"{made['peak']:.0f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2, help="threads (default 2)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    parser.add_argument(
        "--scales", type=int, nargs="+", default=list(SIZES), choices=SIZES, help="factors (default 2 4)"
    )
    parser.add_argument("--model", help="a model's or family's name, or a path (default: what a user gets)")
    parser.add_argument("--sources", type=Path, help="folder of the small pictures; made there if they are not yet")
    parser.add_argument("--one", nargs=3, metavar=("SOURCE", "TARGET", "SCALE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        source, target, scale = options.one
        child(Path(source), Path(target), int(scale), options)
        return
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = options.sources or Path(name)
        folder.mkdir(exist_ok=True)
        sources = {
            (scale, suffix): folder / f"small-x{scale}.{suffix}" for scale in options.scales for suffix in TITLES
        }
        if not all(path.exists() for path in sources.values()):
            prepare(folder)
        for (scale, suffix), source in sources.items():
            width, height = SIZES[scale]
            made = measure(source, Path(name) / f"large.{suffix}", scale, options)
            rows.append(row_of(f"{TITLES[suffix]}, ×{scale} from {width}×{height}", made))
            print(*rows[-1], sep="  ", flush=True)
    heads = [
        "4000×3000 made",
        "networks",
        "alone, ms",
        "all, ms",
        "ratio",
        "alone, CPU ms",
        "all, CPU ms",
        "ratio",
        "MB",
    ]
    body = f"""
Command: `{command_line(hide=("--sources",))}`

Machine: {machine_class(options.threads)}. {versions("subpixel", "openvino", "pyvips")}.

Medians of {options.rounds} rounds; ratios within each round. *Alone* is the network on all tiles, *all* from file to
file with the networks loaded; first by the clock, then by the processors' work. *MB* is the peak of the process's
memory for one result, everything included.

{table(heads, rows, text_columns=2)}
"""
    write_section("End to end", body)


if __name__ == "__main__":
    run_command(main)
