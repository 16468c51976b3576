"""CMYK → sRGB by the profile that says which inks are meant."""

from __future__ import annotations

from typing import Any

import numpy as np

from subpixel.image.libvips import vips
from subpixel.types import Pixels


def convert(image: Any) -> tuple[Any, str]:
    """A libvips image in CMYK → sRGB with sRGB's profile, and a note on how. Lazy: no pixels are read yet.

    Relative colorimetric with black point compensation, as printing programs do by default. Extra channels beyond the
    four inks are dropped. Without a usable profile, the inks are taken for those of libvips' built-in profile.
    """
    options = {
        "intent": "relative",
        "black_point_compensation": True,
        "depth": 16 if image.format == "ushort" else 8,
        "input_profile": "cmyk",
    }
    if image.get_typeof("icc-profile-data"):
        if bytes(image.get("icc-profile-data"))[16:20] == b"CMYK":
            try:
                made = image.icc_transform("srgb", embedded=True, **options)
            except vips().Error:
                pass
            else:
                return made, "CMYK converted to sRGB by its profile"
        image = image.copy()
        image.remove("icc-profile-data")
        return image.icc_transform(
            "srgb", **options
        ), "CMYK converted to sRGB by a standard profile: its own is not usable"
    return image.icc_transform("srgb", **options), "CMYK converted to sRGB by a standard profile: it has none"


def cmyk_to_srgb(pixels: Pixels, icc: bytes | None) -> tuple[Pixels, bytes, str]:
    """CMYK samples (H, W, 4), 0 no ink → RGB samples (H, W, 3), the profile of the result, and a note on how."""
    pyvips = vips()
    height, width, _ = pixels.shape
    flat = np.ascontiguousarray(pixels)
    image = pyvips.Image.new_from_memory(flat.reshape(-1).data, width, height, 4, "uchar").copy(interpretation="cmyk")
    if icc is not None:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", icc)
    made, note = convert(image)
    samples = np.frombuffer(made.write_to_memory(), np.uint8).reshape(height, width, 3)
    return samples, bytes(made.get("icc-profile-data")), note
