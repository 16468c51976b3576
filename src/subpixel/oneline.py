"""`subpixel.upscale`: one picture, one line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

from subpixel.types import Picture, Quality
from subpixel.upscaler import File, Kind, Upscaler, targets_of
from subpixel.zoo import DEFAULT_QUALITY


@overload
def upscale(
    x: File,
    *,
    scale: float | None = ...,
    width: int | None = ...,
    height: int | None = ...,
    model: str | Path | None = ...,
    quality: Quality = ...,
    restore: bool | None = ...,
) -> Picture: ...
@overload
def upscale(
    x: File,
    *,
    scales: Sequence[float],
    model: str | Path | None = ...,
    quality: Quality = ...,
    restore: bool | None = ...,
) -> tuple[Picture, ...]: ...
@overload
def upscale(
    x: Kind,
    *,
    scale: float | None = ...,
    width: int | None = ...,
    height: int | None = ...,
    model: str | Path | None = ...,
    quality: Quality = ...,
    restore: bool | None = ...,
) -> Kind: ...
@overload
def upscale(
    x: Kind,
    *,
    scales: Sequence[float],
    model: str | Path | None = ...,
    quality: Quality = ...,
    restore: bool | None = ...,
) -> tuple[Kind, ...]: ...
def upscale(
    x: Any,
    *,
    scale: float | None = None,
    scales: Sequence[float] | None = None,
    width: int | None = None,
    height: int | None = None,
    model: str | Path | None = None,
    quality: Quality = DEFAULT_QUALITY,
    restore: bool | None = None,
) -> Any:
    """Make one picture larger; see `Upscaler` and `Upscaler.upscale`. For many pictures, keep an `Upscaler`."""
    targets = targets_of(scale, scales, width, height)
    with Upscaler(model, quality=quality, restore=restore) as upscaler:
        made = upscaler.in_kind(x, targets)
    return made[0] if scales is None else made
