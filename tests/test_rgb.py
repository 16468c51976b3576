"""Networks on RGB through the main path: flat areas, grey, alpha, depths, precisions, colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from subpixel import zoo
from subpixel.engines import has_bf16
from subpixel.errors import SettingError
from subpixel.oneline import upscale
from subpixel.plan import Target
from subpixel.types import Picture
from subpixel.upscaler import Upscaler
from tests import networks

pytest.importorskip("onnx", reason="makes the networks: pip install onnx")

KINDS = {"rgb": networks.rgb, "two": networks.two_outputs, "strides": networks.strided}
PRECISIONS = ("fp32", "auto") if has_bf16() else ("fp32",)


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Networks with random weights: what is right here is not the network's doing."""
    return KINDS[request.param](tmp_path_factory.mktemp("rgb") / request.param)


def _noise(*shape: int, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape, dtype=dtype)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (100, 100, 100), (200, 30, 90)])
def test_flat_stays_flat(model: Path, precision: str, colour: tuple[int, ...]) -> None:
    for height, width in ((1, 1), (31, 45)):
        flat = np.full((height, width, 3), colour, np.uint8)
        for made in Upscaler(model, precision=precision, tile=16).upscale(flat, scales=(2, 4)):  # type: ignore[arg-type]
            assert (made == colour).all()


def test_flat_stays_flat_beside_a_picture(model: Path) -> None:
    page = np.full((60, 60, 3), (250, 240, 230), np.uint8)
    page[28:32, 28:32] = _noise(4, 4, 3)
    made = upscale(page, scale=2, model=model)
    assert (made[:30] == (250, 240, 230)).all()
    assert (made[56:64, 56:64] != (250, 240, 230)).any()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_gets_no_tint(model: Path, precision: str, dtype: type) -> None:
    """A grey picture is the same result whether it is stored with one channel or three."""
    grey = _noise(41, 37, 1, dtype=dtype)
    upscaler = Upscaler(model, precision=precision, tile=24)  # type: ignore[arg-type]
    for scale in (2, 4):
        one, three = (upscaler.upscale(grey.repeat(count, axis=2), scale=scale) for count in (1, 3))
        np.testing.assert_array_equal(three, one.repeat(3, axis=2))
        assert (one != grey.repeat(scale, axis=0).repeat(scale, axis=1)).any(), "the network has done something"


def test_a_grey_part_of_a_colour_picture_stays_grey(model: Path) -> None:
    picture = _noise(50, 80, 3)
    picture[:, :40] = picture[:, :40, :1]
    made = upscale(picture, scale=2, model=model).astype(int)
    halo = zoo.card(model).halo
    tint = made.max(axis=2) - made.min(axis=2)
    assert (tint[:, : 2 * (40 - halo)] == 0).all()
    assert (tint[:, 80:] > 0).any()
    for tile in (16, 33):
        np.testing.assert_array_equal(Upscaler(model, tile=tile).upscale(picture, scale=2), made)


def test_hidden_colour_does_not_bleed(model: Path) -> None:
    y, x = np.mgrid[:48, :48]
    alpha = np.clip((18 - np.hypot(x - 24, y - 24)) * 90 + 128, 0, 255).astype(np.uint8)
    picture = np.dstack([np.full_like(alpha, 30), np.full_like(alpha, 90), np.full_like(alpha, 220), alpha])
    other = picture.copy()
    other[alpha == 0, :3] = _noise(int((alpha == 0).sum()), 3)
    one, two = (upscale(p, scales=(2, 4), model=model) for p in (picture, other))
    for first, second, scale in zip(one, two, (2, 4), strict=True):
        np.testing.assert_array_equal(first, second)
        visible = first[..., 3] > 8
        assert np.abs(first[visible][:, :3].astype(int) - (30, 90, 220)).max() <= 25, "but for what the weights add"
        assert first[0, 0, 3] == 0
        assert first[24 * scale, 24 * scale, 3] == 255


def test_alpha_is_a_grey_picture_to_the_network(model: Path) -> None:
    alpha = _noise(30, 34, 1)
    made = upscale(np.concatenate((_noise(30, 34, 1, seed=1), alpha), axis=2), scale=2, model=model)
    alone = upscale(alpha, scale=2, model=model)
    assert (made[..., 1] == alone[..., 0]).mean() > 0.95, "but where it is held flat up to its edges"


def test_sixteen_bits_are_more_than_eight(model: Path) -> None:
    ramp = np.linspace(20_000, 21_000, 64).round().astype(np.uint16)
    picture = np.ascontiguousarray(np.broadcast_to(ramp, (16, 64))[..., None].repeat(3, axis=2))
    picture[..., 1] += 3_000
    for made in upscale(picture, scales=(2, 4), model=model):
        assert made.dtype == np.uint16
        assert len(np.unique(made[16, :, 1])) > 40, "an 8-bit way would leave 4 levels"


@pytest.mark.skipif(not has_bf16(), reason="this processor computes no bf16")
def test_bf16_stays_near(model: Path) -> None:
    picture = _noise(64, 64, 3)
    exact, quick = (Upscaler(model, precision=p).upscale(picture, scale=2) for p in ("fp32", "bf16"))  # type: ignore[arg-type]
    assert np.sqrt(np.mean((exact.astype(float) - quick) ** 2)) < 1


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_results_come_back_in_kind(model: Path, channels: int, dtype: type) -> None:
    values = np.random.default_rng(2).random((9, 11, channels))
    if np.issubdtype(dtype, np.integer):
        values = values * np.iinfo(dtype).max
    small, large = upscale(values.astype(dtype), scales=(2, 4), model=model)
    assert small.dtype == large.dtype == dtype
    assert (small.shape, large.shape) == ((18, 22, channels), (36, 44, channels))


def test_animations(model: Path) -> None:
    frames = Picture(_noise(3, 13, 17, 4))
    made = Upscaler(model).pictures(frames, [Target(2), Target(4)])
    for index in range(3):
        alone = Upscaler(model).pictures(Picture(frames.pixels[index : index + 1]), [Target(2), Target(4)])
        for one, other in zip(made, alone, strict=True):
            np.testing.assert_array_equal(one.picture.pixels[index], other.picture.pixels[0])


def test_a_bad_list_of_factors() -> None:
    flat = np.zeros((4, 4), np.uint8)
    with pytest.raises(SettingError, match="no factor was given"):
        upscale(flat, scales=())
    with pytest.raises(SettingError, match="both several factors and"):
        upscale(flat, scale=2, scales=(2, 4))  # type: ignore[call-overload]
    with pytest.raises(SettingError, match="the factor is 17"):
        upscale(flat, scales=(2, 17))
