"""From one megapixel to a gigapixel: memory and time, file to file.

    python benchmarks/gigapixel.py --folder FOLDER

Makes its pictures itself, a mosaic of the examples mirrored to all sides, written as it is made and never held; then
runs `subpixel upscale` on each in a process of its own, and measures its memory and time. Runs that were measured
before stay in FOLDER and in the table, so that long ones can be measured one at a time: `--runs 1000:jpg`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyvips
from report import command_line, machine_class, run_command, table, versions, write_section

from subpixel import Picture, Upscaler, image
from subpixel.engines import usable_cores
from subpixel.errors import SettingError
from subpixel.image.header import read_header
from subpixel.types import Size

EXAMPLE = Path(__file__).parents[1] / "examples" / "scene.png"
RUNS = ("0.25:jpg", "1:jpg", "10:jpg", "100:jpg", "1000:jpg", "100:png", "100:tif")
SHAPE = (8, 5)
CODE = "import sys; from subpixel.cli.start import main; sys.argv[0] = 'subpixel'; main()"
QUIET = 0.75 * usable_cores()  # cores that a run has to have had, or its wall time tells of others' work
LIMIT = 2_000_000_000  # pixels of results that may be read back
LEAST = 5.0  # megapixels beyond the smallest picture below which the start's own noise is larger than they take


@dataclass(frozen=True, slots=True)
class Run:
    """One measured run.

    Attributes:
        megapixels: of the result, asked for.
        suffix: of input and result.
        before, after: sizes as text.
        pixels: of the result.
        bytes_before, bytes_after: of the files.
        seconds: wall time.
        processor: seconds of processor time, of all threads.
        peak: most memory that was resident, bytes, of the process and all that it started.
        command: what was run.
    """

    megapixels: float
    suffix: str
    before: str
    after: str
    pixels: int
    bytes_before: int
    bytes_after: int
    seconds: float
    processor: float
    peak: int
    command: str


def mosaic(path: Path, size: Size) -> None:
    """A picture of that size, made of mirrored copies of the example, written row by row."""
    with Upscaler("swift", precision="fp32") as upscaler:
        small: Picture = upscaler.upscale(EXAMPLE, scale=4)
    part = pyvips.Image.new_from_array(small.pixels[0], interpretation="srgb")
    pair = part.join(part.fliphor(), "horizontal")
    quad = pair.join(pair.flipver(), "vertical").copy_memory()
    wall = quad.replicate(size.width // quad.width + 1, size.height // quad.height + 1).crop(0, 0, *_sides(size))
    options = {".jpg": {"Q": 92}, ".png": {"compression": 3, "filter": "avg"}, ".tif": {"compression": "lzw"}}
    wall.write_to_file(str(path), **options[path.suffix])


def _sides(size: Size) -> tuple[int, int]:
    return size.width, size.height


def _resident(root: int) -> int:
    """Memory of a process and all its children, bytes."""
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except (OSError, ValueError, IndexError):
            continue
    return total


def prepared(folder: Path, megapixels: float, suffix: str, scale: float) -> tuple[Path, Size]:
    """The picture whose result will have so many pixels, made unless it is there."""
    unit = (megapixels * 1e6 / (SHAPE[0] * SHAPE[1])) ** 0.5 / scale
    size = Size(*(max(1, round(unit * side)) for side in SHAPE))
    source = folder / f"in-{size}.{suffix}"
    if not source.exists():
        mosaic(source, size)
    return source, size


def measure(folder: Path, megapixels: float, suffix: str, options: argparse.Namespace) -> Run:
    """Run the command; small pictures several times, of which the median by processor time is taken."""
    times = 5 if megapixels <= 1 else 3 if megapixels <= 10 else 1
    return sorted((once(folder, megapixels, suffix, options) for _ in range(times)), key=lambda run: run.processor)[
        times // 2
    ]


def once(folder: Path, megapixels: float, suffix: str, options: argparse.Namespace) -> Run:
    """Run the command once."""
    source, size = prepared(folder, megapixels, suffix, options.scale)
    target = folder / f"out.{suffix}"
    words = ["upscale", source.name, "-o", target.name, "-s", f"{options.scale:g}", "--model", options.model]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, *words, "--overwrite", "--quiet"], cwd=folder, env=environment
    )
    peak = 0
    while True:
        peak = max(peak, _resident(process.pid))
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        time.sleep(0.02)
    seconds = time.perf_counter() - started
    if status:
        raise SettingError(f"subpixel {' '.join(words)} failed", "see above")
    after = read_header(target, pixel_limit=LIMIT).size
    made = Run(
        megapixels,
        suffix,
        str(size),
        str(after),
        after.pixels,
        source.stat().st_size,
        target.stat().st_size,
        seconds,
        used.ru_utime + used.ru_stime,
        max(peak, used.ru_maxrss * 1024),
        f"subpixel {' '.join(words)}",
    )
    target.unlink()
    return made


def rows(runs: Sequence[Run], start: Run) -> list[list[str]]:
    """A row for each run, the start taken off."""
    made = []
    for run in runs:
        millions = run.pixels / 1e6
        seconds, processor = run.seconds - start.seconds, run.processor - start.processor
        more = millions - start.pixels / 1e6
        made.append(
            [
                f"{millions:,.0f}",
                f"{run.suffix}, {run.before} → {run.after}",
                f"{run.bytes_before / 1e6:,.1f} → {run.bytes_after / 1e6:,.1f}",
                f"{run.peak / 1e6:,.0f}",
                f"{run.seconds:,.1f}",
                f"{1000 * seconds / more:.1f}" if run.processor > QUIET * run.seconds and more > LEAST else "–",
                f"{1000 * processor / more:.1f}" if more > LEAST else "–",
                f"{run.processor / run.seconds:.2f}",
            ]
        )
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where pictures and measurements are kept")
    parser.add_argument("--runs", nargs="+", default=RUNS, metavar="MEGAPIXELS:SUFFIX", help="results to make")
    parser.add_argument("--model", default="swift")
    parser.add_argument("--scale", type=float, default=2)
    parser.add_argument("--prepare", action="store_true", help="make the pictures, and measure nothing")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.prepare:
        for word in options.runs:
            megapixels, _, suffix = word.partition(":")
            prepared(options.folder, float(megapixels), suffix, options.scale)
        return
    kept = options.folder / f"runs-{options.model}-x{options.scale:g}.json"
    runs = {} if not kept.exists() else {one["key"]: Run(**one["run"]) for one in json.loads(kept.read_text())}
    for word in options.runs:
        megapixels, _, suffix = word.partition(":")
        runs[word] = run = measure(options.folder, float(megapixels), suffix, options)
        print(f"{word}: {run.seconds:.1f} s, {run.processor:.1f} s of processor, {run.peak / 1e6:.0f} MB", flush=True)
        kept.write_text(json.dumps([{"key": key, "run": asdict(one)} for key, one in runs.items()], indent=1))
    start = runs.get(RUNS[0])
    if start is None:
        raise SettingError("the start was not measured yet", f"add --runs {RUNS[0]}")
    order = sorted(
        (run for run in runs.values() if run.megapixels >= 1),
        key=lambda run: (run.suffix != "jpg", run.suffix, run.pixels),
    )
    heads = [
        "megapixels",
        "file",
        "MB of the files",
        "MB resident at the peak",
        "seconds",
        "ms per megapixel",
        "ms of processor per megapixel",
        "cores had",
    ]
    grown = [float(row[6]) for row in rows(order, start) if row[1].startswith("jpg") and row[6] != "–"]
    body = f"""Command: `{command_line(hide=("--folder",))}`, the runs one or several at a time

Machine: {machine_class(usable_cores())}. {versions("subpixel", "openvino", "pyvips")}.

Each line is one `subpixel upscale … -s {options.scale:g} --model {options.model}`, file to file, in a process of its
own; up to 10 megapixels the median of several. The smallest picture ({start.after}): {start.seconds:.2f} s and
{start.peak / 1e6:.0f} MB. Milliseconds are those of every further megapixel of the result. *Cores had*:
processor time over wall time, of {usable_cores()} there are; below {QUIET:g} the machine was shared, and wall time says
nothing (–). Processor time, JPEG:
{min(grown):.1f} to {max(grown):.1f} ms for a megapixel.

{table(heads, rows(order, start), text_columns=2)}
"""
    write_section("Gigapixel", body)


if __name__ == "__main__":
    image.set_threads(usable_cores())
    run_command(main)
