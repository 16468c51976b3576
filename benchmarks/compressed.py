"""How models cope with compressed pictures: small benchmark pictures as JPEG of several qualities, enlarged ×2.

    python benchmarks/compressed.py --data DATA

DATA holds benchmark/Set5 and benchmark/Set14; their colour pictures are used. See README.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import mean

import numpy as np
import pyvips
from numpy.typing import NDArray
from report import command_line, machine_class, run_command, table, versions, write_section

from subpixel import Upscaler
from subpixel.measure import benchmark_set, psnr, read_pixels

SCALE = 2
MODELS = ("bicubic", "espcn", "rdn-noise-cancel")
QUALITIES = (30, 50, 70, 90, None)
Picture = NDArray[np.uint8]


def compressed(picture: Picture, quality: int | None) -> Picture:
    """The picture after JPEG, chroma halved below quality 90 as libvips and most cameras do; None: as it is."""
    if quality is None:
        return picture
    image = pyvips.Image.new_from_array(picture).copy(interpretation="srgb")
    return np.asarray(pyvips.Image.new_from_buffer(image.jpegsave_buffer(Q=quality), "").numpy())


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with benchmark/")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    pairs = [
        (read_pixels(pair.reference), np.ascontiguousarray(read_pixels(pair.small)))
        for name in ("Set5", "Set14")
        for pair in benchmark_set(options.data, name, SCALE).pairs
    ]
    pairs = [(large, small) for large, small in pairs if small.shape[2] == 3]
    rows = []
    for model in MODELS:
        upscaler = Upscaler(model, precision="fp32", threads=options.threads)
        scores = [
            mean(
                psnr(np.asarray(upscaler.upscale(compressed(small, quality), scale=SCALE)), large, border=SCALE)
                for large, small in pairs
            )
            for quality in QUALITIES
        ]
        rows.append([f"`{model}`", *(f"{score:.2f}" for score in scores)])
    heads = ["", *(f"quality {quality}" if quality else "not compressed" for quality in QUALITIES)]
    body = f"""Command: `{command_line(hide=["--data"])}`

Machine: {machine_class(options.threads)} {versions("subpixel", "openvino", "pyvips")}

PSNR on Y in dB at ×{SCALE}, mean of the {len(pairs)} colour pictures of Set5 and Set14, their small pictures compressed
first.

{table(heads, rows)}
"""
    write_section("Compressed pictures", body)
    print(body)


if __name__ == "__main__":
    run_command(main)
