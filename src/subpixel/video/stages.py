"""Steps that a plane or picture goes through on its way to the result's size. Each remembers the last frame."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from subpixel.engines import Levels, SampleRunner
from subpixel.pipeline import cut_tile
from subpixel.plan import Pass
from subpixel.tile import Clock, Network, TileWork, keep_flat
from subpixel.types import Size
from subpixel.video.levels import from_y, to_y
from subpixel.video.reuse import Part, Parts

Array = NDArray[Any]


@dataclass(slots=True)
class Share:
    """How much of the networks' work was taken from the last frame, in pixels of input."""

    computed: int = 0
    total: int = 0


class Stage(Protocol):
    """One step."""

    def __call__(self, now: Array) -> Array:
        """(C, h, w) → (C, H, W). The result is read-only for the caller: it may be given again."""
        ...

    def forget(self) -> None:
        """Compute the next frame without a look at the last one."""
        ...


class Work(Protocol):
    """What is done to one tile."""

    halo: int

    def __call__(self, tile: Array, out: Array) -> None:
        """(C, h + 2·halo, w + 2·halo) → `out` (C, scale·h, scale·w), which may be smaller right and below."""
        ...


class Tiled:
    """A network, tile by tile, on what is new in a frame.

    Args:
        step: the plan of the pass.
        align: of the network.
        work: done to every tile.
        blank: makes memory for a result: (C, H, W).
        pool: computes tiles.
        share: where reuse is counted; None: everything is computed.
    """

    def __init__(
        self,
        step: Pass,
        align: int,
        work: Work,
        blank: Callable[[], Array],
        pool: ThreadPoolExecutor,
        share: Share | None,
    ) -> None:
        self._step, self._work, self._blank, self._pool, self._share = step, work, blank, pool, share
        self._align = align
        self._parts = Parts(step.tiles, step.source, work.halo, align)
        self._last: tuple[Array, Array] | None = None

    def forget(self) -> None:
        """See `Stage`."""
        self._last = None

    def __call__(self, now: Array) -> Array:
        """See `Stage`."""
        scale, parts = self._step.model.scale, self._parts.tiles
        if self._last is not None and self._last[0].dtype == now.dtype:
            parts = self._parts.changed(now, self._last[0])
        if self._share is not None:
            self._share.total += self._step.source.pixels
            self._share.computed += min(sum(part.pixels for part in parts), self._step.source.pixels)
        if not parts and self._last is not None:
            return self._last[1]
        made = self._blank()
        if self._last is not None and parts is not self._parts.tiles:
            np.copyto(made, self._last[1])
        halo, height = self._work.halo, self._step.source.height

        def one(part: Part) -> None:
            tile = cut_tile(now, 0, height, part.rows, part.columns, halo, self._align)
            rows = slice(part.rows.start * scale, part.rows.stop * scale)
            self._work(tile, made[:, rows, part.columns.start * scale : part.columns.stop * scale])

        for _ in self._pool.map(one, parts):
            pass
        if self._share is not None:
            self._last = (now.copy(), made)
        return made


class Resampled:
    """Antialiased bicubic of a whole frame, unless it is the last one again."""

    def __init__(self, target: Size, work: Callable[[Array, Size], Array], reuse: bool) -> None:
        self._target, self._work, self._reuse = target, work, reuse
        self._last: tuple[Array, Array] | None = None

    def forget(self) -> None:
        """See `Stage`."""
        self._last = None

    def __call__(self, now: Array) -> Array:
        """See `Stage`."""
        if self._last is not None and np.array_equal(now, self._last[0]):
            return self._last[1]
        made = self._work(now, self._target)
        if self._reuse:
            self._last = (now.copy(), made)
        return made


class SampleWork:
    """Luma of 8 bits through a network that takes samples as they are."""

    def __init__(self, network: Network, run: SampleRunner, clock: Clock) -> None:
        self.halo = network.margin
        self._network, self._run, self._clock = network, run, clock

    def __call__(self, tile: Array, out: Array) -> None:
        """See `Work`."""
        network = self._network
        started = time.perf_counter()
        self._run(np.ascontiguousarray(tile)[None], out[0], self.halo * network.scales[0])
        ready = time.perf_counter()
        if network.keeps_flat and network.halo:
            spare = self.halo - network.halo
            small = tile[:, spare : tile.shape[1] - spare, spare : tile.shape[2] - spare]
            keep_flat((out,), small, network.scales, network.halo)
        self._clock.add(network=ready - started, other=time.perf_counter() - ready)


class LumaWork:
    """Luma through a network in floats.

    Args:
        network: the network.
        clock: where seconds of work are added.
        before: what its input's samples mean; None: it is Y already.
        after: what its result's samples should mean; None: it stays Y, float32.
        top: the largest sample of the result.
    """

    def __init__(self, network: Network, clock: Clock, before: Levels | None, after: Levels | None, top: int) -> None:
        self._tile = TileWork(network, clock)
        self.halo = self._tile.halo
        self._before, self._after, self._top = before, after, top

    def __call__(self, tile: Array, out: Array) -> None:
        """See `Work`."""
        (large,) = self._tile.luma(tile if self._before is None else to_y(tile, self._before))
        large = large[:, : out.shape[1], : out.shape[2]]
        if self._after is None:
            np.clip(large, np.float32(0), np.float32(1), out=out)
        else:
            from_y(large, self._after, out, self._top)


class PictureWork:
    """A picture's channels through a network, exactly as `Upscaler` does it."""

    def __init__(self, network: Network, clock: Clock, alpha: bool) -> None:
        self._tile = TileWork(network, clock)
        self.halo = self._tile.halo
        self._alpha = alpha

    def __call__(self, tile: Array, out: Array) -> None:
        """See `Work`: integer samples, or float32 in 0–1."""
        floats = tile
        if tile.dtype != np.float32:
            floats = np.ascontiguousarray(tile, dtype=np.float32)
            floats *= np.float32(1 / np.iinfo(tile.dtype).max)
        self._tile(floats, self._alpha, [np.moveaxis(out, 0, 2)])
