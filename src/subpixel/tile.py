"""What happens to one tile: colour into what the network sees, the network, and back, into rounded samples."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from subpixel.engines import Runner
from subpixel.errors import ModelDamaged
from subpixel.image import chroma
from subpixel.image.colour import grey_to_y, rgb_to_y, rgb_to_y_and_differences, y_and_differences_to_rgb, y_to_grey
from subpixel.image.kept import Kept
from subpixel.plan import align_up
from subpixel.types import Planes, Samples

Kind = TypeVar("Kind", bound=np.generic)


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
class Mending:
    """A loaded network that mends the colour of squeezed pictures at their own size: Y, R−G, B−G → R−G, B−G.

    Attributes:
        name: of it.
        run: the engine's runner.
        halo: receptive radius, input pixels.
    """

    name: str
    run: Runner
    halo: int


@dataclass(frozen=True, slots=True)
class Network:
    """A loaded network and what it expects.

    Attributes:
        name: of its model.
        run: the engine's runner.
        scales: factor of each result of the runner, rising.
        halo: receptive radius, input pixels.
        colour: ``"y"`` or ``"rgb"``.
        value_range: what 0 and 1 become at its input and output.
        align: its input starts at multiples of so many pixels of the picture, and has such sides.
        keeps_flat: True for networks that only enlarge: of one flat colour they should make the same flat colour, of
            grey they should make grey.
        mending: beside a network on luma: what mends the colour; None: it is enlarged as it is.
    """

    name: str
    run: Runner
    scales: tuple[int, ...]
    halo: int
    colour: str
    value_range: tuple[float, float]
    align: int = 1
    keeps_flat: bool = True
    mending: Mending | None = None

    @property
    def margin(self) -> int:
        """What it needs beyond each side of a tile: the halo, up to the next multiple of `align`."""
        return align_up(self.halo, self.align)

    def work(self, clock: Clock) -> TileWork:
        """What is done to a tile by it, timed by a clock."""
        return TileWork(self, clock)


_Results: TypeAlias = tuple[Planes, ...]
"""One result for each scale of a network."""
_Band: TypeAlias = tuple[int, Sequence[NDArray[np.float32]]]
_Bands: TypeAlias = Callable[[float], Iterator[_Band]]
"""Called with top: all rows of a result, some at a time: the first one's number and channels in 0–top, (rows, w) each,
which may be used up before the next are made. What is beyond the result, right and below, means nothing."""

_CACHED = 262_144
"""Samples of a plane that colour conversion works on at once. Fewer pay more for calls, more leave the cache: measured
from file to file, see docs/explanation/end-to-end.md."""
_MEMORY = Kept()

_ALPHA_REACH = 1
"""Alpha is held flat right up to its edges: networks ring there, and what is behind an opaque area must not show."""


def colour_halo(mending: Mending | None) -> int:
    """How far beyond a tile colour is looked at, input pixels."""
    return chroma.HALO + (mending.halo if mending else 0)


def top_of(out: NDArray[np.generic]) -> float:
    """What the most, 1, is in the samples of `out`."""
    return 1.0 if out.dtype == np.float32 else float(np.iinfo(out.dtype.str).max)


def as_planes(samples: Samples, memory: Kept | None = None) -> Planes:
    """Samples as files hold them as float32 in 0–1; what is float32 already, as it is.

    They are written into `memory` where there is any: the next call with the same overwrites them.
    """
    if samples.dtype == np.float32:
        return cast(Planes, samples)
    planes: Planes = (memory or Kept()).array("planes", samples.shape)
    np.copyto(planes, samples, casting="unsafe")
    planes *= np.float32(1 / np.iinfo(samples.dtype.str).max)
    return planes


def store(planes: Planes | Sequence[NDArray[np.float32]], out: NDArray[np.generic], scaled: bool = False) -> None:
    """Clip `planes` (channels, h, w) to 0–1 and write them to `out`.

    `out` is either float32 (channels, h, w), or integer pixels (h, w, channels), which are rounded to nearest; `scaled`
    planes are in the range of `out` already, and are used up.
    """
    if out.dtype == np.float32:
        for plane, into in zip(planes, out, strict=True):
            np.clip(plane, 0.0, 1.0, out=into)
        return
    top = np.float32(top_of(out))
    for index, plane in enumerate(planes):
        levels = plane if scaled else plane * top
        levels += np.float32(0.5)
        np.clip(levels, np.float32(0), top, out=levels)
        whole = _MEMORY.array("whole", levels.shape, out.dtype)
        np.copyto(whole, levels, casting="unsafe")
        out[:, :, index] = whole  # quicker in two steps


def _crop(planes: Planes, border: int) -> Planes:
    """`planes` without `border` samples on every side."""
    return planes[..., border : planes.shape[-2] - border, border : planes.shape[-1] - border]


def _rows(width: int) -> int:
    """Rows at once: colour and rounding pass over their samples some twenty times, which should be in the cache."""
    return max(1, _CACHED // width)


def _as_it_is(planes: Planes, top: float) -> Iterator[_Band]:
    rows = _rows(planes.shape[2])
    for start in range(0, planes.shape[1], rows):
        yield start, tuple(planes[:, start : start + rows] * np.float32(top))


def _grey(y: Planes, top: float) -> Iterator[_Band]:
    rows = _rows(y.shape[2])
    for start in range(0, y.shape[1], rows):
        grey = y_to_grey(y[:, start : start + rows])
        grey *= np.float32(top)
        yield start, tuple(grey)


def _coloured(y: Planes, differences: Planes, scale: int, top: float) -> Iterator[_Band]:
    """RGB from enlarged Y and differences of colour not yet enlarged, with a halo."""
    height, width = y.shape[1:]
    for start, large in chroma.LargeColour(differences, scale, top).bands(_rows(width)):
        stop = min(start + large.shape[1], height)
        rows = y[0, start:stop]
        yield start, y_and_differences_to_rgb(rows, large[:, : len(rows), :width], top, _MEMORY)


class TileWork:
    """What is done to one tile: colour into what the network sees, the network, and back."""

    def __init__(self, network: Network, clock: Clock) -> None:
        self.network = network
        self.clock = clock
        self.halo = align_up(max(network.margin, colour_halo(network.mending)), network.align)

    def __call__(self, samples: Samples, alpha: bool, outs: Sequence[NDArray[np.generic]]) -> None:
        """Enlarge a tile (channels, h + 2·halo, w + 2·halo) into `outs`, one for each scale, which `store` describes.

        h and w are multiples of the network's `align`; what an output has no room for, right and below, is dropped.
        """
        started = time.perf_counter()
        tile = as_planes(samples, _MEMORY)
        colour = tile[:-1] if alpha else tile
        results: Sequence[_Bands]
        if self.network.colour == "rgb":
            large, spent = self._rgb(colour)
            results = [partial(_as_it_is, planes) for planes in large]
        elif colour.shape[0] == 1:
            large, spent = self._scaled(grey_to_y(colour))
            results = [partial(_grey, y) for y in large]
        else:
            y, differences = rgb_to_y_and_differences(colour, _MEMORY)
            large, spent = self._scaled(y)
            differences, more = self._mended(y, differences)
            spent += more
            pairs = zip(large, self.network.scales, strict=True)
            results = [partial(_coloured, luma, differences, scale) for luma, scale in pairs]
        masks: Sequence[Planes | None] = [None] * len(outs)
        if alpha:
            masks, more = self._masks(tile[-1:])
            spent += more
        for bands, mask, out in zip(results, masks, outs, strict=True):
            _finish(bands, mask, out)
        self.clock.add(network=spent, other=time.perf_counter() - started - spent)

    def luma(self, y: Planes) -> tuple[Planes, ...]:
        """Enlarge Y as the network sees it, without colour and rounding.

        Args:
            y: (1, h + 2·halo, w + 2·halo), black 16/255, white 235/255.

        Returns:
            (1, scale·h, scale·w) for each scale.
        """
        started = time.perf_counter()
        large, spent = self._scaled(y)
        self.clock.add(network=spent, other=time.perf_counter() - started - spent)
        return large

    def _run(self, run: Runner, scales: Sequence[int], batch: Planes, halo: int, spare: int) -> tuple[_Results, float]:
        """Run on (N, C, h, w) whose border is `spare` wider than needed; cut the enlarged `halo` off the results."""
        ready = np.ascontiguousarray(_crop(batch, spare))
        started = time.perf_counter()
        results = run(ready)
        spent = time.perf_counter() - started
        for result, scale in zip(results, scales, strict=True):
            if result.shape != (*ready.shape[:2], *(side * scale for side in ready.shape[2:])):
                made = f"{_sides(result)} of {_sides(ready)}"
                raise ModelDamaged(
                    f"the network {self.network.name} makes {made}, not what its card says",
                    "correct scale, scales, colour and align in card.toml",
                )
        return tuple(_crop(result, halo * scale) for result, scale in zip(results, scales, strict=True)), spent

    def _scaled(self, planes: Planes, reach: int | None = None) -> tuple[_Results, float]:
        """The network on (C, h, w) in 0–1, its value range applied on the way in and out.

        What is flat within `reach` pixels (None: as far as the network sees) stays exactly what it is.
        """
        network = self.network
        low, high = network.value_range
        plain = (low, high) == (0.0, 1.0)
        batch = planes[None] if plain else planes[None] * np.float32(high - low) + np.float32(low)
        results, spent = self._run(network.run, network.scales, batch, network.margin, self.halo - network.margin)
        big = tuple(r[0] if plain else (r[0] - np.float32(low)) / np.float32(high - low) for r in results)
        reach = network.halo if reach is None else reach
        if network.keeps_flat and len(planes) == 3:
            keep_neutral(big, _crop(planes, self.halo - reach), network.scales, reach)
        if network.keeps_flat and reach > 0:
            keep_flat(big, _crop(planes, self.halo - reach), network.scales, reach)
        return big, spent

    def _rgb(self, colour: Planes, reach: int | None = None) -> tuple[_Results, float]:
        if colour.shape[0] == 3:
            return self._scaled(colour, reach)
        big, spent = self._scaled(np.repeat(colour, 3, axis=0), reach)
        if self.network.keeps_flat:  # grey went in, so grey is what came out already
            return tuple(planes[:1] for planes in big), spent
        return tuple(y_to_grey(rgb_to_y(planes)) for planes in big), spent

    def _mended(self, y: Planes, differences: Planes) -> tuple[Planes, float]:
        """Differences of colour with `chroma.HALO`, mended where there is a network for it.

        Where they are flat as far as it sees they stay what they are: grey stays grey.
        """
        mending = self.network.mending
        spare = self.halo - colour_halo(mending)
        seen = _crop(differences, spare)
        if mending is None:
            return seen, 0.0
        inside = _crop(seen, mending.halo)
        if not seen.any():
            return inside, 0.0
        batch = np.concatenate((_crop(y, spare), seen))[None]
        started = time.perf_counter()
        (result,) = mending.run(batch)
        spent = time.perf_counter() - started
        if result.shape != (1, 2, *seen.shape[1:]):
            raise ModelDamaged(
                f"the network {mending.name} makes {_sides(result)} of {_sides(batch)}, not two channels as large",
                "install the package again",
            )
        made = _crop(result[0], mending.halo)
        keep_flat([made], seen, (1,), mending.halo)
        return made, spent

    def _masks(self, alpha: Planes) -> tuple[_Results, float]:
        """Alpha through the same network, as a grey picture; areas of one value need no network."""
        first = alpha[0, 0, 0]
        if first in (0.0, 1.0) and (alpha == first).all():
            height, width = (side - 2 * self.halo for side in alpha.shape[1:])
            scales = self.network.scales
            return tuple(np.full((1, height * scale, width * scale), first, np.float32) for scale in scales), 0.0
        if self.network.colour == "rgb":
            return self._rgb(alpha, _ALPHA_REACH)
        big, spent = self._scaled(grey_to_y(alpha), _ALPHA_REACH)
        return tuple(map(y_to_grey, big)), spent


def _finish(bands: _Bands, mask: Planes | None, out: NDArray[np.generic]) -> None:
    """A result, alpha beside it, into `out`, some rows at a time."""
    height, width = out.shape[1:] if out.dtype == np.float32 else out.shape[:2]
    top = top_of(out)
    for start, planes in bands(top):
        stop = min(start + planes[0].shape[0], height)
        if start >= stop:
            break
        made = [plane[: stop - start, :width] for plane in planes]
        if mask is not None:
            made.append(mask[0, start:stop, :width] * np.float32(top))
        store(made, out[start:stop] if out.dtype != np.float32 else out[:, start:stop], scaled=True)


def keep_flat(bigs: Sequence[Planes], small: Planes, scales: Sequence[int], reach: int) -> None:
    """Where a picture is flat, make its enlargements exactly as flat, in place.

    A network leaves white at 254 here and there. Where all pixels within `reach` are equal in every channel, there is
    only one right answer, and white stays white however often it is enlarged.

    Args:
        bigs: enlarged, (C, scale·h, scale·w) for each scale.
        small: what they were made from, (C, h + 2·reach, w + 2·reach).
        scales: factors.
        reach: how far to look, pixels of `small`.
    """
    window = 2 * reach + 1
    # Every flat square holds one row of those that stand `window` apart, and flat there: most pictures have none.
    probe = small[:, window - 1 :: window]
    if not _sliding(np.logical_and, probe[..., 1:] == probe[..., :-1], window - 1, 2).all(axis=0).any():
        return
    least = _sliding(np.minimum, _sliding(np.minimum, small, window, 1), window, 2)
    most = _sliding(np.maximum, _sliding(np.maximum, small, window, 1), window, 2)
    flat = (least == most).all(axis=0)
    if not flat.any():
        return
    for big, scale in zip(bigs, scales, strict=True):
        where = _repeated(flat, scale)
        for plane, value in zip(big, least, strict=True):
            np.copyto(plane, _repeated(value, scale), where=where)


def keep_neutral(bigs: Sequence[Planes], small: Planes, scales: Sequence[int], reach: int) -> None:
    """Where a picture is grey, make its enlargements exactly grey, of their own luma, in place.

    A network on RGB leaves a faint tint on a scanned page. Where R = G = B in all pixels within `reach`, nothing in the
    picture says which; a grey picture then is the same result whether it is stored with one channel or three.

    Args: as `keep_flat`; C is 3.
    """
    neutral = (small[:1] == small[1:2]) & (small[1:2] == small[2:])
    if not neutral.any():
        return
    window = 2 * reach + 1
    neutral = _sliding(np.logical_and, _sliding(np.logical_and, neutral, window, 1), window, 2)[0]
    if not neutral.any():
        return
    for big, scale in zip(bigs, scales, strict=True):
        np.copyto(big, y_to_grey(rgb_to_y(big)), where=_repeated(neutral, scale))


def _repeated(plane: NDArray[Kind], scale: int) -> NDArray[Kind]:
    """Every sample `scale` times in both directions."""
    return plane.repeat(scale, axis=0).repeat(scale, axis=1)


def _sliding(extreme: np.ufunc, planes: NDArray[Kind], window: int, axis: int) -> NDArray[Kind]:
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
