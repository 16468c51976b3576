"""Chroma stands where the stream says, before and after; planes and pixels mean the same colours."""

from __future__ import annotations

import numpy as np
import pytest

from subpixel.types import Size
from subpixel.video.chroma import enlarge_chroma
from subpixel.video.colour import to_coloured, to_planes
from subpixel.video.planes import Coloured, Matrix, Planes, Siting

from .clips import frame

SITINGS: tuple[Siting, ...] = ("left", "center", "topleft")
MATRICES: tuple[Matrix, ...] = ("bt601", "bt709", "bt2020")
SUBS = [(2, 2), (1, 2), (1, 1)]


def places(count: int, part: int, first: bool) -> np.ndarray:
    """Where samples of chroma stand, in samples of luma."""
    return np.arange(count) * part + (0.0 if first else (part - 1) / 2)


@pytest.mark.parametrize("siting", SITINGS)
@pytest.mark.parametrize("sub", SUBS)
@pytest.mark.parametrize("after", [Size(192, 144), Size(96, 72), Size(161, 121)])
def test_chroma_stays_in_its_place(siting: Siting, sub: tuple[int, int], after: Size) -> None:
    """A slope of colour is the same slope when enlarged, sample for sample, seen from luma."""
    before = Size(64, 48)
    rows = places(48 // sub[0], sub[0], siting == "topleft")
    columns = places(64 // sub[1], sub[1], siting != "center")
    plane = np.round((200 + 8 * columns[None, :] + 5 * rows[:, None]) * 16).astype(np.uint16)
    made = enlarge_chroma(plane, before, after, sub, siting, 65_535).astype(float) / 16
    down, across = before.height / after.height, before.width / after.width
    rows = (places(made.shape[0], sub[0], siting == "topleft") + 0.5) * down - 0.5
    columns = (places(made.shape[1], sub[1], siting != "center") + 0.5) * across - 0.5
    wanted = 200 + 8 * columns[None, :] + 5 * rows[:, None]
    inner = slice(12, -14), slice(12, -14)
    assert np.abs(made - wanted)[inner].max() < 0.05


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("bits", [8, 10])
def test_colours_that_are_known(matrix: Matrix, full_range: bool, bits: int) -> None:
    like = frame(8, 8, bits=bits, sub=(1, 1), full_range=full_range, matrix=matrix)
    most = 255 if bits == 8 else 65_535
    kinds = np.uint8 if bits == 8 else np.uint16
    colours = np.array([[0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 0, 1], [0.5, 0.5, 0.5]]) * most
    pixels = np.broadcast_to(np.round(colours).astype(kinds)[:, None], (5, 3, 3)).copy()
    planes = to_planes(Coloured(pixels), like)
    assert planes.u is not None and planes.v is not None
    fine = 1 << (bits - 8)
    low, high = (0, (1 << bits) - 1) if full_range else (16 * fine, 235 * fine)
    middle = 128 * fine
    reach = (1 << (bits - 1)) - 0.5 if full_range else 112 * fine
    assert (planes.y[0] == low).all() and (planes.y[1] == high).all()
    for row in (0, 1, 4):
        assert (planes.u[row] == middle).all() and (planes.v[row] == middle).all()
    red_weight = {"bt601": 0.299, "bt709": 0.2126, "bt2020": 0.2627}[matrix]
    assert abs(int(planes.y[2, 0]) - (low + red_weight * (high - low))) <= 0.5
    assert abs(int(planes.v[2, 0]) - (middle + reach)) <= 1 and abs(int(planes.u[3, 0]) - (middle + reach)) <= 1
    back = to_coloured(planes).pixels.astype(int)
    assert np.abs(back - pixels).max() <= (3 if bits == 8 else 200)


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("siting", SITINGS)
@pytest.mark.parametrize("sub", SUBS)
def test_there_and_back(matrix: Matrix, siting: Siting, sub: tuple[int, int]) -> None:
    rows, columns = np.mgrid[0:45, 0:63]
    waves = [127 + 60 * np.sin(columns / 14 + shift) + 50 * np.cos(rows / 12 - shift) for shift in (0, 1, 2)]
    pixels = np.stack(waves, axis=2).round().astype(np.uint8)
    like = frame(8, 8, sub=sub, matrix=matrix, siting=siting)
    back = to_coloured(to_planes(Coloured(pixels), like)).pixels.astype(int)
    apart = np.abs(back - pixels)[4:-4, 4:-4]
    assert apart.max() <= 6 and apart.mean() < 1


@pytest.mark.parametrize("matrix", MATRICES)
def test_as_libswscale_sees_it(matrix: Matrix) -> None:
    av = pytest.importorskip("av")
    planes = frame(64, 48, sub=(1, 1), matrix=matrix)
    assert planes.u is not None and planes.v is not None
    made = av.VideoFrame.from_ndarray(np.stack([planes.y, planes.u, planes.v]), "yuv444p")
    space = {"bt709": 1, "bt601": 5, "bt2020": 9}[matrix]
    made = made.reformat(format="rgb24", src_colorspace=space, src_color_range=1, dst_color_range=2)
    assert np.abs(made.to_ndarray().astype(int) - to_coloured(planes).pixels).max() <= 2


def test_grey_and_transparent_frames() -> None:
    grey = to_coloured(frame(sub=None))
    assert grey.pixels.shape == (48, 64, 1)
    coloured = to_planes(grey, frame())
    assert coloured.u is not None and (coloured.u == 128).all()
    hidden = np.zeros((4, 6, 4), np.uint8)
    assert (to_planes(Coloured(hidden), frame()).y == 235).all()  # what is transparent is white
    assert to_planes(Coloured(hidden), frame(sub=None)).u is None


def test_frames_that_are_no_pictures() -> None:
    from subpixel.errors import SettingError

    with pytest.raises(SettingError):
        Coloured(np.zeros((4, 6), np.uint8))
    assert Planes(np.zeros((3, 5), np.uint8), None, None).top == 255
