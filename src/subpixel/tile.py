"""What happens to one tile: colour into what the network sees, the network, and back, into rounded samples."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from subpixel.engines import Runner
from subpixel.errors import ModelDamaged
from subpixel.image.colour import grey_to_y, rgb_to_y, rgb_to_ycbcr, y_to_grey, ycbcr_to_rgb
from subpixel.image.resample import resize
from subpixel.types import Planes


@dataclass(slots=True)
class Clock:
    """Seconds of work, summed over threads."""

    network: float = 0.0
    other: float = 0.0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, *, network: float = 0.0, other: float = 0.0) -> None:
        """Add seconds of work."""
        with self._lock:
            self.network += network
            self.other += other


@dataclass(frozen=True, slots=True)
class Network:
    """A loaded network and what it expects.

    Attributes:
        name: of its model.
        run: the engine's runner.
        scale: factor.
        halo: receptive radius, input pixels.
        colour: ``"y"`` or ``"rgb"``.
        value_range: what 0 and 1 become at its input and output.
        chroma: runner of the bicubic network of the same scale; None where there is none (another way is used then).
        keeps_flat: True for networks that only enlarge: of one flat colour they should make the same flat colour.
    """

    name: str
    run: Runner
    scale: int
    halo: int
    colour: str
    value_range: tuple[float, float]
    chroma: Runner | None = None
    keeps_flat: bool = True


_CACHED = 65_536  # samples of a plane that colour conversion works on at once; measured, ×2.5 quicker than all

_ALPHA_REACH = 1
"""Alpha is held flat right up to its edges: networks ring there, and what is behind an opaque area must not show."""

CHROMA_HALO = 2
"""Receptive radius of bicubic enlargement, input pixels."""


def store(planes: Planes, out: NDArray[np.generic]) -> None:
    """Clip `planes` (channels, h, w) to 0–1 and write them to `out`.

    `out` is either float32 (channels, h, w), or integer pixels (h, w, channels), which are rounded to nearest.
    """
    if out.dtype == np.float32:
        np.clip(planes, 0.0, 1.0, out=out)
        return
    top = np.float32(255 if out.dtype == np.uint8 else 65_535)
    for index, plane in enumerate(planes):
        scaled = plane * top
        scaled += np.float32(0.5)
        np.clip(scaled, 0.0, top, out=scaled)
        out[:, :, index] = scaled


def _crop(planes: Planes, border: int) -> Planes:
    """`planes` without `border` samples on every side."""
    return planes[..., border : planes.shape[-2] - border, border : planes.shape[-1] - border]


def _as_it_is(planes: Sequence[NDArray[np.float32]]) -> Planes:
    """Planes as one array."""
    return np.stack(planes)


def _y_as_grey(planes: Sequence[NDArray[np.float32]]) -> Planes:
    """One plane of Y as one plane of grey."""
    return y_to_grey(planes[0])[None]


class TileWork:
    """What is done to one tile: colour into what the network sees, the network, and back."""

    def __init__(self, network: Network, clock: Clock) -> None:
        self.network = network
        self.clock = clock
        self.halo = max(network.halo, CHROMA_HALO)

    def __call__(self, tile: Planes, alpha: bool, out: NDArray[np.generic]) -> None:
        """Enlarge `tile` (channels, h + 2·halo, w + 2·halo) into `out`, which `store` describes."""
        started = time.perf_counter()
        colour = tile[:-1] if alpha else tile
        planes: Sequence[NDArray[np.float32]] | Planes
        back: Callable[[Sequence[NDArray[np.float32]]], Planes]
        if self.network.colour == "rgb":
            planes, spent = self._rgb(colour)
            back = _as_it_is
        elif colour.shape[0] == 1:
            planes, spent = self._scaled(grey_to_y(colour))
            back = _y_as_grey
        else:
            planes, spent = self._y_and_chroma(colour)
            back = ycbcr_to_rgb
        mask = None
        if alpha:
            mask, more = self._mask(tile[-1:])
            spent += more
        height, width = planes[0].shape
        # Colour and rounding pass over the samples some thirty times: few rows at once, so that they stay in the cache.
        rows = max(1, _CACHED // width)
        for top in range(0, height, rows):
            part = slice(top, top + rows)
            made = back([plane[part] for plane in planes])
            if mask is not None:
                made = np.concatenate((made, mask[:, part]))
            store(made, out[part] if out.dtype != np.float32 else out[:, part])
        self.clock.add(network=spent, other=time.perf_counter() - started - spent)

    def _run(self, run: Runner, batch: Planes, halo: int, spare: int) -> tuple[Planes, float]:
        """Run on (N, C, h, w) whose border is `spare` wider than needed; cut the enlarged `halo` off the result."""
        ready = np.ascontiguousarray(_crop(batch, spare))
        started = time.perf_counter()
        result = run(ready)
        spent = time.perf_counter() - started
        wanted = (*ready.shape[:2], *(side * self.network.scale for side in ready.shape[2:]))
        if result.shape != wanted:
            raise ModelDamaged(
                f"the network {self.network.name} makes {_sides(result)} of {_sides(ready)}, not what its card says",
                "correct scale and colour in card.toml",
            )
        return _crop(result, halo * self.network.scale), spent

    def _scaled(self, planes: Planes, reach: int | None = None) -> tuple[Planes, float]:
        """The network on (C, h, w) in 0–1, its value range applied on the way in and out.

        What is flat within `reach` pixels (None: as far as the network sees) stays exactly what it is.
        """
        halo = self.network.halo
        low, high = self.network.value_range
        plain = (low, high) == (0.0, 1.0)
        batch = planes[None] if plain else planes[None] * np.float32(high - low) + np.float32(low)
        result, spent = self._run(self.network.run, batch, halo, self.halo - halo)
        big = result[0] if plain else (result[0] - np.float32(low)) / np.float32(high - low)
        reach = halo if reach is None else reach
        if self.network.keeps_flat and reach > 0:
            keep_flat(big, _crop(planes, self.halo - reach), self.network.scale, reach)
        return big, spent

    def _rgb(self, colour: Planes, reach: int | None = None) -> tuple[Planes, float]:
        grey = colour.shape[0] == 1
        big, spent = self._scaled(np.repeat(colour, 3, axis=0) if grey else colour, reach)
        return (y_to_grey(rgb_to_y(big)) if grey else big), spent

    def _y_and_chroma(self, colour: Planes) -> tuple[Sequence[NDArray[np.float32]], float]:
        """Y by the network, Cb and Cr bicubically: three planes."""
        ycbcr = rgb_to_ycbcr(colour)
        y, spent = self._scaled(ycbcr[:1])
        scale = self.network.scale
        spare = self.halo - CHROMA_HALO
        if self.network.chroma is not None:
            chroma, more = self._run(self.network.chroma, ycbcr[1:, None], CHROMA_HALO, spare)
            spent += more
            return (y[0], chroma[0, 0], chroma[1, 0]), spent
        small = _crop(ycbcr[1:], spare)
        chroma = _crop(resize(small, small.shape[1] * scale, small.shape[2] * scale), CHROMA_HALO * scale)
        return (y[0], chroma[0], chroma[1]), spent

    def _mask(self, alpha: Planes) -> tuple[Planes, float]:
        """Alpha through the same network, as a grey picture; areas of one value need no network."""
        first = alpha[0, 0, 0]
        if first in (0.0, 1.0) and (alpha == first).all():
            size = (1, *((n - 2 * self.halo) * self.network.scale for n in alpha.shape[1:]))
            return np.full(size, first, np.float32), 0.0
        if self.network.colour == "rgb":
            return self._rgb(alpha, _ALPHA_REACH)
        big, spent = self._scaled(grey_to_y(alpha), _ALPHA_REACH)
        return y_to_grey(big), spent


def keep_flat(big: Planes, small: Planes, scale: int, reach: int) -> None:
    """Where a picture is flat, make its enlargement exactly as flat, in place.

    A network leaves white at 254 here and there. Where all pixels within `reach` are equal in every channel, there is
    only one right answer, and white stays white however often it is enlarged.

    Args:
        big: enlarged, (C, scale·h, scale·w).
        small: what it was made from, (C, h + 2·reach, w + 2·reach).
        scale: factor.
        reach: how far to look, pixels of `small`.
    """
    window = 2 * reach + 1
    least = _sliding(np.minimum, _sliding(np.minimum, small, window, 1), window, 2)
    most = _sliding(np.maximum, _sliding(np.maximum, small, window, 1), window, 2)
    flat = (least == most).all(axis=0)
    if not flat.any():
        return
    where = flat.repeat(scale, axis=0).repeat(scale, axis=1)
    for plane, value in zip(big, least, strict=True):
        np.copyto(plane, value.repeat(scale, axis=0).repeat(scale, axis=1), where=where)


def _sliding(extreme: np.ufunc, planes: Planes, window: int, axis: int) -> Planes:
    """Minimum or maximum over `window` neighbours along an axis, which gets shorter by window − 1.

    By doubling: two windows of n give one of 2n.
    """
    span = 1
    while span < window:
        step = min(span, window - span)
        length = planes.shape[axis] - step
        before, after = [slice(None)] * 3, [slice(None)] * 3
        before[axis], after[axis] = slice(0, length), slice(step, step + length)
        planes = extreme(planes[tuple(before)], planes[tuple(after)])
        span += step
    return planes


def _sides(batch: Planes) -> str:
    return "×".join(str(side) for side in batch.shape[1:])
