"""Which networks run in which order, over which tiles, and what that will cost. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from subpixel.plan.target import Target
from subpixel.plan.tiles import TileGrid, TileLimits, align_up, balanced_grid, tile_limits
from subpixel.types import Size

_STRETCH = 1.01
"""No pass is added for the last 1%: the final resampling may enlarge by that much."""

_MAX_PASSES = 4  # ×2 four times is 16
_FILL_BYTES = 56  # per pixel in work, measured
_FILL_ROWS = 400  # rows in work
_FILL_BASE = 100_000_000  # what is seen from afar, as a whole
_BEGINNING = 16_000_000  # pixels of a stream that are held until it is judged
_STREAM_ROWS = 1300  # rows of a stream in work, with the copies that joining strips makes
_STRIP_PIXELS = 20_000_000  # most of a strip of results, of which up to four are on their way to the file
_LEAST_ROWS = 48  # of tiles of very wide pictures: flatter ones would be little but halo
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
        align: tiles start at multiples of so many input pixels, and are computed with such sides.
        fold: how often the network runs over every tile: 8 for the mean over all flips and transpositions.
        also: smaller factors whose results the same run of the network gives.
    """

    name: str
    scale: int
    halo: int
    work: int = 0
    activations: int = 128
    align: int = 1
    also: tuple[int, ...] = ()
    fold: int = 1

    @property
    def scales(self) -> tuple[int, ...]:
        """Factors of all results, rising."""
        return (*self.also, self.scale)

    @property
    def margin(self) -> int:
        """What is computed beyond each side of a tile: the halo, up to the next multiple of `align`."""
        return align_up(self.halo, self.align)

    @property
    def pixel_bytes(self) -> int:
        """Rough memory per pixel of a tile in work."""
        return 4 * (self.activations + 12 * sum(scale**2 for scale in self.scales))


@dataclass(frozen=True, slots=True)
class Pass:
    """One network over one picture; at most `workers` tiles are in work at a time."""

    model: PassModel
    source: Size
    tiles: TileGrid
    workers: int

    @property
    def target(self) -> Size:
        """Size after the pass; the largest where it gives several results."""
        return self.source.times(self.model.scale)

    @property
    def computed(self) -> int:
        """Input pixels that go through the network, halos included."""
        halo, align = 2 * self.model.margin, self.model.align
        rows = sum(align_up(span.length, align) + halo for span in self.tiles.rows)
        columns = sum(align_up(span.length, align) + halo for span in self.tiles.columns)
        return rows * columns

    @property
    def overhead(self) -> float:
        """How much more is computed than the picture has pixels: 1.1 is 10% for halos."""
        return self.computed / self.source.pixels

    @property
    def macs(self) -> int:
        """Multiply-adds, halos included."""
        return self.computed * self.model.work


@dataclass(frozen=True, slots=True)
class Plan:
    """How one picture is made: `passes` in order, then one antialiased resampling if `resample`.

    Attributes:
        source: size of the picture.
        target: size of the result; of the largest where there are several.
        passes: the networks.
        also: sizes of smaller results that the last pass gives beside the largest, rising.
    """

    source: Size
    target: Size
    passes: tuple[Pass, ...]
    also: tuple[Size, ...] = ()

    @property
    def targets(self) -> tuple[Size, ...]:
        """Sizes of all results, rising."""
        return (*self.also, self.target)

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

    def memory(
        self,
        *,
        threads: int,
        channels: int,
        sample_bytes: int,
        frames: int = 1,
        alpha: bool = False,
        held: bool = True,
        beside: int | None = None,
    ) -> int:
        """Rough peak memory in bytes: runtime, the picture and its result, strips between passes, tiles in work.

        Results that are not `held` go to their files as they are made. A picture that is read in strips holds its
        beginning, and what its decoder holds `beside`; None: it is in memory.
        """
        results = sum(size.pixels for size in self.targets) if held else 0
        rows, width = self.source.height, self.source.width
        source = self.source.pixels if beside is None else min(self.source.pixels, _BEGINNING + _STREAM_ROWS * width)
        pictures = frames * channels * sample_bytes * (source + results) + (beside or 0)
        # What hides under transparent pixels is filled in strips of float32, with a pyramid beside them.
        working = _FILL_BYTES * min(rows, _FILL_ROWS) * width + min(_FILL_BASE, 20 * self.source.pixels) if alpha else 0
        for step in self.passes:
            largest = step.tiles.largest
            halo, align = 2 * step.model.margin, step.model.align
            tile = (align_up(largest.width, align) + halo) * (align_up(largest.height, align) + halo)
            working += min(threads, step.workers) * tile * step.model.pixel_bytes
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
    """The scales whose product reaches `factor` (within 1%): as few as can be, then as near, then the cheapest.

    Few, because a network learnt its own factor from pictures, and the next one gets what this one made of them. Near,
    because what reaches further is thrown away again. Small scales come first where the product allows, because every
    later pass works on more pixels.

    Args:
        factor: enlargement wanted; up to 1.01 needs no pass.
        work: multiply-adds per input pixel for every scale there is.
    """
    if factor <= _STRETCH:
        return ()
    usable = tuple(sorted(scale for scale in work if scale > 1))
    for length in range(1, _MAX_PASSES + 1):
        best: tuple[int, float, tuple[int, ...]] | None = None
        for sequence in _sequences(usable, length):
            reach, cost = 1, 0.0
            for scale in sequence:
                cost += reach * reach * max(1, work[scale])
                reach *= scale
            if reach * _STRETCH >= factor and (best is None or (reach, cost, sequence) < best):
                best = (reach, cost, sequence)
        if best is not None:
            return best[2]
    return (max(usable),) * _MAX_PASSES if usable else ()  # as often as allowed; resampling does the rest


