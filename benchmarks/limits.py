"""From which quality on clean networks do better than restoring ones: what `subpixel.image.compression.Limits` holds.

    python benchmarks/limits.py --photographs FOLDER [FOLDER …] [--scale 2]

Photographs are cut to 480×480, reduced (antialiased bicubic), coded at each quality, and enlarged by
crisp and by crisp-restore. Prints the mean PSNR over RGB of both; nothing is written. Takes a minute.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import mean

import numpy as np
import pyvips

from subpixel import Upscaler
from subpixel.image import resample
from subpixel.measure import psnr

SIDE = 480
WAYS = [("JPEG", quality) for quality in (70, 80, 85, 90, 92, 95, 98)] + [
    ("WebP", quality) for quality in (40, 60, 75, 85, 92, 97)
]


def squeezed(small: pyvips.Image, coder: str, quality: int) -> bytes:
    """The small picture as a file."""
    made: bytes = (
        small.jpegsave_buffer(Q=quality, subsample_mode="on") if coder == "JPEG" else small.webpsave_buffer(Q=quality)
    )
    return made


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photographs", nargs="+", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--number", type=int, default=20, help="photographs looked at (default 20)")
    parser.add_argument("--scale", type=int, default=4, help="enlargement (default 4)")
    asked = parser.parse_args()
    scale: int = asked.scale
    files = sorted(file for folder in asked.photographs for file in folder.iterdir() if file.is_file())
    files = files[:: max(1, len(files) // asked.number)][: asked.number]
    found: dict[tuple[str, int], list[tuple[float, float]]] = {way: [] for way in WAYS}
    with Upscaler(f"crisp-x{scale}") as clean, Upscaler(f"crisp-restore-x{scale}") as restoring:
        for file in files:
            large = pyvips.Image.new_from_file(str(file)).colourspace("srgb").numpy()[:SIDE, :SIDE, :3]
            height, width = (side // scale for side in large.shape[:2])
            large = np.ascontiguousarray(large[: height * scale, : width * scale])
            small = resample.resize(large.transpose(2, 0, 1).astype(np.float32), height, width)
            small = np.rint(np.clip(small, 0, 255)).astype(np.uint8).transpose(1, 2, 0)
            picture = pyvips.Image.new_from_array(np.ascontiguousarray(small))
            for way in WAYS:
                coded = pyvips.Image.new_from_buffer(squeezed(picture, *way), "").numpy()[..., :3]
                a, b = (psnr(large, one.upscale(coded, scale=scale), border=scale) for one in (clean, restoring))
                found[way].append((a, b))
    print(f"PSNR over RGB, dB, mean of {len(files)} photographs", "| coded | clean | restored |", sep="\n")
    print("|---|--:|--:|")
    for (coder, quality), pairs in found.items():
        print(f"| {coder} {quality} | {mean(a for a, _ in pairs):.2f} | {mean(b for _, b in pairs):.2f} |")


if __name__ == "__main__":
    main()
