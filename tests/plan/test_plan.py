"""Planning: sizes, passes, tiles, estimates."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subpixel.errors import SettingError
from subpixel.plan import (
    PassModel,
    Target,
    TileGrid,
    TileLimits,
    balanced_grid,
    choose_scales,
    make_plan,
    make_plans,
    parse_size,
    spans,
    tile_limits,
)
from subpixel.types import Size

MODELS = {scale: PassModel(f"m-x{scale}", scale, halo=5, work=60_000) for scale in (2, 3, 4)}
WORK = {scale: model.work for scale, model in MODELS.items()}


@pytest.mark.parametrize(
    ("factor", "scales"),
    [
        (0.5, ()), (1, ()), (1.005, ()), (1.3, (2,)), (2, (2,)), (2.01, (2,)), (2.7, (3,)), (3, (3,)), (4, (4,)),
        (5, (2, 3)), (6, (2, 3)), (8, (2, 4)), (9, (3, 3)), (12, (3, 4)), (16, (4, 4)),
    ],
)  # fmt: skip
def test_passes_for_factor(factor: float, scales: tuple[int, ...]) -> None:
    assert choose_scales(factor, WORK) == scales


@given(st.floats(0.01, 16), st.sets(st.sampled_from([2, 3, 4]), min_size=1))
def test_passes_reach_every_factor(factor: float, available: set[int]) -> None:
    scales = choose_scales(factor, dict.fromkeys(available, 1000))
    reach = math.prod(scales)
    assert set(scales) <= available
    if factor <= 1.01:
        assert scales == ()
    else:
        assert reach * 1.01 >= factor
        assert all(reach // scale * 1.01 < factor for scale in scales), "no pass is superfluous"


def square_tiles(size: Size, tile: int, threads: int, align: int = 1) -> TileGrid:
    """As `--tile` cuts."""
    return balanced_grid(size, TileLimits.square(tile, halo=0, workers=threads), align=align)


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(16, 600), st.integers(1, 16))
def test_tiles_cover_the_picture_once(width: int, height: int, tile: int, threads: int) -> None:
    grid = square_tiles(Size(width, height), tile, threads)
    for axis, length in ((grid.columns, width), (grid.rows, height)):
        assert axis[0].start == 0
        assert axis[-1].stop == length
        assert all(before.stop == after.start for before, after in itertools.pairwise(axis))
        assert all(1 <= span.length <= tile for span in axis)
    assert grid.largest.width - min(span.length for span in grid.columns) <= 1


def test_a_network_of_that_factor_goes_before_two_cheap_passes() -> None:
    assert choose_scales(4, {2: 10_000, 4: 90_000}) == (4,)
    assert choose_scales(3, {2: 10_000, 4: 90_000}) == (4,)
    assert choose_scales(2, {2: 60_000, 4: 30_000}) == (2,), "nothing is made to be thrown away"


def test_small_pictures_are_cut_for_every_thread() -> None:
    assert square_tiles(Size(256, 256), 384, 2).count == 2
    assert square_tiles(Size(40, 40), 384, 8).count == 1, "halo would cost more than it gains"
    assert square_tiles(Size(1, 1), 384, 8).count == 1


def test_spans_are_near_equal() -> None:
    assert [span.length for span in spans(10, 3)] == [3, 3, 4]


@given(st.integers(1, 4000), st.integers(1, 4000), st.floats(0.01, 16))
def test_size_follows_factor(width: int, height: int, factor: float) -> None:
    size = Target(factor).size_for(Size(width, height))
    assert abs(size.width - width * factor) <= 1
    assert abs(size.height - height * factor) <= 1
    assert min(size.width, size.height) >= 1


def test_fit_inside_keeps_the_shape() -> None:
    assert Target(width=3840, height=2160).size_for(Size(640, 480)) == Size(2880, 2160)
    assert Target(width=1000).size_for(Size(500, 333)) == Size(1000, 666)
    assert Target(height=1000).size_for(Size(333, 500)) == Size(666, 1000)


@pytest.mark.parametrize("factor", [0, -1, 16.01, math.nan, math.inf, -math.inf])
def test_impossible_factor(factor: float) -> None:
    with pytest.raises(SettingError, match="the factor is"):
        Target(factor)


def test_impossible_sizes() -> None:
    with pytest.raises(SettingError, match="width is 0"):
        Target(width=0)
    with pytest.raises(SettingError, match="both a factor and a size"):
        Target(2, width=10)
    with pytest.raises(SettingError, match="at most 16 times"):
        Target(width=17_000).size_for(Size(1000, 1000))
    for text in ("", "3840", "x", "-3x4", "3.5x4", "wide"):
        with pytest.raises(SettingError, match="3840x2160"):
            parse_size(text)
    assert parse_size(" 3840×2160 ") == (3840, 2160)


def test_plan_with_resampling() -> None:
    plan = make_plan(Size(640, 427), Target(2.7), MODELS, tile=256, threads=2)
    assert plan.target == Size(1728, 1153)
    assert [step.model.name for step in plan.passes] == ["m-x3"]
    assert plan.passes[0].target == Size(1920, 1281)
    assert plan.resample
    assert plan.tiles == 6


def test_plan_without_resampling() -> None:
    plan = make_plan(Size(33, 21), Target(12), MODELS)
    assert [step.model.scale for step in plan.passes] == [3, 4]
    assert plan.passes[-1].target == plan.target == Size(396, 252)
    assert not plan.resample


def test_labels_name_files() -> None:
    assert [t.label for t in (Target(), Target(2.5), Target(width=9), Target(height=8), Target(width=7, height=6))] == [
        "x4", "x2.5", "w9", "h8", "7x6",
    ]  # fmt: skip


def test_estimates_grow_with_the_work() -> None:
    small = make_plan(Size(500, 500), Target(4), MODELS)
    large = make_plan(Size(1000, 1000), Target(4), MODELS)
    assert 3 < large.seconds(gflops=100) / small.seconds(gflops=100) < 5
    kinds = {"threads": 2, "channels": 3, "sample_bytes": 1}
    assert large.memory(**kinds) > small.memory(**kinds)
    tall = make_plan(Size(1000, 8000), Target(4), MODELS)
    extra = tall.memory(**kinds) - large.memory(**kinds)
    assert extra == 3 * (7_000_000 + 16 * 7_000_000), "beyond input and output, height costs nothing"


@given(st.integers(1, 5000), st.integers(1, 600), st.integers(1, 16))
def test_aligned_ranges_start_at_multiples(length: int, count: int, align: int) -> None:
    made = spans(length, count, align)
    assert made[0].start == 0
    assert made[-1].stop == length
    assert all(before.stop == after.start for before, after in itertools.pairwise(made))
    assert all(span.length >= 1 and span.start % align == 0 for span in made)
    lengths = [span.length for span in made[:-1]]
    assert max(lengths, default=0) - min(lengths, default=0) <= align
    assert len(made) <= count


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(16, 600), st.integers(1, 16), st.sampled_from([2, 4, 8]))
def test_aligned_tiles_are_not_larger_than_asked(width: int, height: int, tile: int, threads: int, align: int) -> None:
    grid = square_tiles(Size(width, height), tile, threads, align)
    assert max(grid.largest.width, grid.largest.height) <= tile


DEEP = PassModel("deep-x2", 2, halo=40, work=1_000_000, activations=600)


@pytest.mark.parametrize("size", [Size(640, 480), Size(1920, 1080), Size(4000, 3000)])
@pytest.mark.parametrize("room", [None, 8_000_000_000, 2_700_000_000])
def test_halos_stay_a_small_part_of_the_work(size: Size, room: int | None) -> None:
    """On two cores, a network that sees 40 pixels far computes at most half as much again as the picture has."""
    (step,) = make_plan(size, Target(2), {2: DEEP}, threads=2, room=room).passes
    assert 1 < step.overhead < 1.5
    assert step.overhead == pytest.approx(step.macs / DEEP.work / size.pixels)
    if size.pixels > 1_000_000:
        assert step.overhead < 1.36
    near = make_plan(size, Target(2), MODELS, threads=2, room=room).passes[0]
    assert near.overhead < 1.12
    assert near.tiles.largest.width <= 1024, "what sees little keeps small tiles"
    assert near.tiles.largest.height <= 256


@given(st.integers(0, 150), st.integers(16, 2000), st.integers(1, 64), st.integers(200_000_000, 8_000_000_000))
def test_tiles_in_work_fit_into_the_room(halo: int, activations: int, threads: int, room: int) -> None:
    model = PassModel("any-x2", 2, halo, 1000, activations)
    limits = tile_limits(halo, pixel_bytes=model.pixel_bytes, threads=threads, room=room)
    least = (64 + 2 * halo) ** 2
    assert limits.widest == max(1024, 14 * halo)
    assert limits.tallest == max(256, 14 * halo)
    assert least <= limits.pixels
    assert 1 <= limits.workers <= threads
    assert limits.pixels == least or limits.workers * model.pixel_bytes * limits.pixels <= room
    free = tile_limits(halo, pixel_bytes=model.pixel_bytes, threads=threads, room=None)
    assert free.workers == threads
    assert free.pixels >= limits.pixels
    if free.pixels > (max(256, 14 * halo) + 2 * halo) ** 2:
        assert threads * model.pixel_bytes * free.pixels <= max(800_000_000, threads * 64_000_000)


def test_fewer_tiles_at_a_time_where_small_ones_would_waste_more() -> None:
    limits = tile_limits(130, pixel_bytes=6200, threads=8, room=2_700_000_000)
    assert limits.workers < 8
    side = math.isqrt(limits.pixels) - 260
    assert (1 + 260 / side) ** 2 / limits.workers < (1 + 260 / 64) ** 2 / 8


SIDES = st.integers(1, 3000)


@given(SIDES, SIDES, st.integers(0, 60), st.integers(1, 16), st.integers(0, 300_000), st.sampled_from([1, 2, 8]))
def test_tiles_keep_within_their_limits(
    width: int, height: int, halo: int, workers: int, more: int, align: int
) -> None:
    halo = -(-halo // align) * align
    limits = TileLimits(1024, 256, (64 + 2 * halo) ** 2 + more, workers)
    grid = balanced_grid(Size(width, height), limits, halo=halo, align=align)
    for axis, length, most in ((grid.columns, width, 1024), (grid.rows, height, 256)):
        assert axis[0].start == 0
        assert axis[-1].stop == length
        assert all(before.stop == after.start for before, after in itertools.pairwise(axis))
        assert all(span.start % align == 0 for span in axis)
        assert max(span.length for span in axis) <= most
    largest = grid.largest
    assert (largest.width - align + 2 * halo) * (largest.height - align + 2 * halo) <= limits.pixels


@given(st.integers(60, 2000), st.integers(60, 2000), st.integers(0, 30), st.integers(1, 6), st.integers(1, 12))
def test_no_tiles_of_equal_size_are_ready_much_sooner(
    width: int, height: int, halo: int, workers: int, more: int
) -> None:
    limits = TileLimits(1024, 256, 20_000 * more + 160**2, workers)

    def ready(rows: int, columns: int) -> float:
        pixels = (-(-height // rows) + 2 * halo) * (-(-width // columns) + 2 * halo)
        allowed = pixels <= limits.pixels and height <= 256 * rows and width <= 1024 * columns
        busy = min(workers, columns * min(rows, 2))
        return (pixels + 1200) * -(-rows * columns // busy) if allowed else math.inf

    grid = balanced_grid(Size(width, height), limits, halo=halo)
    small = max(48, halo)
    best = min(ready(r, c) for r in range(1, max(2, height // small)) for c in range(1, max(2, width // small)))
    assert ready(len(grid.rows), len(grid.columns)) <= 1.03 * best


def test_two_threads_get_an_even_number_of_tiles() -> None:
    model = PassModel("m-x4", 4, 18, work=115_000, activations=64)
    (step,) = make_plan(Size(1000, 750), Target(4), {4: model}, threads=2).passes
    assert step.tiles.count % 2 == 0
    (alone,) = make_plan(Size(90, 80), Target(4), {4: model}, threads=2).passes
    assert alone.tiles.count == 1, "halves would be narrower than 48 pixels"


TWO = {
    scale: PassModel("two", scale, halo=7, work=work, activations=128, align=2)
    for scale, work in ((2, 10_000), (4, 90_000))
}


def test_what_one_network_gives_is_one_plan() -> None:
    (plan,) = make_plans(Size(301, 201), [Target(4), Target(2), Target(2)], TWO, tile=512)
    assert plan.targets == (Size(602, 402), Size(1204, 804))
    (step,) = plan.passes
    assert step.model.scales == (2, 4)
    assert step.model.margin == 8
    assert step.macs == 90_000 * 318 * 218, "the picture up to the next multiple of 2, with halos of 8"
    kinds = {"threads": 1, "channels": 3, "sample_bytes": 1}
    alone = make_plan(Size(301, 201), Target(4), TWO, tile=512)
    assert plan.memory(**kinds) >= alone.memory(**kinds) + 3 * 602 * 402


def test_other_results_are_plans_of_their_own() -> None:
    plans = make_plans(Size(30, 20), [Target(2), Target(3), Target(4), Target(8), Target(0.5)], TWO)
    assert [plan.targets for plan in plans] == [
        (Size(60, 40), Size(120, 80)), (Size(90, 60),), (Size(240, 160),), (Size(15, 10),),
    ]  # fmt: skip
    assert [plan.also for plan in make_plans(Size(30, 20), [Target(2), Target(4)], MODELS)] == [(), ()]


@given(st.integers(1, 300), st.integers(1, 300), st.lists(st.floats(0.1, 16), min_size=1, max_size=4))
def test_every_wish_is_fulfilled_once(width: int, height: int, factors: list[float]) -> None:
    source = Size(width, height)
    wishes = [Target(factor) for factor in factors]
    made = [size for plan in make_plans(source, wishes, TWO) for size in plan.targets]
    assert len(made) == len(set(made))
    assert set(made) == {wish.size_for(source) for wish in wishes}


def test_very_wide_pictures_have_flat_tiles() -> None:
    """A row of tiles is held as a strip: it must not grow with the width."""
    model = PassModel("m", 2, 18, work=29_000)
    heights = []
    for width in (1000, 20_000, 200_000, 900_000):
        (step,) = make_plan(Size(width, 3000), Target(2), {2: model}, threads=2).passes
        heights.append(step.tiles.largest.height)
        assert 4 * width * heights[-1] <= 21_000_000 or heights[-1] == 48
        assert step.tiles.largest.width <= 1024
    assert min(heights[:2]) > 200
    assert heights[2:] == [48, 48]
