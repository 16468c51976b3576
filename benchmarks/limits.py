"""From which quality on clean networks do better than restoring ones: what `subpixel.image.compression.Limits` holds.

    python benchmarks/limits.py --photographs FOLDER [FOLDER …]

Photographs are cut to 480×480, reduced to a quarter (antialiased bicubic), coded at each quality, and enlarged by
crisp-x4 and by crisp-restore-x4. Prints the mean PSNR over RGB of both; nothing is written. Takes a minute.
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

SCALE, SIDE = 4, 480
WAYS = [("JPEG", quality) for quality in (70, 75, 80, 85, 90, 95)] + [("WebP", quality) for quality in (40, 60, 75, 85)]


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
    asked = parser.parse_args()
    files = sorted(file for folder in asked.photographs for file in folder.iterdir() if file.is_file())
    files = files[:: max(1, len(files) // asked.number)][: asked.number]
    found: dict[tuple[str, int], list[tuple[float, float]]] = {way: [] for way in WAYS}
    with Upscaler("crisp-x4") as clean, Upscaler("crisp-restore-x4") as restoring:
        for file in files:
            large = pyvips.Image.new_from_file(str(file)).colourspace("srgb").numpy()[:SIDE, :SIDE, :3]
            height, width = (side // SCALE for side in large.shape[:2])
            large = np.ascontiguousarray(large[: height * SCALE, : width * SCALE])
            small = resample.resize(large.transpose(2, 0, 1).astype(np.float32), height, width)
            small = np.rint(np.clip(small, 0, 255)).astype(np.uint8).transpose(1, 2, 0)
            picture = pyvips.Image.new_from_array(np.ascontiguousarray(small))
            for way in WAYS:
                coded = pyvips.Image.new_from_buffer(squeezed(picture, *way), "").numpy()[..., :3]
                a, b = (psnr(large, one.upscale(coded, scale=SCALE), border=SCALE) for one in (clean, restoring))
                found[way].append((a, b))
    print(f"PSNR over RGB, dB, mean of {len(files)} photographs", "| coded | clean | restored |", sep="\n")
    print("|---|--:|--:|")
    for (coder, quality), pairs in found.items():
        print(f"| {coder} {quality} | {mean(a for a, _ in pairs):.2f} | {mean(b for _, b in pairs):.2f} |")


if __name__ == "__main__":
    main()
