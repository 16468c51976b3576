"""How tiles are best computed: their size (cache against halo), several in one call, streams or threads, pinned or not.

    python benchmarks/tiles.py --model MODEL [--model MODEL]

A picture of 1000×750 pixels goes through each network in OpenVINO, cut into tiles as `subpixel` cuts it. All ways take
turns, in forward order in one round and in backward order in the next; what is given is time against the way that
`subpixel` goes, from the ratios of each round. See README.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np
from report import command_line, machine_class, run_command, table, versions, write_section

from subpixel import zoo
from subpixel.engines.openvino import quick_width
from subpixel.plan import PassModel, Span, Target, TileGrid, TileLimits, align_up, balanced_grid, make_plan
from subpixel.types import NetworkFile, Precision, Size

SIZE = Size(1000, 750)
THREADS = 2


@dataclass(frozen=True, slots=True)
class Way:
    """How the tiles are computed: `batch` tiles in each call, in `streams` of OpenVINO's threads.

    `tile` is the most columns and rows of a tile; None: as `subpixel` cuts.
    """

    title: str
    tile: tuple[int, int] | None = None
    batch: int = 1
    streams: int = THREADS
    pinned: bool = False


SIDES = (64, 128, 192, 256, 384, 512)
WIDE = ((768, 384), (1024, 384), (1024, 256), (1024, 192))
WAYS = (
    Way("as it is"),
    *(Way(f"tiles of {side}×{side}", (side, side)) for side in SIDES),
    *(Way(f"tiles of {width}×{height}", (width, height)) for width, height in WIDE),
    Way("tiles of 128×128, four in a call", (128, 128), batch=4),
    Way("two in a call", batch=2),
    Way("one stream of two threads", streams=1),
    Way("threads pinned", pinned=True),
)


def grid_of(way: Way, loaded: zoo.Model, margin: int) -> TileGrid:
    """How the picture is cut."""
    align = loaded.network.align
    if way.tile is not None:
        width, height = way.tile
        limits = TileLimits(width, height, (width + 2 * margin) * (height + 2 * margin), THREADS)
        return balanced_grid(SIZE, limits, halo=margin, align=align)
    card, scale = loaded.card, loaded.network.scale
    model = PassModel(card.name, scale, card.halo, card.work_for(scale), card.activations, align)
    return make_plan(SIZE, Target(scale), {scale: model}, threads=THREADS).passes[0].tiles


def compiled(network: NetworkFile, way: Way, bf16: bool) -> Any:
    """The network in OpenVINO."""
    import openvino

    core = openvino.Core()
    options = {
        "INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32",
        "INFERENCE_NUM_THREADS": THREADS,
        "NUM_STREAMS": way.streams,
        "ENABLE_CPU_PINNING": way.pinned,
    }
    return core.compile_model(core.read_model(network.onnx, b""), "CPU", options)


def work_of(loaded: zoo.Model, way: Way, bf16: bool, pool: ThreadPoolExecutor) -> Callable[[], None]:
    """What computes the whole picture once."""
    import openvino

    network = loaded.network
    model = compiled(network, way, bf16)
    margin = align_up(network.halo, network.align)
    grid = grid_of(way, loaded, margin)
    precision: Precision = "int8" if network.int8 else "bf16" if bf16 else "fp32"

    def side(span: Span) -> int:
        return align_up(span.length, network.align) + 2 * margin

    sides = [
        (side(rows), quick_width(side(columns), network.align, precision))
        for rows in grid.rows
        for columns in grid.columns
    ]
    calls = []
    for shape in sorted(set(sides)):
        count = sides.count(shape)
        full, rest = divmod(count, way.batch)
        calls += [(way.batch, shape)] * full + ([(rest, shape)] if rest else [])
    generator = np.random.default_rng(1)
    data = {call: generator.random((call[0], network.channels, *call[1]), np.float32) for call in set(calls)}
    requests = [model.create_infer_request() for _ in range(way.streams)]

    def one(index: int) -> None:
        for call in calls[index :: way.streams]:
            requests[index].set_input_tensor(openvino.Tensor(data[call], shared_memory=True))
            requests[index].start_async()
            requests[index].wait()
            np.array(requests[index].get_output_tensor(0).data)

    def run() -> None:
        list(pool.map(one, range(way.streams)))

    return run


def measure(loaded: zoo.Model, bf16: bool, rounds: int) -> list[tuple[float, float]]:
    """Wall time and processor's time of each way against the first one, medians of ratios; of the first, seconds."""
    with ThreadPoolExecutor(THREADS) as pool:
        works = [work_of(loaded, way, bf16, pool) for way in WAYS]
        for work in works:
            work()
        times: list[list[tuple[float, float]]] = []
        for turn in range(rounds):
            done = [(0.0, 0.0)] * len(works)
            for index in range(len(works)) if turn % 2 else reversed(range(len(works))):
                wall, cpu = perf_counter(), process_time()
                works[index]()
                done[index] = (perf_counter() - wall, process_time() - cpu)
            times.append(done)
    found = [(median(done[0][0] for done in times), median(done[0][1] for done in times))]
    for index in range(1, len(works)):
        ratios = [[done[index][k] / done[0][k] for done in times] for k in range(2)]
        found.append((median(ratios[0]), median(ratios[1])))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", help="a model's name or path; may be given several times")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--fp32", action="store_true", help="float32 where the network is not int8 (default: bf16)")
    options = parser.parse_args()
    columns, heads = [], ["way"]
    for name in options.model or ["espcn-x2"]:
        loaded = zoo.load_model(name)
        found = measure(loaded, not options.fp32 and not loaded.network.int8, options.rounds)
        kind = "int8" if loaded.network.int8 else "fp32" if options.fp32 else "bf16"
        heads += [f"{loaded.card.name} ({kind}, halo {loaded.card.halo})", "processor"]
        columns.append(
            [(f"{found[0][0] * 1e3:.0f} ms", f"{found[0][1] * 1e3:.0f} ms")]
            + [(f"{wall:.2f}", f"{cpu:.2f}") for wall, cpu in found[1:]]
        )
    rows = [[way.title, *(word for c in columns for word in c[index])] for index, way in enumerate(WAYS)]
    body = f"""
Command: `{command_line(hide=("--model",))}`

Machine: {machine_class(THREADS)}. {versions("subpixel", "openvino")}.

The networks alone on a picture of {SIZE}, OpenVINO, {THREADS} threads. The first row is time by the clock, and of the
processors' work; those below are times as much, medians of {options.rounds} rounds, ratios taken within each.

{table(heads, rows)}
"""
    write_section("Tiles", body)
    print(body)


if __name__ == "__main__":
    run_command(main)
