"""How long a row of a tile takes by its length: with AMX, OpenVINO is several times as slow for some lengths.

    python benchmarks/rows.py --model MODEL [--model MODEL]

Batches of 48 rows, of each length from 257 to 448 pixels, go through each network in one thread; best of a few rounds,
in which all lengths take turns. `subpixel` widens rows beyond 256 pixels to the next multiple of 16 where the processor
has AMX. See README.md.
"""

from __future__ import annotations

import argparse
from time import perf_counter

import numpy as np
from report import command_line, machine_class, run_command, table, versions, write_section

from subpixel import zoo
from subpixel.engines import EngineSettings, load_engine
from subpixel.types import NetworkFile, Precision

ROWS = 48
LENGTHS = range(257, 449)
STEP = 16


def nanoseconds(network: NetworkFile, precision: Precision, rounds: int) -> dict[int, float]:
    """Time per pixel of input for each length, best of all rounds."""
    run = load_engine("openvino").load(network, EngineSettings(1, precision))
    generator = np.random.default_rng(1)
    best: dict[int, float] = {}
    for turn in range(rounds + 1):  # the first one makes what each length needs
        for length in LENGTHS:
            batch = generator.random((1, network.channels, ROWS, length), np.float32)
            started = perf_counter()
            run(batch)
            took = (perf_counter() - started) / ROWS / length * 1e9
            if turn:
                best[length] = min(best.get(length, took), took)
    return best


def row_of(name: str, precision: Precision, best: dict[int, float]) -> list[str]:
    """One line of the table: against the median of the multiples of 16."""
    quick = [best[length] for length in LENGTHS if length % STEP == 0]
    unit = float(np.median(quick))
    others = sorted((best[length] / unit, length) for length in LENGTHS if length % STEP)
    worst, where = others[-1]
    slow = sum(ratio > 1.25 for ratio, _ in others) / len(others)
    return [
        f"{name} ({precision})",
        f"{unit:.0f} ns",
        f"{max(quick) / unit:.2f}",
        f"{np.mean([ratio for ratio, _ in others]):.2f}",
        f"{slow:.0%}",
        f"{worst:.2f} ({where})",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", help="a model's name or path; may be given several times")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (default 3)")
    options = parser.parse_args()
    rows = []
    for name in options.model or ["crisp-x4"]:
        loaded = zoo.load_model(name)
        for precision in ("int8", "bf16") if loaded.network.int8 else ("bf16",):
            rows.append(row_of(loaded.card.name, precision, nanoseconds(loaded.network, precision, options.rounds)))
    heads = ["network", "multiples of 16", "slowest of them", "others, mean", "over 1.25", "slowest"]
    body = f"""
Command: `{command_line(hide=("--model",))}`

Machine: {machine_class(1)}. {versions("subpixel", "openvino")}.

Batches of {ROWS} rows of {LENGTHS[0]} to {LENGTHS[-1]} pixels, OpenVINO, one thread: time per pixel of input for
lengths that are multiples of {STEP} (median), and of all the others against it: their mean, how many take more than
1.25 times as long, and the slowest with its length.

{table(heads, rows)}
"""
    write_section("Rows", body)
    print(body)


if __name__ == "__main__":
    run_command(main)
