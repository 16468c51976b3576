"""Pillow images ↔ pictures. Pillow is optional: it is never imported unless the program has done so."""

from __future__ import annotations

import sys
from typing import Any, Final, cast

import numpy as np

from subpixel.errors import SettingError
from subpixel.image import exif as exif_block
from subpixel.image import samples
from subpixel.image.coding import pillow_coding
from subpixel.image.profiles import cmyk_to_srgb
from subpixel.types import Coding, Metadata, Picture, Pixels

_AS_IS: Final = {"L", "LA", "RGB", "RGBA"}
_AS_GREY_16: Final = {"I;16", "I;16L", "I;16B", "I;16N"}
_CONVERTED: Final = {"1": "L", "YCbCr": "RGB", "HSV": "RGB", "LAB": "RGB", "RGBX": "RGB", "La": "LA", "RGBa": "RGBA"}
_MODES: Final = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_STALE: Final = frozenset({"transparency", "background", "palette", "duration", "loop", "disposal", "extension"})
"""Keys of `Image.info` that describe a palette or one frame of an animation, not the result."""


def is_pillow(value: object) -> bool:
    """True for a Pillow image; does not import Pillow."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(value, module.Image)


def from_pillow(image: Any) -> Picture:
    """A picture of a Pillow image, as it is seen in the program: an orientation in its EXIF is not applied.

    Args:
        image: mode 1, L, LA, P, PA, RGB, RGBA, CMYK, I;16, I (0–65535), YCbCr, HSV, LAB; its current frame.

    Raises:
        SettingError: another mode, or an image without pixels.
    """
    if 0 in image.size:
        raise SettingError(f"image is {image.width}×{image.height}", "give an image with pixels")
    notes: list[str] = []
    icc = image.info.get("icc_profile") or None
    if getattr(image, "n_frames", 1) > 1:
        notes.append(f"image has {image.n_frames} frames: only the current one is used")
    coding = _coding(image)
    if image.mode == "CMYK":
        pixels, icc, note = cmyk_to_srgb(np.asarray(image), icc)
        notes.append(note)
    else:
        pixels = _pixels(image)
    exif = image.info.get("exif")
    if exif:
        try:
            exif = exif_block.upright(exif)
        except exif_block.ExifDamaged:
            exif = None
    metadata = Metadata(icc=icc, exif=exif or None, dpi=_dpi(image))
    height, width = pixels.shape[:2]
    whole = cast(Pixels, np.ascontiguousarray(pixels).reshape(1, height, width, -1))
    return Picture(whole, metadata, tuple(notes), coding)


def _coding(image: Any) -> Coding | None:
    """How a JPEG was coded, where its samples are still those of the file.

    Once they were read they may have been changed or made smaller in place, and Pillow keeps the tables all the same.
    """
    if not getattr(image, "tile", None) or getattr(image, "decoderconfig", None):
        return None
    return pillow_coding(getattr(image, "quantization", None), getattr(image, "layer", None))


def _dpi(image: Any) -> tuple[float, float] | None:
    try:
        x, y = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError):
        return None
    return (x, y) if x > 0 and y > 0 else None


def _pixels(image: Any) -> Pixels:
    """Samples (H, W) or (H, W, C)."""
    mode = image.mode
    if mode in _AS_GREY_16:
        return np.asarray(image).astype(np.uint16)
    if mode == "I":
        values = np.asarray(image)
        low, high = int(values.min()), int(values.max())
        if low < 0 or high > 65_535:
            wrong = low if low < 0 else high
            raise SettingError(f"image of mode I holds {wrong}", "samples must be in 0–65535")
        return values.astype(np.uint16)
    if "transparency" in image.info or mode in ("P", "PA"):
        hidden = "transparency" in image.info or mode == "PA"
        grey = mode in ("1", "L")
        return np.asarray(image.convert(("LA" if grey else "RGBA") if hidden else "RGB"))
    if mode in _AS_IS:
        return np.asarray(image)
    if mode in _CONVERTED:
        return np.asarray(image.convert(_CONVERTED[mode]))
    raise SettingError(f"image is of mode {mode}", "give 1, L, LA, P, RGB, RGBA, CMYK or I;16: image.convert('RGB')")


def to_pillow(picture: Picture, like: Any) -> Any:
    """The first frame of a picture as a Pillow image, with what `like` carries in its `info`.

    Modes stay as they are, except that 1 becomes L, and P and CMYK become RGB or RGBA: an enlarged picture has
    colours between those of its palette. 16-bit RGB does not exist in Pillow, so only grey stays 16-bit.

    Args:
        picture: the picture.
        like: the image that `from_pillow` was given.
    """
    from PIL import Image

    pixels = picture.pixels[0]
    channels = pixels.shape[2]
    if pixels.dtype == np.uint16 and channels > 1:
        pixels = samples.to_8_bits(pixels[None])[0]
    flat = np.ascontiguousarray(pixels[:, :, 0] if channels == 1 else pixels)
    if flat.dtype == np.uint16:
        made = Image.frombytes("I;16", (flat.shape[1], flat.shape[0]), flat.astype("<u2").tobytes())
    else:
        made = Image.frombytes(_MODES[channels], (flat.shape[1], flat.shape[0]), flat.tobytes())
    if like.mode == "I":
        made = made.convert("I")
    made.info = {key: value for key, value in like.info.items() if key not in _STALE}
    if picture.metadata.icc is not None:
        made.info["icc_profile"] = picture.metadata.icc
    else:
        made.info.pop("icc_profile", None)
    if like.info.get("exif"):
        made.info.pop("exif")
        if picture.metadata.exif is not None:
            stated = exif_block.orientation(like.info["exif"])
            made.info["exif"] = exif_block.for_size(picture.metadata.exif, made.width, made.height, orientation=stated)
    return made
