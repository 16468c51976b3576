"""Colour by ICC profiles: CMYK → sRGB, and RGB → sRGB for formats that hold no profile."""

from __future__ import annotations

import contextlib
from typing import Any, cast

import numpy as np

from subpixel.image.libvips import vips
from subpixel.types import Pixels


def from_cmyk(image: Any) -> tuple[Any, str]:
    """A libvips image in CMYK → sRGB with sRGB's profile, and a note on how. Lazy: no pixels are read yet.

    Relative colorimetric with black point compensation, as printing programs do by default. Extra channels beyond the
    four inks are dropped. Without a usable profile, the inks are taken for those of libvips' built-in profile.
    """
    options = {
        "intent": "relative",
        "black_point_compensation": True,
        "depth": 16 if image.format == "ushort" else 8,
    }
    why = "it has none"
    if image.get_typeof("icc-profile-data"):
        why = "its own is not usable"
        if _is_whole_cmyk(bytes(image.get("icc-profile-data"))):
            with contextlib.suppress(vips().Error):
                return image.icc_transform("srgb", embedded=True, **options), "CMYK converted to sRGB by its profile"
        image = image.copy()
        image.remove("icc-profile-data")
    made = image.icc_transform("srgb", input_profile="cmyk", **options)
    return made, f"CMYK converted to sRGB by a standard profile: {why}"


def _is_whole_cmyk(icc: bytes) -> bool:
    """Looks at the header (ICC.1, section 7.2): libvips would quietly take its own profile instead of a useless one."""
    return icc[16:20] == b"CMYK" and icc[36:40] == b"acsp" and int.from_bytes(icc[:4], "big") <= len(icc)


def cmyk_to_srgb(pixels: Pixels, icc: bytes | None) -> tuple[Pixels, bytes, str]:
    """CMYK samples (H, W, 4), 0 no ink → RGB samples (H, W, 3), the profile of the result, and a note on how."""
    pyvips = vips()
    height, width, _ = pixels.shape
    flat = np.ascontiguousarray(pixels)
    image = pyvips.Image.new_from_memory(flat.reshape(-1).data, width, height, 4, "uchar").copy(interpretation="cmyk")
    if icc is not None:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", icc)
    made, note = from_cmyk(image)
    samples = np.frombuffer(made.write_to_memory(), np.uint8).reshape(height, width, 3)
    return samples, bytes(made.get("icc-profile-data")), note


def is_srgb(icc: bytes) -> bool:
    """True where a profile names itself sRGB, in either of the two encodings that profiles use."""
    return b"sRGB" in icc or "sRGB".encode("utf-16-be") in icc


def rgb_to_srgb(pixels: Pixels, icc: bytes) -> Pixels | None:
    """RGB or RGBA samples (frames, H, W, 3 or 4) by their profile → sRGB; None where the profile is not usable."""
    pyvips = vips()
    frames, height, width, channels = pixels.shape
    deep = pixels.dtype == np.uint16
    image = pyvips.Image.new_from_memory(
        pixels.reshape(-1).data, width, frames * height, channels, "ushort" if deep else "uchar"
    ).copy(interpretation="rgb16" if deep else "srgb")
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", icc)
    alpha = image.extract_band(3) if channels == 4 else None
    try:
        made = (image.extract_band(0, n=3) if alpha else image).icc_transform(
            "srgb", embedded=True, intent="relative", black_point_compensation=True, depth=16 if deep else 8
        )
        if alpha is not None:
            made = made.bandjoin(alpha)
        samples = np.frombuffer(made.write_to_memory(), pixels.dtype)
    except pyvips.Error:
        return None
    return cast(Pixels, samples.reshape(pixels.shape))
