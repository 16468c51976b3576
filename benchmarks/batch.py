"""A folder of 200 mixed photographs: how much of the time networks are at work, and against one command for each.

    python benchmarks/batch.py

The photographs are made from `examples/` with a fixed seed, or taken from --data. First the networks alone: all tiles
of all photographs, their halos included, from as many threads, and nothing else. Then the folder in one run, and some
of the photographs with a command for each. See README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import perf_counter, process_time
from typing import Any

import numpy as np
from report import command_line, machine_class, run_command, table, versions, write_section

from subpixel import Picture, Upscaler, image, loading
from subpixel.batch import upscale_folder
from subpixel.engines import EngineSettings, Runner
from subpixel.errors import PictureMissing
from subpixel.image.formats import by_suffix
from subpixel.plan import Target, align_up
from subpixel.tile import Network
from subpixel.types import NetworkFile

EXAMPLES = Path(__file__).parents[1] / "examples"
KINDS = (("jpg", 95), ("jpg", 92), ("jpg", 92), ("jpg", 85), ("jpg", 75), ("jpg", 60), ("jpg", 95), ("png", None))
"""Formats and qualities that take turns: cameras, editors, messengers, screens; every fortieth is WebP or TIFF."""
RARE = (("webp", 90), ("tif", None))
SIDES = (240, 320, 480, 640, 960)
SHAPES = ((3, 2), (4, 3), (2, 3), (1, 1), (16, 9))


def prepare(folder: Path, count: int) -> None:
    """Make the photographs: parts of the examples at several sizes, in sub-folders."""
    dice = np.random.default_rng(2024)
    with Upscaler("swift") as upscaler:
        scenes = [upscaler.upscale(EXAMPLES / name, scale=4).pixels[0] for name in ("scene.png", "squeezed.jpg")]
    for number in range(count):
        pixels = scenes[number % len(scenes)]
        side, (across, down) = SIDES[dice.integers(len(SIDES))], SHAPES[dice.integers(len(SHAPES))]
        width = min(pixels.shape[1], side if across >= down else side * across // down)
        height = min(pixels.shape[0], side if down > across else side * down // across)
        top, left = (int(dice.integers(room + 1)) for room in (pixels.shape[0] - height, pixels.shape[1] - width))
        part = pixels[top : top + height, left : left + width]
        part = part[:, :: -1 if dice.random() < 0.5 else 1]
        grain = dice.normal(0, 2.5, part.shape[:2])[..., None]
        part = np.clip(part * dice.uniform(0.8, 1.15) + grain, 0, 255).astype(np.uint8)
        suffix, quality = RARE[number // 20 % 2] if number % 20 == 19 else KINDS[number % len(KINDS)]
        path = folder / f"{number % 7}" / f"{number:04}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.write(Picture(np.ascontiguousarray(part[None])), path, quality=quality)


@dataclass(frozen=True, slots=True)
class Alone:
    """The networks alone on all photographs.

    Attributes:
        seconds: wall time.
        cpu: processor time.
        megapixels: of all results.
        models: how many photographs went through each.
    """

    seconds: float
    cpu: float
    megapixels: float
    models: dict[str, int]


def networks_alone(sources: list[Path], options: argparse.Namespace) -> Alone:
    """Run every tile of every photograph through its networks, and do nothing else while the clock runs."""
    work: list[tuple[Network, Any]] = []
    data: dict[tuple[int, ...], Any] = {}
    models: Counter[str] = Counter()
    total = 0
    with Upscaler(options.model, threads=options.threads) as upscaler:
        for source in sources:
            picture = image.read(source)
            networks = upscaler.choose(picture).networks
            precision = networks.precision_for(picture.bits)
            plan = upscaler.plans(picture.size, (Target(options.scale),), networks)[0]
            total += plan.target.pixels
            for index, step in enumerate(plan.passes):
                network = networks.load(step.model.scales, precision, colour=True, later=index > 0)
                models[network.name] += 1
                for rows in step.tiles.rows:
                    for columns in step.tiles.columns:
                        spans = (rows.length, columns.length)
                        sides = [align_up(one, network.align) + 2 * network.margin for one in spans]
                        work.append((network, _noise(data, 1 if network.colour == "y" else 3, *sides)))
        for network, _ in {id(pair[0].run): pair for pair in work}.values():
            network.run(_noise(data, 1 if network.colour == "y" else 3, 64, 64))
        with ThreadPoolExecutor(options.threads) as pool:
            started, cpu = perf_counter(), process_time()
            for _ in pool.map(_one, work):
                pass
            return Alone(perf_counter() - started, process_time() - cpu, total / 1e6, dict(models))


def _noise(data: dict[tuple[int, ...], Any], channels: int, height: int, width: int) -> Any:
    shape = (1, channels, height, width)
    if shape not in data:
        data[shape] = np.random.default_rng(1).random(shape, np.float32)
    return data[shape]


def _one(pair: tuple[Network, Any]) -> None:
    network, tile = pair
    network.run(tile)
    if network.mending is not None:
        sides = [side + 2 * (network.mending.halo - network.margin) for side in tile.shape[2:]]
        network.mending.run(np.zeros((1, 3, *sides), np.float32))


class Busy:
    """How long networks are at work, in how many threads."""

    def __init__(self) -> None:
        self.any = 0.0
        self.threads = 0.0
        self._lock = Lock()
        self._active = 0
        self._last = perf_counter()

    def watch(self, run: Runner) -> Runner:
        """The same runner, watched."""

        def watched(batch: Any) -> Any:
            self._step(1)
            try:
                return run(batch)
            finally:
                self._step(-1)

        return watched

    def _step(self, more: int) -> None:
        with self._lock:
            now = perf_counter()
            self.any += (self._active > 0) * (now - self._last)
            self.threads += self._active * (now - self._last)
            self._active, self._last = self._active + more, now


def child(source: Path, target: Path, options: argparse.Namespace) -> None:
    """Make the folder in this process, watch the networks, and print what was found as JSON."""
    busy, load = Busy(), loading.load_engine

    class Watched:
        def __init__(self, name: str) -> None:
            self.engine = load(name)

        def load(self, network: NetworkFile, settings: EngineSettings) -> Runner:
            return busy.watch(self.engine.load(network, settings))

    loading.load_engine = Watched
    with Upscaler(options.model, threads=options.threads) as upscaler:
        report = upscale_folder(source, target, scale=options.scale, upscaler=upscaler)
    cpu = process_time()
    found = {"made": report.made, "failed": len(report.failed), "megapixels": report.megapixels, "cpu": cpu}
    print(json.dumps({**found, "seconds": report.seconds, "any": busy.any, "threads": busy.threads}))


def timed(words: list[str]) -> tuple[float, float, str]:
    """Wall time and processor time of a command, and what it prints."""
    before, started = os.times(), perf_counter()
    printed = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return perf_counter() - started, spent, printed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of photographs (default: made from examples/)")
    parser.add_argument("--sources", type=Path, help="where the made ones are kept (default: nowhere)")
    parser.add_argument("--count", type=int, default=200, help="photographs (default 200)")
    parser.add_argument("--singly", type=int, default=8, help="of these with a command for each (default 8)")
    parser.add_argument("--scale", type=float, default=4, help="factor (default 4)")
    parser.add_argument("--threads", type=int, default=2, help="threads (default 2)")
    parser.add_argument("--model", help="a model's or family's name (default: what a user gets)")
    parser.add_argument("--dry", action="store_true", help="print, and leave results.md as it is")
    parser.add_argument("--one", nargs=2, type=Path, metavar=("SOURCE", "TARGET"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        child(*options.one, options)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = options.data or options.sources or Path(name) / "photographs"
        if options.data is None and not folder.exists():
            prepare(folder, options.count)
        sources = sorted(path for path in folder.rglob("*") if by_suffix(path.suffix))[: options.count]
        if not sources:
            raise PictureMissing(f"no pictures in {folder}", "give a folder of photographs with --data")
        measure(sources, folder, Path(name), options)


def measure(sources: list[Path], folder: Path, scratch: Path, options: argparse.Namespace) -> None:
    """Measure all, and report."""
    words = ["--scale", str(options.scale), "--threads", str(options.threads)]
    words += ["--model", options.model] if options.model else []
    alone = networks_alone(sources, options)
    own = [sys.executable, __file__, "--one", str(folder), str(scratch / "folder"), *words]
    seconds, cpu, printed = timed(own)
    made = json.loads(printed.splitlines()[-1])
    some = sources[:: max(1, len(sources) // options.singly)][: options.singly]
    (scratch / "singly").mkdir()
    apart, apart_cpu, pixels = 0.0, 0.0, 0.0
    program = [sys.executable, "-c", "from subpixel.cli.start import main; main()", "upscale"]
    for source in some:
        target = scratch / "singly" / source.name
        one, one_cpu, _ = timed([*program, str(source), "-o", str(target), "--quiet", *words])
        size = image.read(target).size
        apart, apart_cpu, pixels = apart + one, apart_cpu + one_cpu, pixels + size.pixels / 1e6
    inside, megapixels = made["seconds"], made["megapixels"]
    rows = [
        ["the networks alone", *map(_told, (alone.seconds, alone.cpu, alone.megapixels / alone.seconds))],
        ["the folder, start and end included", *map(_told, (seconds, cpu, megapixels / seconds))],
        [f"a command for each ({len(some)} of them)", *map(_told, (apart, apart_cpu, pixels / apart))],
    ]
    times = (megapixels / seconds) / (pixels / apart)
    kinds = Counter(path.suffix.lstrip(".").lower() for path in sources)
    shares = {
        "a network at work": made["any"] / inside,
        "threads in networks": made["threads"] / inside / options.threads,
        "networks alone / all": alone.seconds / inside,
        "the same by CPU time": alone.cpu / made["cpu"],
        "cores used": made["cpu"] / seconds / options.threads,
    }
    print(*("  ".join(row) for row in rows), *(f"{name}: {share:.0%}" for name, share in shares.items()), sep="\n")
    print(f"{times:.1f} times", dict(kinds), alone.models, f"{made['failed']} failed")
    if options.dry:
        return
    used, models = (", ".join(f"{count} {name}" for name, count in some.items()) for some in (kinds, alone.models))
    body = f"""
Command: `{command_line(hide=("--data", "--sources"))}`

Machine: {machine_class(options.threads)}. {versions("subpixel", "openvino", "pyvips")}.

{made["made"]} photographs ({used}) by {models}: {megapixels:.0f} megapixels of results, ×{options.scale:g}.

{table(("", "seconds", "CPU seconds", "megapixels a second"), rows)}

A network is at work in **{shares["a network at work"]:.0%}** of the wall time, from the first picture to the last; on
the mean, {shares["threads in networks"]:.0%} of the threads are in one, waiting for a core included. By processor time,
networks alone are {shares["the same by CPU time"]:.0%} of everything: the rest is decoding, colour and coding, on the
same cores. The folder is made **{times:.1f} times** as fast, by megapixels of results, as with a command for each
picture. Everything together had {shares["cores used"]:.0%} of the cores: less than nearly all of them means that
other programs took the rest, and that seconds are too many; shares hardly change with it.
"""
    write_section("Folders" if options.scale == 4 else f"Folders, ×{options.scale:g}", body)


def _told(number: float) -> str:
    return f"{number:.1f}"


if __name__ == "__main__":
    run_command(main)
