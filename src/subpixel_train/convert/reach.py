"""How far a network sees, measured: what the halo of its tiles has to be.

Two measurements. The first is exact where a network sees less than `EXACT` pixels: the derivative of the result with
respect to one column of the picture is zero, truly zero, beyond its reach. The second is for networks that see further,
some of them the whole picture: half of a long picture is replaced, and the result is compared at every distance from
the seam. What tiles get wrong is what is left of that beyond their halo.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd import forward_ad

Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""(1, C, H, W) → (1, C, scale·H, scale·W)."""

EXACT: Final = 64
"""Largest halo, in input pixels, that is given to a network so that its tiles never show."""
FAR: Final = 128
"""Largest halo that is given to a network whose tiles may show."""
UNSEEN: Final = 0.25 / 255
"""A difference that no rounding makes visible but seldom: a quarter of an 8-bit level."""
NOTHING: Final = 1e-6
"""What the order of summation changes; more than that is a change."""

LARGEST: Final = 64
"""Largest step, in input pixels, in which a network may treat places alike."""

_SIGHT: Final = 256  # distance from the seam up to which results are compared


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a network sees.

    Attributes:
        halo: input pixels that tiles should overlap by, in each direction; a multiple of `align`.
        exact: True where nothing further away changes a result.
        seam: largest difference of a result with what is further away replaced, in 0–1; 0 where exact.
        endless: True where what is far away matters as much as what is near: attention or pooling over all.
        beyond: largest change of a result with what is this far away or further replaced; distance 1 first.
    """

    halo: int
    exact: bool
    seam: float = 0.0
    endless: bool = False
    beyond: tuple[float, ...] = ()

    @property
    def levels(self) -> float:
        """`seam` in levels of 8 bits."""
        return min(self.seam, 1.0) * 255

    def at(self, halo: int) -> Reach:
        """The same network with a halo that somebody chose."""
        if self.exact and halo >= self.halo:
            return replace(self, halo=halo)
        return replace(self, halo=halo, exact=False, seam=self.beyond[min(halo, len(self.beyond) - 1)])


def measure(network: nn.Module, run: Run, channels: int, scale: int, align: int = 1, least: int = 1) -> Reach:
    """The halo of a PyTorch network.

    Args:
        network: (N, C, H, W) → (N, C, scale·H, scale·W).
        run: the same with arrays.
        channels: C.
        scale: factor.
        align: H and W have to be multiples of it.
        least: least H and W.
    """
    try:
        reach = structural(network, channels, scale, align, least)
    except (NotImplementedError, RuntimeError):  # no derivative: what cannot be derived can still be run
        return observe(run, channels, scale, align, least)
    curve = influence(run, channels, scale, align, least)
    # A derivative follows the largest of pooled values alone, and what was smaller may become the largest.
    return _judged(curve, None if reach is None else max(reach, _last_change(curve)), align)


def observe(run: Run, channels: int, scale: int, align: int = 1, least: int = 1) -> Reach:
    """The halo of a network that can only be run. Exact where nothing further away changes a measured result."""
    curve = influence(run, channels, scale, align, least)
    return _judged(curve, _last_change(curve), align)


def _last_change(curve: NDArray[np.float64]) -> int:
    """The largest distance at which anything changed."""
    changed = np.flatnonzero(curve > NOTHING)
    return int(changed[-1]) + 1 if changed.size else 0


def structural(network: nn.Module, channels: int, scale: int, align: int = 1, least: int = 1) -> int | None:
    """How far a change of `align` neighbouring rows or columns, a whole window, reaches beyond them.

    Tiles start between windows, so this is what their halo has to be.

    Returns:
        Input pixels; None where it is more than `EXACT`.

    Raises:
        RuntimeError: PyTorch has no derivative of something in the network.
    """
    limit = _up(EXACT, align)
    short = _up(max(least, 8), align)
    start, stop = limit + align, limit + 2 * align
    length = stop + limit + align
    furthest = 0
    generator = torch.Generator().manual_seed(0)
    for upright in (False, True) * 2:
        x = torch.rand(1, channels, *((length, short) if upright else (short, length)), generator=generator)
        result = _derivative(network, x, slice(start, stop), upright, generator)
        touched = result.abs().amax(dim=(0, 1, 3) if upright else (0, 1, 2)).nonzero().flatten() // scale
        if touched.numel() == 0:
            return None
        furthest = max(furthest, int(touched.max()) - (stop - 1), start - int(touched.min()))
    return furthest if furthest <= EXACT else None


def _derivative(network: nn.Module, x: Tensor, window: slice, upright: bool, generator: torch.Generator) -> Tensor:
    """How the result changes with some rows or columns of `x`, by forward-mode differentiation: zeros stay zeros."""
    # Large and of both signs: nothing cancels, and nothing that is passed on many times gets lost.
    tangent = torch.zeros_like(x)
    column = (..., window, slice(None)) if upright else (..., window)
    tangent[column] = torch.randn(tangent[column].shape, generator=generator) * 1e12
    with torch.no_grad(), forward_ad.dual_level():
        dual = forward_ad.make_dual(x, tangent)  # type: ignore[no-untyped-call]
        result: Tensor | None = forward_ad.unpack_dual(network(dual)).tangent  # type: ignore[no-untyped-call]
    return torch.zeros(1, 1, 1, 1) if result is None else result


def steps(run: Run, channels: int, scale: int, align: int = 1, least: int = 1) -> int:
    """In which steps a network treats places alike: the least multiple of `align` by which a picture may be shifted.

    Networks with windows or strides that say nothing of them are found out this way. Where even shifts by `LARGEST`
    change the result a little, as with pooling over the whole picture, the least shift that changes it no more counts.
    """
    candidates = [align * factor for factor in (1, 2, 4, 8, 16, 32, 64) if align * factor <= max(align, LARGEST)]
    length, margin = _up(320, candidates[-1]), 96
    picture = _noise(np.random.default_rng(1), channels, _up(max(least, 16), align), length + candidates[-1])
    first = run(np.ascontiguousarray(picture[..., :length]))

    def change(shift: int) -> float:
        other = run(np.ascontiguousarray(picture[..., shift : shift + length]))
        here = slice((margin + shift) * scale, (length - margin) * scale)
        there = slice(margin * scale, (length - margin - shift) * scale)
        return float(np.abs(first[..., here] - other[..., there]).max())

    goal = max(10 * NOTHING, 3 * change(candidates[-1]))
    return next((shift for shift in candidates[:-1] if change(shift) <= goal), candidates[-1])


def influence(run: Run, channels: int, scale: int, align: int = 1, least: int = 1) -> NDArray[np.float64]:
    """Largest change of a result at each distance from replaced pixels: (distance,), distance 1 first.

    Half of a picture of shapes and noise is replaced by white, by black and by other noise: what pools over the whole
    picture sees another mean, as it does in tiles.
    """
    short = _up(max(least, 16), align)
    seam = _up(_SIGHT, align)
    curve = np.zeros(seam)
    rng = np.random.default_rng(0)
    for upright in (False, True):
        picture = (_smooth(rng, channels, short, 2 * seam) + _noise(rng, channels, short, 2 * seam)) / np.float32(2)
        wanted = _turned(run(_turned(picture, upright)), upright)
        for other in (1.0, 0.0, _noise(rng, channels, short, seam)):
            changed = picture.copy()
            changed[..., :seam] = other
            made = _turned(run(_turned(changed, upright)), upright)
            change = np.abs(made - wanted)[..., seam * scale :].max(axis=(0, 1, 2))
            curve = np.maximum(curve, change.reshape(-1, scale).max(axis=1))
    return curve


def _judged(curve: NDArray[np.float64], reach: int | None, align: int) -> Reach:
    """The halo for what `influence` measured; `reach`: where the network's sight ends, None: further than `EXACT`."""
    beyond = np.maximum.accumulate(curve[::-1])[::-1]  # largest change at this distance or further
    told = tuple(float(change) for change in beyond)
    if reach is not None and reach <= EXACT:
        return Reach(_up(reach, align), exact=True, beyond=told)
    endless = told[-align - 1] > NOTHING and told[-align - 1] > 0.25 * told[FAR // 2]
    # A seam that nobody sees, or one that wider overlap hardly makes smaller.
    goal = max(UNSEEN, 1.25 * told[FAR])
    halo = _up(max(16, int(np.flatnonzero(beyond <= goal)[0])), align)
    return Reach(halo, exact=False, endless=endless, beyond=told).at(halo)


def _up(length: int, align: int) -> int:
    return -(-length // align) * align


def _turned(x: NDArray[np.float32], upright: bool) -> NDArray[np.float32]:
    return np.ascontiguousarray(x.swapaxes(2, 3)) if upright else x


def _noise(rng: np.random.Generator, channels: int, height: int, width: int) -> NDArray[np.float32]:
    return rng.random((1, channels, height, width), np.float32)


def _smooth(rng: np.random.Generator, channels: int, height: int, width: int) -> NDArray[np.float32]:
    """Waves of all lengths with edges, in 0–1."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    made = np.zeros((1, channels, height, width), np.float32)
    for channel in range(channels):
        for length in (3, 7, 17, 41, 97):
            angle, phase = rng.uniform(0, np.pi), rng.uniform(0, 2 * np.pi)
            made[0, channel] += np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / length + phase)
    made = (made / 6 + 0.5).astype(np.float32)
    made[..., (x.astype(int) // 29 + y.astype(int) // 13) % 3 == 0] *= 0.5
    return np.clip(made, 0.0, 1.0).astype(np.float32)