def make_plan(
    source: Size,
    wish: Target,
    models: Mapping[int, PassModel],
    *,
    later: Mapping[int, PassModel] | None = None,
    tile: int | None = None,
    threads: int = 1,
    room: int | None = None,
) -> Plan:
    """Plan the way from a picture of size `source` to what was asked for.

    Args:
        source: the picture's size.
        wish: the factor or size asked for.
        models: the model to use for each scale.
        later: the same for passes after the first; None: as the first.
        tile: largest side of a tile, input pixels; None: as fits each model, see `tile_limits`.
        threads: tiles computed side by side.
        room: bytes that tiles in work may take where `tile` is None; None: as many as they need.
    """
    passes: list[Pass] = []
    size = source
    for scale in choose_scales(wish.factor_for(source), {scale: model.work for scale, model in models.items()}):
        model = (later or models)[scale] if passes else models[scale]
        passes.append(_pass(model, size, tile, threads, room))
        size = size.times(scale)
    return Plan(source, wish.size_for(source), tuple(passes))


def _pass(model: PassModel, size: Size, tile: int | None, threads: int, room: int | None) -> Pass:
    tallest = max(_LEAST_ROWS, _STRIP_PIXELS // (size.width * model.scale**2))
    halo, align = model.margin, model.align
    if tile is None:
        limits = tile_limits(halo, pixel_bytes=model.pixel_bytes, threads=threads, room=room)
    else:
        limits = TileLimits.square(max(tile, align), halo=halo, workers=threads)
    return Pass(model, size, balanced_grid(size, limits, halo=halo, align=align, tallest=tallest), limits.workers)


def make_plans(
    source: Size,
    wishes: Sequence[Target],
    models: Mapping[int, PassModel],
    *,
    later: Mapping[int, PassModel] | None = None,
    tile: int | None = None,
    threads: int = 1,
    room: int | None = None,
) -> tuple[Plan, ...]:
    """Plans that together make everything that was asked for; what one network gives in one run is one plan.

    Args: as `make_plan`; `models` names a model with several outputs at each of its scales.

    Returns:
        Plans whose `targets` are the sizes asked for, each once; in the order of the first wish that each fulfils.
    """
    plans: dict[Size, Plan] = {}
    for wish in wishes:
        plan = make_plan(source, wish, models, later=later, tile=tile, threads=threads, room=room)
        plans.setdefault(plan.target, plan)
    joint: dict[str | Size, list[Plan]] = {}
    for plan in plans.values():
        alone = len(plan.passes) != 1 or plan.resample
        joint.setdefault(plan.target if alone else plan.passes[0].model.name, []).append(plan)
    made = []
    for group in joint.values():
        *smaller, largest = sorted(group, key=lambda plan: plan.target.pixels)
        if smaller:
            model = replace(largest.passes[0].model, also=tuple(plan.passes[0].model.scale for plan in smaller))
            step = _pass(model, source, tile, threads, room)
            largest = replace(largest, passes=(step,), also=tuple(plan.target for plan in smaller))
        made.append(largest)
    return tuple(made)
