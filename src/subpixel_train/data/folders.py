"""Folders of training pictures, and where they are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.errors import PictureError, PictureUnreadable, TrainingError
from subpixel.image import read
from subpixel_train.fetch.catalogue import name_of

SUFFIXES: Final = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})

PLAIN: Final = frozenset({".bmp", ".ppm"})
"""Files that libvips' usual builds do not read."""

DATA_VARIABLE: Final = "SUBPIXEL_DATA"
"""Environment variable that names the folder with `train/` and `benchmark/`."""


def data_root(given: Path | None = None) -> Path:
    """The folder that recipes' folders are relative to: `given`, else `SUBPIXEL_DATA`, else the current folder."""
    root = given or Path(os.environ.get(DATA_VARIABLE, "."))
    if not root.is_dir():
        raise TrainingError(f"there is no data folder {root}", f"name it with --data or in {DATA_VARIABLE}")
    return root


def pictures(folder: Path) -> list[Path]:
    """The pictures in a folder and below, by name."""
    if not folder.is_dir():
        name = name_of(folder)
        raise TrainingError(
            f"there is no folder {folder}",
            f"recipes name folders relative to --data or {DATA_VARIABLE}; "
            + (f"get this one with: subpixel data fetch {name}, " if name else "put the pictures there, ")
            + "or name other folders with --set data.folders=[…]",
        )
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise TrainingError(f"there are no pictures in {folder}", f"it needs {', '.join(sorted(SUFFIXES))} files")
    return found


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Decode a picture to 8-bit sRGB without alpha: (H, W, 3). Grey becomes three equal channels."""
    if path.suffix.lower() in PLAIN:
        return _read_plain(path)
    try:
        image = pyvips.Image.new_from_file(str(path), access="sequential", fail_on="truncated")
        if image.hasalpha():
            image = image.flatten(background=255)
        if image.interpretation != "srgb":
            image = image.colourspace("srgb")
        return np.asarray(image.cast("uchar").numpy())
    except pyvips.Error as error:
        raise _unreadable(path, error) from None


def read_size(path: Path) -> tuple[int, int]:
    """Height and width of a picture, from its header."""
    if path.suffix.lower() in PLAIN:
        height, width, _ = _read_plain(path).shape
        return height, width
    try:
        image = pyvips.Image.new_from_file(str(path), access="sequential")
        return image.height, image.width
    except pyvips.Error as error:
        raise _unreadable(path, error) from None


def _read_plain(path: Path) -> NDArray[np.uint8]:
    """A BMP or Netpbm file as (H, W, 3); alpha over white, 16 bits rounded to 8."""
    try:
        pixels = read(path).pixels[0]
    except PictureError as error:
        raise PictureUnreadable(f"cannot read {path}", error.what) from None
    if pixels.dtype == np.uint16:
        pixels = np.rint(pixels / 257).astype(np.uint8)
    channels = pixels.shape[2]
    if channels in {2, 4}:
        alpha = pixels[..., -1:] / 255
        pixels = np.rint(pixels[..., :-1] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else np.ascontiguousarray(pixels, np.uint8)


def _unreadable(path: Path, error: pyvips.Error) -> PictureUnreadable:
    lines = str(error).strip().splitlines()
    return PictureUnreadable(f"cannot read {path}", lines[0] if lines else "libvips does not say why")
