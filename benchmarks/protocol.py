"""Proof of the protocol: published PSNR of bicubic, against ours and against the choices that we did not make.

    python benchmarks/protocol.py --data DATA

DATA holds benchmark/Set5, Set14 and BSD100 (see docs/reference/measure.md for what is compared and why).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import mean

import numpy as np
from report import command_line, run_command, table, versions, write_section

from subpixel.measure import BENCHMARKS, benchmark_set, bicubic, luma, psnr, read_pixels

CHOICES = ("as here", "Y rounded", "grey as Y", "no border cut")


def variants(small: Path, large: Path, scale: int) -> dict[str, float]:
    """PSNR of one picture by every choice."""
    reference = read_pixels(large)
    result = bicubic(scale)(read_pixels(small))
    first, second = luma(reference), luma(result)
    as_y = psnr(luma(reference, as_rgb=True), luma(result, as_rgb=True), border=scale)
    return {
        "as here": psnr(reference, result, border=scale),
        "Y rounded": psnr(np.rint(first), np.rint(second), border=scale),
        "grey as Y": as_y,
        "no border cut": psnr(reference, result),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with benchmark/Set5, …")
    data: Path = parser.parse_args().data
    rows = []
    for benchmark in BENCHMARKS:
        for scale, published in benchmark.bicubic.items():
            pairs = benchmark_set(data, benchmark.name, scale).pairs
            scores = [variants(pair.small, pair.reference, scale) for pair in pairs if pair.small is not None]
            means = {choice: mean(score[choice] for score in scores) for choice in CHOICES}
            cells = [f"{means[choice]:.3f} ({means[choice] - published:+.3f})" for choice in CHOICES]
            rows.append([f"{benchmark.name} ×{scale}", f"{published:.2f}", *cells])
    body = f"""
Command: `{command_line(hide=("--data",))}`

{versions("subpixel")}.

PSNR of bicubic in dB, with the distance to the published value:

{table(["", "published", *CHOICES], rows)}
"""
    write_section("The protocol, proved on bicubic", body)
    print(body)


if __name__ == "__main__":
    run_command(main)
