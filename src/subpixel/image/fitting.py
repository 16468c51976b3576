"""A picture made to fit a format, and one line for each thing that does not fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, cast

import numpy as np

from subpixel.image import exif as exif_block
from subpixel.image import samples
from subpixel.image import xmp as xmp_packet
from subpixel.image.formats import Format
from subpixel.image.profiles import is_srgb, rgb_to_srgb
from subpixel.image.saving import Shape
from subpixel.types import Metadata, Picture, PictureLike, Pixels, Size, empty_pixels

_DEFAULT_DELAY_MS: Final = 100
_LEAST_DPI: Final = 0.1
_MOST_DPI: Final = 65_535
"""What JPEG can say."""


def fit(picture: Picture, row: Format) -> tuple[Picture, list[str]]:
    """The picture as the format holds it, and one line for each thing it does not hold."""
    pixels, metadata = picture.pixels, picture.metadata
    notes: list[str] = []
    if picture.frames > 1 and not row.many:
        notes.append(f"{row.title} holds one frame: the first of {picture.frames} is written")
        pixels = pixels[:1]
    metadata = replace(metadata, delays=_fit_delays(metadata.delays, pixels.shape[0], row, notes))
    if metadata.icc is not None and not row.icc and pixels.shape[3] >= 3 and metadata.icc[16:20] == b"RGB ":
        pixels, metadata = _without_profile(pixels, metadata, metadata.icc, row, notes)
    pixels = _fit_samples(pixels, metadata.bits, row, notes)
    size = Size(pixels.shape[2], pixels.shape[1])
    metadata = _fit_metadata(metadata, size, pixels.shape[3], row, notes)
    whole = cast(Pixels, np.ascontiguousarray(pixels))
    return Picture(whole, replace(metadata, bits=_depth(metadata.bits, row))), notes


def fits_by_rows(like: PictureLike, row: Format) -> bool:
    """Whether what the format makes of a picture of one frame can be told row by row."""
    simple = row.alpha != "binary" or not like.has_alpha
    return simple and row.icc and row.colours >= 1 << 24


def fit_for_rows(like: PictureLike, size: Size, row: Format) -> tuple[Shape, list[str]]:
    """What a result of `like` becomes, `size` large, when all its rows go through `fit_rows`; notes as of `fit`."""
    notes: list[str] = []
    none = empty_pixels((1, 0, size.width, like.channels), like.bits)
    fitted = _fit_samples(none, like.metadata.bits, row, notes)
    channels = fitted.shape[3]
    metadata = _fit_metadata(replace(like.metadata, delays=()), size, channels, row, notes)
    metadata = replace(metadata, bits=_depth(metadata.bits, row))
    return Shape(size, channels, fitted.dtype == np.uint16, metadata), notes


def fit_rows(rows: Pixels, bits: int, row: Format) -> tuple[Pixels, list[str]]:
    """Rows (n, width, channels) as the format holds them, and notes on what these rows show that it does not hold.

    Alpha is laid on white row by row, which leaves what is opaque as it is.
    """
    notes: list[str] = []
    return cast(Pixels, np.ascontiguousarray(_fit_samples(rows[None], bits, row, notes)[0])), notes


def _fit_delays(delays: tuple[int, ...], frames: int, row: Format, notes: list[str]) -> tuple[int, ...]:
    """Times of all frames as the format holds them."""
    if frames == 1 or (row.pages and not delays):
        return ()
    if not row.animation:
        notes.append(f"{row.title} holds pages without times: the times of {frames} frames are dropped")
        return ()
    if not delays:
        notes.append(f"pages become frames of {_DEFAULT_DELAY_MS} ms")
        return (_DEFAULT_DELAY_MS,) * frames
    whole = (delays + delays[-1:] * frames)[:frames]
    step = row.delay_step
    fitted = tuple((delay + step // 2) // step * step for delay in whole)
    if fitted != whole:
        notes.append(f"{row.title} holds times in steps of {step} ms: rounded")
    return fitted


def _without_profile(
    pixels: Pixels, metadata: Metadata, icc: bytes, row: Format, notes: list[str]
) -> tuple[Pixels, Metadata]:
    """Colours that need no profile to be shown right."""
    if is_srgb(icc):
        notes.append(f"{row.title} holds no ICC profile: dropped, it is sRGB as programs assume")
        return pixels, replace(metadata, icc=None)
    made = rgb_to_srgb(cast(Pixels, np.ascontiguousarray(pixels)), icc)
    if made is None:
        return pixels, metadata
    notes.append(f"{row.title} holds no ICC profile: colours converted to sRGB")
    return made, replace(metadata, icc=None)


def _depth(bits: int, row: Format) -> int:
    """Bits per sample to write where the picture has more than 8 and the format fewer than 16."""
    return bits if bits in row.bits else max(row.bits)


def _fit_samples(pixels: Pixels, bits: int, row: Format, notes: list[str]) -> Pixels:
    """Alpha, depth and colours as the format holds them."""
    if pixels.shape[3] in (2, 4) and row.alpha == "none":
        if samples.is_opaque(pixels):
            pixels = pixels[..., :-1]
        else:
            notes.append(f"{row.title} holds no alpha: laid on white")
            pixels = samples.on_white(pixels)
    if pixels.dtype == np.uint16 and max(row.bits) == 8:
        notes.append(f"{row.title} holds 8 bits: 16-bit samples rounded")
        pixels = samples.to_8_bits(pixels)
    elif pixels.dtype == np.uint16 and max(row.bits) < 16:
        depth = _depth(bits, row)
        if depth != bits:
            notes.append(f"{row.title} holds {depth} bits: 16-bit samples rounded")
        pixels = samples.to_top_bits(pixels, depth)
    if pixels.shape[3] in (2, 4) and row.alpha == "binary" and not samples.is_binary(pixels):
        notes.append(f"{row.title} holds no half-transparent pixels: each is shown or hidden")
    if row.colours < 1 << 24 and samples.more_colours_than(pixels, row.colours):
        notes.append(f"{row.title} holds {row.colours} colours a frame: reduced")
    return pixels


def _fit_metadata(metadata: Metadata, size: Size, channels: int, row: Format, notes: list[str]) -> Metadata:
    """Metadata that the format holds, made true for these pixels."""
    width, height = size.width, size.height
    icc, exif, xmp, iptc = metadata.icc, metadata.exif, metadata.xmp, metadata.iptc
    if icc is not None and icc[16:20] != (b"GRAY" if channels < 3 and row.grey != "none" else b"RGB "):
        notes.append("ICC profile dropped: it is not for these channels")
        icc = None
    if icc is not None and not row.icc:
        notes.append(f"{row.title} holds no ICC profile: dropped")
        icc = None
    if exif is not None:
        try:
            exif = exif_block.for_size(exif, width, height)
        except exif_block.ExifDamaged as error:
            notes.append(f"EXIF block is damaged and was dropped: {error}")
            exif = None
    if xmp is not None:
        xmp = xmp_packet.for_size(xmp, width, height)
    for name, held, value in (("EXIF", row.exif, exif), ("XMP", row.xmp, xmp), ("IPTC", row.iptc, iptc)):
        if value is not None and not held:
            notes.append(f"{row.title} holds no {name}: dropped")
    if metadata.dpi is not None and not all(_LEAST_DPI <= value <= _MOST_DPI for value in metadata.dpi):
        notes.append(f"resolution dropped: {metadata.dpi[0]:g}×{metadata.dpi[1]:g} dpi cannot be")
        metadata = replace(metadata, dpi=None)
    if metadata.comments and not row.comments:
        notes.append(f"{row.title} holds no comments: {len(metadata.comments)} dropped")
    if metadata.dpi is not None and row.dpi == "none":
        notes.append(f"{row.title} holds no resolution: {metadata.dpi[0]:.0f} dpi dropped")
    if metadata.dpi is not None and exif is None and row.dpi == "exif":
        exif = exif_block.for_resolution(metadata.dpi)
    elif metadata.dpi is not None and exif is not None and _differ(exif_block.resolution(exif), metadata.dpi):
        exif = exif_block.with_resolution(exif, metadata.dpi)
    return replace(
        metadata,
        icc=icc,
        exif=exif if row.exif else None,
        xmp=xmp if row.xmp else None,
        iptc=iptc if row.iptc else None,
        dpi=metadata.dpi if row.dpi != "none" else None,
        comments=metadata.comments if row.comments else (),
    )


def _differ(stated: tuple[float, float] | None, dpi: tuple[float, float]) -> bool:
    """Whether two resolutions differ by more than formats round."""
    return stated is None or any(abs(a - b) > 0.001 * b for a, b in zip(stated, dpi, strict=True))
