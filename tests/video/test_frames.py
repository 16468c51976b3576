"""Frames in planes: what a network sees, what comes out, and that nothing shows how it was computed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subpixel import Upscaler
from subpixel.errors import SettingError
from subpixel.plan import Target
from subpixel.types import Precision, PrecisionChoice
from subpixel.video.frames import FrameUpscaler
from subpixel.video.planes import Coloured, Planes

from .. import networks
from .clips import changed, frame, same


@pytest.fixture(scope="module")
def swift() -> Iterator[Upscaler]:
    with Upscaler("swift", threads=1) as upscaler:
        yield upscaler


def grey_picture(luma: np.ndarray, bits: int = 8) -> np.ndarray:
    """Luma of full range as the samples of a grey picture."""
    return luma if bits == 8 else np.round(luma * (65_535 / ((1 << bits) - 1))).astype(np.uint16)


def test_full_range_luma_is_a_grey_picture(swift: Upscaler) -> None:
    planes = frame(full_range=True, sub=None)
    with FrameUpscaler(swift, Target(3)) as frames:
        made = frames.upscale(planes)
    wanted = swift.upscale(planes.y, scale=3).astype(int)
    assert made.y.shape == (144, 192) and made.full_range and made.u is None
    assert np.abs(made.y - wanted).max() <= 1  # a tie may fall either way
    assert (made.y != wanted).mean() < 1e-3


def test_limited_range_luma_is_the_y_the_network_learnt(swift: Upscaler) -> None:
    """Grey of a picture, written as luma of limited range, comes out as that grey does, but for rounding."""
    grey = frame(sub=None).y
    luma = np.round(16 + grey * (219 / 255)).astype(np.uint8)
    with FrameUpscaler(swift, Target(3)) as frames:
        made = frames.upscale(Planes(luma, None, None)).y.astype(float)
    wanted = 16 + swift.upscale(grey, scale=3) * (219 / 255)
    assert np.abs(made - wanted).mean() < 0.6, "two roundings, to levels of grey and to levels of luma"


def test_ten_bits_keep_what_eight_would_lose(swift: Upscaler) -> None:
    planes = frame(bits=10, full_range=True, sub=None)
    with FrameUpscaler(swift, Target(3)) as frames:
        made = frames.upscale(planes)
    wanted = swift.upscale(grey_picture(planes.y, 10), scale=3) * (1023 / 65_535)
    assert made.y.dtype == np.uint16 and made.bits == 10
    assert np.abs(made.y - wanted).max() <= 1.01
    assert np.abs(made.y - wanted).mean() < 0.3
    assert len(np.unique(made.y)) > 256


@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_samples_in_the_graph_are_as_samples_in_floats(precision: Precision, monkeypatch: pytest.MonkeyPatch) -> None:
    from subpixel.engines import has_vnni

    if precision == "int8" and not has_vnni():
        pytest.skip("this processor has no int8")
    upscaler = Upscaler("swift", threads=1, precision=precision)
    planes = [frame(full_range=full) for full in (False, True)]
    with FrameUpscaler(upscaler, Target(3)) as frames:
        quick = [frames.upscale(one) for one in planes]
    monkeypatch.setattr("subpixel.loading.Networks.load_samples", lambda *_, **__: None)
    with FrameUpscaler(upscaler, Target(3)) as frames:
        slow = [frames.upscale(one) for one in planes]
    for one, other in zip(quick, slow, strict=True):
        apart = np.abs(one.y.astype(int) - other.y)
        assert apart.max() <= 1 and (apart != 0).mean() < 1e-3
        assert np.array_equal(one.u, other.u)


@pytest.mark.parametrize("sub", [(2, 2), (1, 2), (1, 1), None])
@pytest.mark.parametrize("bits", [8, 10])
def test_kinds_of_planes(swift: Upscaler, sub: tuple[int, int] | None, bits: int) -> None:
    planes = frame(63, 47, sub=sub, bits=bits, full_range=bits == 8, matrix="bt709", siting="center")
    with FrameUpscaler(swift, Target(2)) as frames:
        made = frames.upscale(planes)
    assert (made.bits, made.full_range, made.matrix, made.siting) == (bits, bits == 8, "bt709", "center")
    assert made.y.shape == (94, 126) and made.y.dtype == planes.y.dtype
    assert made.sub == planes.sub
    if sub is not None:
        assert made.u is not None and made.u.shape == (-(-94 // sub[0]), -(-126 // sub[1]))


@pytest.mark.parametrize("value", [16, 235, 126, 1, 254])
def test_flat_stays_flat(swift: Upscaler, value: int) -> None:
    y, u, v = np.full((40, 56), value, np.uint8), np.full((20, 28), 90, np.uint8), np.full((20, 28), 201, np.uint8)
    with FrameUpscaler(swift, Target(3)) as frames:
        made = frames.upscale(Planes(y, u, v))
    assert made.u is not None and made.v is not None
    assert (made.y == value).all() and (made.u == 90).all() and (made.v == 201).all()


@pytest.mark.parametrize("scale", [3, 2.5, 6, 0.5, 1])
@pytest.mark.parametrize("precision", ["auto", "fp32"])
@pytest.mark.parametrize("bits", [8, 10])
def test_any_factor_is_the_same_with_and_without_reuse(scale: float, bits: int, precision: PrecisionChoice) -> None:
    upscaler = Upscaler("espcn", threads=2, precision=precision)
    first = frame(bits=bits)
    film = [first, changed(first, slice(5, 9), slice(50, 60)), first, frame(at=3, bits=bits)]
    film.append(film[-1])
    with (
        FrameUpscaler(upscaler, Target(scale)) as frames,
        FrameUpscaler(upscaler, Target(scale), reuse=False) as plainly,
    ):
        for planes in film:
            assert same(frames.upscale(planes), plainly.upscale(planes))
        assert plainly.reused_share == 0
        if scale > 1:
            assert frames.reused_share >= 0.19  # the last one is the one before


spots = st.tuples(st.integers(0, 95), st.integers(0, 119), st.integers(1, 30), st.integers(1, 40))


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.lists(spots, max_size=3), min_size=1, max_size=4), tile=st.sampled_from([None, 64, 100]))
def test_reuse_never_shows(swift: Upscaler, steps: list[list[tuple[int, int, int, int]]], tile: int | None) -> None:
    with Upscaler("swift", threads=2, tile=tile) as upscaler:
        planes = frame(120, 96)
        with (
            FrameUpscaler(upscaler, Target(3)) as frames,
            FrameUpscaler(swift, Target(3), reuse=False) as plainly,
        ):
            frames.upscale(planes)
            for step in steps:
                for top, left, height, width in step:
                    planes = changed(planes, slice(top, top + height), slice(left, left + width))
                assert same(frames.upscale(planes), plainly.upscale(planes))


def test_a_small_change_costs_little(swift: Upscaler) -> None:
    planes = frame(320, 240)
    with FrameUpscaler(swift, Target(2)) as frames:
        first = frames.upscale(planes)
        again = frames.upscale(planes)
        assert frames.reused_share == 0.5
        assert again.y is not None and np.shares_memory(first.y, again.y)
        frames.upscale(changed(planes, slice(10, 14), slice(10, 14)))
        assert frames.reused_share > 0.62
        frames.forget()
        assert same(frames.upscale(planes), first)


def test_result_does_not_hang_on_the_callers_memory(swift: Upscaler) -> None:
    planes = frame()
    with FrameUpscaler(swift, Target(2)) as frames, FrameUpscaler(swift, Target(2), reuse=False) as plainly:
        frames.upscale(planes)
        planes.y[10:20] += 9  # a decoder writes its next frame to the same place
        assert same(frames.upscale(planes), plainly.upscale(planes))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("scale", [2, 2.5])
def test_pictures_are_what_the_upscaler_makes(swift: Upscaler, channels: int, scale: float) -> None:
    pixels = np.random.default_rng(channels).integers(0, 256, (50, 70, channels), np.uint8)
    pixels[20:] = pixels[20:21, :1]
    if channels in (2, 4):
        pixels[:, 30:, -1] = 0
        pixels[:, :20, -1] = 255
    other = pixels.copy()
    other[:5, :5] = 7
    with FrameUpscaler(swift, Target(scale)) as frames:
        for one in (pixels, other, other, pixels):
            made = frames.upscale(Coloured(one)).pixels
            assert np.array_equal(made, swift.upscale(one, scale=scale).reshape(made.shape))


def test_networks_on_rgb_go_through_rgb(tmp_path: Path) -> None:
    upscaler = Upscaler(networks.rgb(tmp_path / "own"), threads=1)
    planes = frame(matrix="bt709")
    with FrameUpscaler(upscaler, Target(2)) as frames, FrameUpscaler(upscaler, Target(2), reuse=False) as plainly:
        made = frames.upscale(planes)
        assert made.y.shape == (96, 128) and made.sub == (2, 2) and made.matrix == "bt709"
        again = changed(planes, slice(0, 3), slice(0, 3))
        assert same(frames.upscale(again), plainly.upscale(again))


@pytest.mark.parametrize("channels", [1, 3])
def test_networks_with_strides(tmp_path: Path, channels: int) -> None:
    upscaler = Upscaler(networks.strided(tmp_path / "own", depth=2, channels=channels), threads=1, tile=48)
    planes = frame(101, 83)
    with FrameUpscaler(upscaler, Target(2)) as frames, FrameUpscaler(upscaler, Target(2), reuse=False) as plainly:
        for one in (
            planes,
            changed(planes, slice(80, 83), slice(99, 101)),
            planes,
            changed(planes, *[slice(4, 5)] * 2),
        ):
            assert same(frames.upscale(one), plainly.upscale(one))


def test_frames_of_another_size_midway(swift: Upscaler) -> None:
    with FrameUpscaler(swift, Target(2)) as frames:
        assert frames.upscale(frame(64, 48)).y.shape == (96, 128)
        assert frames.upscale(frame(40, 48)).y.shape == (96, 80)
        assert frames.upscale(frame(40, 48, bits=10)).y.dtype == np.uint16


def test_too_large_is_said(swift: Upscaler) -> None:
    with FrameUpscaler(swift, Target(width=5000)) as frames, pytest.raises(SettingError, match="16 times"):
        frames.upscale(frame())


@pytest.mark.parametrize(
    ("luma", "chroma", "bits"),
    [((48, 64), (24, 33), 8), ((48, 64), (12, 16), 8), ((48, 64), None, 17), ((48,), None, 8)],
)
def test_planes_that_do_not_fit(luma: tuple[int, ...], chroma: tuple[int, int] | None, bits: int) -> None:
    plane = None if chroma is None else np.zeros(chroma, np.uint8)
    with pytest.raises(SettingError):
        Planes(np.zeros(luma, np.uint8), plane, plane, bits)
    with pytest.raises(SettingError, match="one plane"):
        Planes(np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint8), None)
