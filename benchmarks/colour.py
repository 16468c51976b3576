"""What colour beside a luma network takes: each step of a tile's way, one thread alone and two side by side.

    python benchmarks/colour.py

Tiles of 1000×250 pixels of 8-bit RGB go through the steps that stand around the networks; the enlarged luma is made
once, and does not count. Best of a few rounds, in which all steps take turns. See README.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import fmean
from threading import Barrier, Thread
from time import perf_counter

import numpy as np
from report import machine_class, run_command, table, versions, write_section

from subpixel.image import chroma
from subpixel.image.colour import rgb_to_y_and_differences, y_and_differences_to_rgb
from subpixel.image.kept import Kept
from subpixel.tile import as_planes, keep_flat, store

WIDTH, HEIGHT, HALO = 1000, 250, 18
ROWS = 128
TITLES = (
    "to float, Y and colour",
    "looking for flat areas",
    "colour, sharpened and enlarged",
    "RGB",
    "rounded, interleaved",
)


def steps(scale: int, seed: int) -> list[Callable[[], None]]:
    """The steps for one tile, in the order of `TITLES`, with memory of their own."""
    generator = np.random.default_rng(seed)
    samples = generator.integers(0, 256, (3, HEIGHT + 2 * HALO, WIDTH + 2 * HALO), np.uint8)
    memory = Kept()
    y, differences = rgb_to_y_and_differences(as_planes(samples))
    spare = HALO - chroma.HALO
    inside = differences[:, spare:-spare, spare:-spare]
    luma = generator.random((1, HEIGHT * scale, WIDTH * scale), np.float32)
    large = np.zeros((2, HEIGHT * scale, WIDTH * scale), np.float32)
    planes = [generator.random(luma.shape[1:], np.float32) * 255 for _ in range(3)]
    out = np.zeros((HEIGHT * scale, WIDTH * scale, 3), np.uint8)
    bands = [slice(start, start + ROWS) for start in range(0, HEIGHT * scale, ROWS)]

    def into() -> None:
        rgb_to_y_and_differences(as_planes(samples, memory), memory)

    def flat() -> None:
        keep_flat([luma], y, (scale,), HALO)

    def enlarged() -> None:
        for _ in chroma.LargeColour(inside, scale, 255.0).bands(ROWS):
            pass

    def rgb() -> None:
        for band in bands:
            y_and_differences_to_rgb(luma[0, band], large[:, band], 255.0, memory)

    def rounded() -> None:
        for band in bands:
            store([plane[band] for plane in planes], out[band], scaled=True)

    return [into, flat, enlarged, rgb, rounded]


def measure(scale: int, threads: int, rounds: int) -> list[float]:
    """Milliseconds of a thread for a megapixel of input, of each step."""
    barrier = Barrier(threads)
    best = [[1e9] * len(TITLES) for _ in range(threads)]

    def work(number: int) -> None:
        made = steps(scale, number)
        for _ in range(rounds):
            for index, step in enumerate(made):
                barrier.wait()
                started = perf_counter()
                step()
                best[number][index] = min(best[number][index], perf_counter() - started)

    running = [Thread(target=work, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return [fmean(column) * 1e9 / (WIDTH * HEIGHT) for column in zip(*best, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30, help="rounds (default 30)")
    options = parser.parse_args()
    kinds = [(scale, threads) for scale in (2, 4) for threads in (1, 2)]
    columns = [measure(scale, threads, options.rounds) for scale, threads in kinds]
    heads = ["step", *(f"×{scale}, {'alone' if threads == 1 else 'two side by side'}" for scale, threads in kinds)]
    rows = [[title, *(f"{column[index]:.1f}" for column in columns)] for index, title in enumerate(TITLES)]
    rows.append(["all", *(f"{sum(column):.1f}" for column in columns)])
    body = f"""
Command: `python benchmarks/colour.py`

Machine: {machine_class(2)}. {versions("subpixel", "numpy")}.

Tiles of {WIDTH}×{HEIGHT} pixels and a halo of {HALO}: milliseconds of a thread for a megapixel of input, best of
{options.rounds} rounds.

{table(heads, rows)}
"""
    write_section("Colour", body)
    print(body)


if __name__ == "__main__":
    run_command(main)
