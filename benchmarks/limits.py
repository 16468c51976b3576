"""From which quality on clean networks do better than restoring ones: what `subpixel.image.compression.Limits` holds.

    python benchmarks/limits.py --photographs FOLDER [FOLDER …]
    python benchmarks/limits.py --photographs FOLDER --families fine --scales 4

Photographs are cut to 480×480, reduced (antialiased bicubic), coded at each quality, and enlarged by a family's clean
network and by its restoring one. Prints the mean PSNR over RGB of both, and where they are equal; nothing is written.
Takes a minute or two per family and factor.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import TypeAlias

import numpy as np
import pyvips
from numpy.typing import NDArray
from report import table
from systems import FAMILIES, SCALES

from subpixel import Upscaler
from subpixel.image import resample
from subpixel.measure import psnr

Picture: TypeAlias = NDArray[np.uint8]
Way: TypeAlias = tuple[str, int]

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


def reduced_pictures(files: Sequence[Path], scale: int) -> list[tuple[Picture, pyvips.Image]]:
    """Photographs, cut, and what they are reduced to."""
    made = []
    for file in files:
        large = pyvips.Image.new_from_file(str(file)).colourspace("srgb").numpy()[:SIDE, :SIDE, :3]
        height, width = (side // scale for side in large.shape[:2])
        large = np.ascontiguousarray(large[: height * scale, : width * scale])
        small = resample.resize(large.transpose(2, 0, 1).astype(np.float32), height, width)
        small = np.rint(np.clip(small, 0, 255)).astype(np.uint8).transpose(1, 2, 0)
        made.append((large, pyvips.Image.new_from_array(np.ascontiguousarray(small))))
    return made


def compare(
    family: str, scale: int, pictures: Sequence[tuple[Picture, pyvips.Image]]
) -> dict[Way, tuple[float, float]]:
    """Mean PSNR of the clean and of the restoring network, for every coding."""
    found = {}
    with Upscaler(f"{family}-x{scale}") as clean, Upscaler(f"{family}-restore-x{scale}") as restoring:
        for way in WAYS:
            pairs = []
            for large, small in pictures:
                coded = pyvips.Image.new_from_buffer(squeezed(small, *way), "").numpy()[..., :3]
                pairs.append([psnr(large, one.upscale(coded, scale=scale), border=scale) for one in (clean, restoring)])
            found[way] = (mean(a for a, _ in pairs), mean(b for _, b in pairs))
    return found


def equal_at(found: dict[Way, tuple[float, float]], coder: str) -> str:
    """The quality at which both networks do equally well, between two that were measured."""
    leads = [(quality, b - a) for (name, quality), (a, b) in found.items() if name == coder]
    for (low, before), (high, after) in pairwise(leads):
        if before >= 0 > after:
            return f"{low + (high - low) * before / (before - after):.0f}"
    return f"above {leads[-1][0]}" if leads[-1][1] >= 0 else f"below {leads[0][0]}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photographs", nargs="+", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--number", type=int, default=20, help="photographs looked at (default 20)")
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=FAMILIES, help="of networks (default all)")
    parser.add_argument("--scales", nargs="+", type=int, choices=SCALES, default=SCALES, help="factors (default all)")
    asked = parser.parse_args()
    files = sorted(file for folder in asked.photographs for file in folder.iterdir() if file.is_file())
    files = files[:: max(1, len(files) // asked.number)][: asked.number]
    print(f"PSNR over RGB, dB, mean of {len(files)} photographs")
    for scale in asked.scales:
        pictures = reduced_pictures(files, scale)
        for family in asked.families:
            found = compare(family, scale, pictures)
            cells = [[" ".join(map(str, way)), f"{a:.2f}", f"{b:.2f}"] for way, (a, b) in found.items()]
            print(table([f"{family} ×{scale}", "clean", "restored"], cells))
            print(*(f"equal at {coder} {equal_at(found, coder)}" for coder in ("JPEG", "WebP")), sep=", ", flush=True)


if __name__ == "__main__":
    main()
