"""Which networks run in which order, over which tiles, and what that will cost. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from subpixel.plan.target import Target
from subpixel.plan.tiles import DEFAULT_TILE, TileGrid, tile_grid
from subpixel.types import Size

_STRETCH = 1.01
"""No pass is added for the last 1%: the final resampling may enlarge by that much."""

_MAX_PASSES = 4  # ×2 four times is 16
_FILL_BYTES = 56  # per pixel, measured
_RUNTIME_BYTES = 150_000_000  # interpreter, libvips and engine, before any picture


@dataclass(frozen=True, slots=True)
class PassModel:
    """What planning needs to know of a model.

    Attributes:
        name: of the model.
        scale: its factor.
        halo: receptive radius, input pixels.
        work: multiply-adds per input pixel.
        activations: float32 values held per input pixel of a tile.
    """

    name: str
    scale: int
    halo: int
    work: int = 0
    activations: int = 128


@dataclass(frozen=True, slots=True)
class Pass:
    """One network over one picture."""

    model: PassModel
    source: Size
    tiles: TileGrid

    @property
    def target(self) -> Size:
        """Size after the pass."""
        return self.source.times(self.model.scale)

    @property
    def macs(self) -> int:
        """Multiply-adds, halos included."""
        halo = 2 * self.model.halo
        rows = sum(span.length + halo for span in self.tiles.rows)
        columns = sum(span.length + halo for span in self.tiles.columns)
        return rows * columns * self.model.work


@dataclass(frozen=True, slots=True)
class Plan:
    """How one picture is made: `passes` in order, then one antialiased resampling if `resample`."""

    source: Size
    target: Size
    passes: tuple[Pass, ...]

    @property
    def resample(self) -> bool:
        """True where the passes do not end at the target size."""
        return (self.passes[-1].target if self.passes else self.source) != self.target

    @property
    def tiles(self) -> int:
        """Number of tiles over all passes."""
        return sum(step.tiles.count for step in self.passes)

    def seconds(self, *, gflops: float, frames: int = 1) -> float:
        """Rough time of the networks on hardware that does `gflops` in all."""
        return frames * sum(2 * step.macs for step in self.passes) / (gflops * 1e9)

    def memory(self, *, threads: int, channels: int, sample_bytes: int, frames: int = 1, alpha: bool = False) -> int:
        """Rough peak memory in bytes: runtime, the picture and its result, strips between passes, tiles in work."""
        pictures = frames * channels * sample_bytes * (self.source.pixels + self.target.pixels)
        # Filling what hides under transparent pixels looks at the whole frame, in float32, with a pyramid beside it.
        working = _FILL_BYTES * self.source.pixels if alpha else 0
        for step in self.passes:
            largest = step.tiles.largest
            halo = 2 * step.model.halo
            tile = (largest.width + halo) * (largest.height + halo)
            values = step.model.activations + 12 * step.model.scale**2
            working += threads * tile * values * 4
            strip = largest.height * step.model.scale * step.target.width * channels
            working += 3 * strip * (sample_bytes if step is self.passes[-1] and not self.resample else 4)
        return _RUNTIME_BYTES + pictures + working


def _sequences(scales: tuple[int, ...], length: int) -> Iterator[tuple[int, ...]]:
    if length == 0:
        yield ()
        return
    for first in scales:
        for rest in _sequences(scales, length - 1):
            yield (first, *rest)


def choose_scales(factor: float, work: Mapping[int, int]) -> tuple[int, ...]:
    """The cheapest sequence of scales whose product reaches `factor` (within 1%).

    Small scales come first where the product allows, because every later pass works on more pixels.

    Args:
        factor: enlargement wanted; up to 1.01 needs no pass.
        work: multiply-adds per input pixel for every scale there is.
    """
    if factor <= _STRETCH:
        return ()
    usable = tuple(sorted(scale for scale in work if scale > 1))
    best: tuple[float, int, tuple[int, ...]] | None = None
    for length in range(1, _MAX_PASSES + 1):
        for sequence in _sequences(usable, length):
            reach, cost = 1, 0.0
            for scale in sequence:
                cost += reach * reach * max(1, work[scale])
                reach *= scale
            if reach * _STRETCH >= factor and (best is None or (cost, reach, sequence) < best):
                best = (cost, reach, sequence)
    if best is None:  # the largest there is, as often as allowed; resampling does the rest
        return (max(usable),) * _MAX_PASSES if usable else ()
    return best[2]


def make_plan(
    source: Size, wish: Target, models: Mapping[int, PassModel], *, tile: int = DEFAULT_TILE, threads: int = 1
) -> Plan:
    """Plan the way from a picture of size `source` to what was asked for.

    Args:
        source: the picture's size.
        wish: the factor or size asked for.
        models: the model to use for each scale.
        tile: largest side of a tile, input pixels.
        threads: tiles computed side by side.
    """
    passes: list[Pass] = []
    size = source
    for scale in choose_scales(wish.factor_for(source), {scale: model.work for scale, model in models.items()}):
        passes.append(Pass(models[scale], size, tile_grid(size, tile=tile, threads=threads)))
        size = size.times(scale)
    return Plan(source, wish.size_for(source), tuple(passes))
