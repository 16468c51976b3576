"""How often a squeezed picture is recognised by its pixels alone, and a clean one mistaken for one.

    python benchmarks/recognising.py --data DATA

The colour pictures among the small ones of Set5, Set14 and BSD100 (×2) are coded as JPEG with halved colour and kept
without their file: as they come out, turned by 90°, cropped by 5 rows and 3 columns and coded again at quality 92. The
clean ones are the published small pictures of every factor, and those coded once at 92. Then noise is added, to
BSD100's photographs at their own size too. Prints a table; nothing is written. Takes a minute.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from squeezing import jpeg

import subpixel
from subpixel.image.compression import assess
from subpixel.measure import benchmark_set, read_pixels
from subpixel.types import Picture

SETS, SCALES, QUALITIES = ("Set5", "Set14", "BSD100"), (2, 3, 4), (30, 50, 70, 87)
NOISES = (8, 12, 16, 25)
Pixels = NDArray[np.uint8]


def coded(pixels: Pixels, quality: int) -> Pixels:
    """What a JPEG leaves of a picture."""
    return subpixel.read(jpeg(pixels, quality)).pixels[0].astype(np.uint8, copy=False)


def noisy(pixels: Pixels, spread: float) -> Pixels:
    """A picture with Gaussian noise, the same each time."""
    drawn = np.random.default_rng(0).normal(0, spread, pixels.shape)
    return np.clip(np.rint(pixels + drawn), 0, 255).astype(np.uint8)


WAYS: dict[str, Callable[[Pixels], Pixels]] = {
    "as it is": lambda pixels: pixels,
    "turned": np.rot90,
    "cropped, 92": lambda pixels: coded(np.ascontiguousarray(pixels[5:, 3:]), 92),
}


def squeezed(pixels: Pixels) -> bool:
    """The verdict, by pixels alone."""
    return assess(Picture(np.ascontiguousarray(pixels)[None])).squeezed


def small_pictures(data: Path, scale: int) -> list[Pixels]:
    """The sets' small pictures."""
    found = (pair.small for name in SETS for pair in benchmark_set(data, name, scale).pairs)
    return [np.ascontiguousarray(read_pixels(path)) for path in found if path is not None]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with benchmark/")
    data = parser.parse_args().data
    for scale in SCALES:
        pictures = small_pictures(data, scale)
        wrong = sum(map(squeezed, pictures))
        finely = sum(squeezed(coded(pixels, 92)) for pixels in pictures if pixels.shape[2] == 3)
        print(f"clean, ×{scale}: {wrong} of {len(pictures)} mistaken; coded once at 92: {finely}")
    pictures = [pixels for pixels in small_pictures(data, 2) if pixels.shape[2] == 3]
    print(
        f"recognised of {len(pictures)}", "| JPEG | " + " | ".join(WAYS) + " |", "|---|" + "--:|" * len(WAYS), sep="\n"
    )
    for quality in QUALITIES:
        counts = [sum(squeezed(way(coded(pixels, quality))) for pixels in pictures) for way in WAYS.values()]
        print(f"| {quality} | " + " | ".join(map(str, counts)) + " |")
    large = [read_pixels(pair.reference) for pair in benchmark_set(data, "BSD100", 2).pairs]
    print(f"mistaken of {len(large)} photographs of BSD100: {sum(map(squeezed, large))}; recognised by their noise:")
    for spread in NOISES:
        counts = [sum(squeezed(noisy(pixels, spread)) for pixels in some) for some in (large, pictures)]
        print(f"of {spread} levels in RGB: {counts[0]}; of the {len(pictures)} small ones: {counts[1]}")


if __name__ == "__main__":
    main()
