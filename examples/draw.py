"""Draws the pictures of this folder: `python examples/draw.py` (needs Pillow and numpy).

scene.png           a harbour with bricks, rigging, a sign with text, grass; 320×213, 8 bits
logo-alpha.png      hard and soft edges with alpha, and rubbish colour hidden where nothing shows; 160×160
gradient-16bit.png  gradients finer than 8 bits can hold; 192×128, 16 bits
squeezed.jpg        balloons, strongly compressed, stored on its side with an EXIF orientation and an ICC profile
"""

from __future__ import annotations

import argparse
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from balloons import balloons
from harbour import harbour
from numpy.typing import NDArray
from PIL import Image, ImageCms

HERE = Path(__file__).parent


def scene(target: Path) -> None:
    harbour().save(target, optimize=True)


def logo(target: Path) -> None:
    """A lens over a grid of pixels: a hard-edged ring, a soft shadow, a glow; clear parts hold loud colours."""
    side, times = 160, 8
    at = (np.arange(side * times) + 0.5) / times
    x, y = np.meshgrid(at, at)
    colour = np.zeros((side * times, side * times, 3))
    alpha = np.zeros((side * times, side * times))

    def lay(cover: NDArray[np.float64], paint: tuple[int, int, int] | NDArray[np.float64]) -> None:
        """Paint over what is there, straight alpha."""
        nonlocal colour, alpha
        total = cover + alpha * (1 - cover)
        share = np.divide(cover, total, out=np.zeros_like(cover), where=total > 0)[..., None]
        colour = colour + share * (np.asarray(paint) / 255 - colour)
        alpha = total

    lay(0.55 * np.exp(-((np.hypot(x - 76, (y - 86)) / 62) ** 6)), (10, 16, 28))
    radius = np.hypot(x - 70, y - 70)
    lens = (radius < 54).astype(float)
    lay(lens, np.stack([30 + 0.5 * y, 110 + 0.6 * x, 190 - 0.3 * y], axis=-1))
    cell = 9.0 * (1 + 0.55 * (radius / 54) ** 2)
    grid = (np.mod((x - 70) / cell + 0.5, 1) < 0.14) | (np.mod((y - 70) / cell + 0.5, 1) < 0.14)
    lay(lens * grid * 0.5, (235, 248, 255))
    lay(lens * 0.75 * np.exp(-((np.hypot(x - 52, y - 48) / 20) ** 2)), (255, 255, 255))
    lay(((radius > 51) & (radius < 60)).astype(float), (28, 34, 48))
    lay(((radius > 53.2) & (radius < 54.6) & (x + y < 140)).astype(float), (240, 180, 70))
    along, off = ((x - 112) + (y - 112)) / 2**0.5, ((x - 112) - (y - 112)) / 2**0.5
    lay(((np.abs(off) < 8) & (along > -1) & (along < 52)).astype(float), (28, 34, 48))
    lay(((np.abs(off + 3) < 1.1) & (along > 4) & (along < 48)).astype(float), (240, 180, 70))

    area = (side, times, side, times)
    small_alpha = alpha.reshape(area).mean((1, 3))
    weighted = (colour * alpha[..., None]).reshape(*area, 3).mean((1, 3))
    small = np.divide(weighted, small_alpha[..., None], out=np.zeros_like(weighted), where=small_alpha[..., None] > 0)
    stored = np.rint(small_alpha * 255).astype(np.uint8)
    pixels = np.rint(np.clip(small, 0, 1) * 255).astype(np.uint8)
    rows, columns = np.indices(stored.shape)
    rubbish = np.stack([255 * (rows // 4 % 2), 40 + 0 * rows, 255 - 255 * (columns // 4 % 2)], axis=-1).astype(np.uint8)
    pixels = np.where((stored == 0)[..., None], rubbish, pixels)
    Image.fromarray(np.dstack([pixels, stored])).save(target, optimize=True)


def gradient(target: Path) -> None:
    """Dusk: steps of a few 16-bit units, which 8 bits would turn into bands."""
    height, width = 128, 192
    y, x = np.mgrid[:height, :width] / np.array([height, width])[:, None, None]
    glow = np.exp(-((((x - 0.68) / 0.42) ** 2) + ((y - 0.9) / 0.5) ** 2))
    base = np.stack([0.16 + 0.30 * y, 0.20 + 0.16 * y, 0.36 + 0.02 * y], axis=-1)
    sky = base + glow[..., None] * np.array([0.42, 0.26, 0.06])
    moon = np.clip((0.085 - np.hypot((x - 0.26) * 1.5, y - 0.3)) * 90, 0, 1)
    shaded = 0.93 - 0.16 * np.clip((x - 0.2) * 5, 0, 1)
    sky += moon[..., None] * (np.stack([shaded, shaded * 0.98, shaded * 0.92], axis=-1) - sky)
    hill = np.clip((y - 0.86 - 0.05 * np.sin(x * 7) - 0.02 * np.sin(x * 19 + 1)) * 130, 0, 1)
    sky += hill[..., None] * (np.stack([0.05 + 0.05 * x, 0.06 + 0.04 * x, 0.10 + 0.02 * x], axis=-1) - sky)
    write_png16(np.rint(np.clip(sky, 0, 1) * 65535).astype(np.uint16), target)


def write_png16(pixels: NDArray[np.uint16], target: Path) -> None:
    """A PNG with 16 bits per sample, (H, W, 3): Pillow writes such colour only with 8."""
    height, width, _ = pixels.shape
    raw = pixels.astype(">u2").view(np.uint8).reshape(height, width * 6)
    left = np.pad(raw, ((0, 0), (6, 0)))[:, :-6]  # filter 1: the difference to the pixel on the left
    lines = np.hstack([np.ones((height, 1), np.uint8), raw - left])

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)) + chunk(b"IEND", b"")
    target.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def squeezed(target: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "Balloons, drawn by examples/draw.py"  # ImageDescription
    exif[0x010F] = "subpixel"  # Make
    exif[0x0112] = 6  # Orientation: turn a quarter clockwise to view
    exif[0x0132] = "2024:06:01 06:12:00"  # DateTime
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = struct.pack(">6H", 2024, 6, 1, 6, 12, 0)  # the date of making, or no two runs would be equal
    stored = balloons().transpose(Image.Transpose.ROTATE_90)
    stored.save(
        target, quality=20, subsampling="4:2:0", optimize=True, exif=exif, icc_profile=bytes(profile), dpi=(72, 72)
    )


PICTURES: dict[str, Callable[[Path], None]] = {
    "scene.png": scene,
    "logo-alpha.png": logo,
    "gradient-16bit.png": gradient,
    "squeezed.jpg": squeezed,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, default=HERE, help="folder to write to (default: this one)")
    into: Path = parser.parse_args().into
    for name, draw in PICTURES.items():
        draw(into / name)
        print(f"{into / name}  {(into / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
