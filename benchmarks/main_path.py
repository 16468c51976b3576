"""Where the time goes when a picture of 12 megapixels is made: start, reading, network, colour and cutting, writing.

    python benchmarks/main_path.py

A part of the harbour of `examples/` is made large enough first, then enlarged by the installed `subpixel` as a user's
picture would be: JPEG to JPEG and PNG to PNG, twofold and fourfold. Each run is a process of its own, so that starting
Python, loading libraries and compiling the network count too. See README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from report import command_line, machine_class, run_command, table, versions, write_section

SIZES = {2: (2000, 1500), 4: (1000, 750)}  # small pictures whose result has 4000×3000 pixels
FORMATS = ("jpg", "png")
STAGES = ("start", "read", "load", "network", "other", "write")


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds of wall time by stage, in one process."""

    start: float
    read: float
    load: float
    network: float
    other: float
    write: float

    @property
    def total(self) -> float:
        return sum(getattr(self, stage) for stage in STAGES)


def prepare(folder: Path) -> dict[tuple[int, str], Path]:
    """The small pictures: parts of the harbour, enlarged until they are large enough."""
    from subpixel import Upscaler, image

    scene = Path(__file__).parents[1] / "examples" / "scene.png"
    made = {}
    with Upscaler() as upscaler:
        for scale, (width, height) in SIZES.items():
            picture = upscaler.upscale(scene, height=height + 20)
            part = picture.with_pixels(picture.pixels[:, :height, :width].copy())
            for suffix in FORMATS:
                made[scale, suffix] = folder / f"small-x{scale}.{suffix}"
                image.write(part, made[scale, suffix])
    return made


def one(source: Path, target: Path, scale: int, threads: int) -> None:
    """Child process: enlarge one file and print the stages' seconds."""
    from subpixel.plan import Target
    from subpixel.upscaler import Upscaler

    imported = perf_counter()
    with Upscaler(threads=threads) as upscaler:
        times = upscaler.file(source, target, Target(scale)).timings
    spent = perf_counter() - imported
    share = times.network / (times.network + times.other)  # threads work side by side: wall time is split by work done
    print(
        json.dumps(
            {
                "read": times.read,
                "load": times.load,
                "network": times.run * share,
                "other": times.run * (1 - share) + spent - times.total,
                "write": times.write,
            }
        )
    )


def run(source: Path, target: Path, scale: int, threads: int) -> Run:
    """One run in a process of its own; what the stages do not explain is starting and ending Python."""
    words = [sys.executable, __file__, "--one", str(source), str(target), str(scale), "--threads", str(threads)]
    start = perf_counter()
    printed = subprocess.run(words, check=True, capture_output=True, text=True, env=os.environ).stdout
    wall = perf_counter() - start
    stages = json.loads(printed)
    return Run(start=wall - sum(stages.values()), **stages)


def measure(rounds: int, threads: int) -> dict[tuple[int, str], list[Run]]:
    """All combinations in turn, as many rounds as asked for, after one that is thrown away."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = prepare(folder)
        runs: dict[tuple[int, str], list[Run]] = {key: [] for key in sources}
        for turn in range(rounds + 1):
            for (scale, suffix), source in sources.items():
                target = folder / f"large-x{scale}.{suffix}"
                done = run(source, target, scale, threads)
                target.unlink()
                if turn:
                    runs[scale, suffix].append(done)
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2, help="threads (default 2)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--one", nargs=3, metavar=("SOURCE", "TARGET", "SCALE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        source, target, scale = options.one
        one(Path(source), Path(target), int(scale), options.threads)
        return
    rows = []
    for (scale, suffix), runs in measure(options.rounds, options.threads).items():
        total = median(done.total for done in runs)
        width, height = SIZES[scale]
        shares = [median(getattr(done, stage) / done.total for done in runs) for stage in STAGES]
        name = {"jpg": "JPEG to JPEG", "png": "PNG to PNG"}[suffix]
        rows.append(
            [f"{name}, ×{scale} from {width}×{height}", f"{total:.2f} s", *(f"{share:.0%}" for share in shares)]
        )
    heads = [
        "result of 4000×3000",
        "wall time",
        "start",
        "reading",
        "compiling",
        "network",
        "colour, cutting",
        "writing",
    ]
    body = f"""
Command: `{command_line()}`

Machine: {machine_class(options.threads)}. {versions("subpixel", "openvino", "pyvips")}.

Medians of {options.rounds} rounds, each run in a fresh process. *Start* is Python and imports, *compiling* the engine's
preparation of the network, *network* the time inside it, *colour, cutting* all else between reading and writing: Y and
back, colour enlarged, tiles, rounding, and coding what is ready. *Writing* is what the encoder had left to do.

{table(heads, rows)}
"""
    write_section("Where the time goes", body)
    print(body)


if __name__ == "__main__":
    run_command(main)
