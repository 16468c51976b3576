"""`subpixel.upscale`: one picture, one line."""

from __future__ import annotations

import time
from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import Any, overload

from subpixel.errors import SettingError
from subpixel.plan import targets_of
from subpixel.types import Picture, Quality
from subpixel.upscaler import File, Kind, Upscaler
from subpixel.zoo import DEFAULT_QUALITY


@overload
def upscale(
    x: File,
    *,
    scale: float | None = ...,
    width: int | None = ...,
    height: int | None = ...,
    model: str | Path | None = ...,
    quality: Quality | None = ...,
    restore: bool | None = ...,
    within: float | str | None = ...,
) -> Picture: ...
@overload
def upscale(
    x: File,
    *,
    scales: Sequence[float],
    model: str | Path | None = ...,
    quality: Quality | None = ...,
    restore: bool | None = ...,
    within: float | str | None = ...,
) -> tuple[Picture, ...]: ...
@overload
def upscale(
    x: Kind,
    *,
    scale: float | None = ...,
    width: int | None = ...,
    height: int | None = ...,
    model: str | Path | None = ...,
    quality: Quality | None = ...,
    restore: bool | None = ...,
    within: float | str | None = ...,
) -> Kind: ...
@overload
def upscale(
    x: Kind,
    *,
    scales: Sequence[float],
    model: str | Path | None = ...,
    quality: Quality | None = ...,
    restore: bool | None = ...,
    within: float | str | None = ...,
) -> tuple[Kind, ...]: ...
def upscale(
    x: Any,
    *,
    scale: float | None = None,
    scales: Sequence[float] | None = None,
    width: int | None = None,
    height: int | None = None,
    model: str | Path | None = None,
    quality: Quality | None = None,
    restore: bool | None = None,
    within: float | str | None = None,
) -> Any:
    """Make one picture larger; see `Upscaler` and `Upscaler.upscale`. For many pictures, keep an `Upscaler`.

    Args:
        x: an array, a Pillow image, a `Picture`, or a picture file, by its path or its bytes.
        scale: factor; 4 if nothing else is given.
        scales: several factors, in place of `scale`.
        width: width to fit inside.
        height: height to fit inside.
        model: a model's or family's name, or a path to one; None: by `quality`, or by `within`.
        quality: how much a better picture is worth; None: ``"balanced"``, or as `within` decides.
        restore: True or False: networks trained on squeezed pictures, or not; None: as the picture needs.
        within: seconds, or a text as ``"10s"`` or ``"2m"``: the best picture that fits them on this machine, whose
            speed is measured first.

    Raises:
        SettingError: both `quality` and `within`, or a time that cannot be right.
        SubpixelError: see `Upscaler.upscale`.
    """
    targets = targets_of(scale, scales, width, height)
    if within is None:
        with Upscaler(model, quality=DEFAULT_QUALITY if quality is None else quality, restore=restore) as upscaler:
            made = upscaler.in_kind(x, targets)
        return made[0] if scales is None else made
    if quality is not None:
        raise SettingError("both quality and within were given", "the time decides on the quality: give one")
    from subpixel import image
    from subpixel.within import best_upscaler, parse_time

    started = time.perf_counter()
    if isinstance(within, str):
        within = parse_time(within)
    if isinstance(within, bool) or not isinstance(within, Real) or not within > 0:
        raise SettingError(f"within is {within!r}", "give seconds, more than 0, as within=10, or a text as '2m'")
    picture, back = image.from_kind(x)
    with best_upscaler(picture, targets, float(within), model=model, restore=restore, started=started) as upscaler:
        made = tuple(back(one.picture) for one in upscaler.pictures(picture, targets))
    return made[0] if scales is None else made
