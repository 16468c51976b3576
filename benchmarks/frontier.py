"""The frontier of quality and time: the house's models beside what else can be installed and run on the same CPU.

    python benchmarks/frontier.py --peers PEERS --data DATA

Measures PSNR and SSIM on Set5, Set14 and BSD100, and milliseconds per megapixel of result, of every system at ×2, ×3
and ×4, the systems taking turns in one run. Writes its section of results.md, the pictures of the frontier, and every
figure into frontier.json, from which tables and pictures can be made again. See README.md.

    python benchmarks/frontier.py --peers PEERS --data DATA --only time x4 crisp swift      a slice
    python benchmarks/frontier.py --only report                                            from frontier.json alone
    python benchmarks/frontier.py --floors                                                 are the promises kept?
    python benchmarks/frontier.py … --only time --json benchmarks/frontier-amx.json        times of another machine

Processors with AMX weigh the networks differently, so times of one stand in a file and a section of their own.
Scores do not depend on the machine and stand in frontier.json alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from measurements import Measurements
from report import RESULTS, command_line, machine_class, run_command, write_section

from subpixel.errors import SettingError

HERE = Path(__file__).parent
STATE: Final = HERE / "frontier.json"
WITH_AMX: Final = HERE / "frontier-amx.json"
IMAGES: Final = HERE.parent / "docs" / "images"
PARTS: Final = ("time", "quality", "report")


@dataclass(frozen=True, slots=True)
class Slice:
    """What `--only` leaves: parts of the work, factors, names of systems (empty: all)."""

    parts: tuple[str, ...]
    scales: tuple[int, ...]
    sets: tuple[str, ...]
    names: list[str]


def sliced(words: Sequence[str]) -> Slice:
    """Sort the words of `--only` by what they name."""
    from scoring import SETS
    from systems import SCALES

    parts = tuple(word for word in words if word in PARTS)
    scales = tuple(scale for scale in SCALES if f"x{scale}" in words)
    sets = tuple(name for name in SETS if name.lower() in [word.lower() for word in words])
    taken = {*PARTS, *(f"x{scale}" for scale in SCALES), *(name.lower() for name in SETS)}
    names = [word for word in words if word.lower() not in taken]
    return Slice(parts or PARTS, scales or SCALES, sets or SETS, names)


def measure(state: Measurements, options: argparse.Namespace, part: Slice) -> None:
    """Measure a slice into `state`, which is written whenever something was added."""
    from scoring import OPENCV, PUBLISHED, measure_quality
    from systems import SIZES, called, chosen, engine_systems, own_systems
    from timing import measure_times, peaks

    from subpixel.measure import read_pixels
    from subpixel.measure.sets import resize_pixels

    def notify(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    if options.data is None:
        raise SettingError("--data is needed to measure", "give --data FOLDER, or --only report, or --floors")
    scene = read_pixels(HERE.parent / "examples" / "scene.png")
    for scale in part.scales:
        systems = [*own_systems(scale, options.threads), *engine_systems(scale, options.threads)]
        if options.peers is not None:  # else OpenCV and ncnn need not be installed
            from peers import peer_systems

            systems += peer_systems(options.peers, scale, options.threads)
        systems = [*peaks(options.threads, scale, {one.precision for one in systems}), *systems]
        wanted = chosen(systems, part.names)
        for word in part.names:
            if not any(called(system, word) for system in systems):
                notify(f"×{scale}: no system is called {word}; names are as {systems[-1].name!r} or 'crisp int8'")
        if "time" in part.parts:
            width, height = SIZES[scale]
            picture = resize_pixels(scene, height, width)
            state.add_times(measure_times(wanted, picture, options.rounds, options.threads, notify))
            state.machine, state.command = machine_class(options.threads), command_line(("--peers", "--data", "--json"))
            state.write(options.json)
        if "quality" in part.parts:
            known = set() if options.again else state.known()
            kinds = (PUBLISHED,) if options.peers is None else (PUBLISHED, OPENCV)
            for score in measure_quality(wanted, options.data, part.sets, known, kinds, notify):
                state.add_quality(score)
                state.write(options.json)


def main() -> None:
    """Measure, write, or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--peers", type=Path, help="folder with other systems' models (README.md says which); without it, only our own"
    )
    parser.add_argument("--data", type=Path, help="folder with benchmark/Set5, …")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="WORD",
        help="a slice: time, quality or report; x2, x3, x4; Set5, Set14, BSD100; names of systems or their beginning "
        "(crisp, 'OpenCV', '*int8'). Figures of other slices are kept",
    )
    parser.add_argument("--threads", type=int, default=2, help="threads for every system (default 2)")
    parser.add_argument("--rounds", type=int, default=9, help="alternating rounds against the clock (default 9)")
    parser.add_argument("--again", action="store_true", help="score anew what was scored with the same weights before")
    parser.add_argument("--json", type=Path, default=STATE, help="the figures (default benchmarks/frontier.json)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the tables go (default results.md)")
    parser.add_argument("--images", type=Path, default=IMAGES, help="where the pictures go (default docs/images)")
    parser.add_argument(
        "--floors", action="store_true", help="only say whether the models keep what is promised of them"
    )
    options = parser.parse_args()
    state = Measurements.read(options.json)
    if options.floors:
        from floors import check, lines

        if not state.quality:
            state.quality = Measurements.read(STATE).quality
        promises = check(state)
        print("\n".join(lines(promises)))
        sys.exit(0 if all(one.kept for one in promises) else 1)
    part = sliced(options.only)
    if {"time", "quality"} & set(part.parts):
        measure(state, options, part)
    if "report" in part.parts:
        if not state.quality:
            raise SettingError(
                f"{options.json} holds no scores, only times", "leave out --json: its times are reported too"
            )
        from frontier_picture import draw
        from frontier_tables import section, times_section

        write_section("The frontier", section(state), options.results)
        if options.json == STATE and WITH_AMX.exists():
            elsewhere = times_section(Measurements.read(WITH_AMX))
            write_section("The frontier with AMX", elsewhere, options.results)
        for path in draw(state, options.images):
            print(path)


if __name__ == "__main__":
    run_command(main)
