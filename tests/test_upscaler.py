"""The main path on arrays and pictures: values, colours, alpha, depth, kinds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import subpixel
from subpixel import zoo
from subpixel.errors import SettingError
from subpixel.plan import Target
from subpixel.types import Metadata, Picture, PrecisionChoice
from subpixel.upscaler import Upscaler

SHIPPED = zoo.model_names()


def _upscale(pixels: np.ndarray, name: str, scale: float, **options: object) -> np.ndarray:
    return Upscaler(name, **options).upscale(pixels, scale=scale)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_flat_stays_flat(name: str, precision: PrecisionChoice) -> None:
    """White stays white, black stays black, grey stays grey, exactly, in every precision."""
    with Upscaler(name, precision=precision) as upscaler:
        for level in (0, 1, 100, 254, 255):
            for shape in ((20, 24), (20, 24, 3), (1, 1, 3)):
                out = upscaler.upscale(np.full(shape, level, np.uint8), scale=zoo.card(name).scale)
                assert (out == level).all(), (level, shape)


def test_white_stays_white_over_two_passes_and_beside_a_picture() -> None:
    """Beyond what both passes see exactly; nearer, noise may take a level off a pixel here and there."""
    page = np.full((96, 96, 3), 255, np.uint8)
    page[43:53, 43:53] = np.random.default_rng(0).integers(0, 256, (10, 10, 3))
    out = subpixel.upscale(page, scale=16)
    halo = zoo.card("crisp-x4").halo * (16 + 4)  # of the first pass and of the second, in pixels of the result
    for far, near in ((out[: 43 * 16 - halo], out[: 28 * 16]), (out[53 * 16 + halo :], out[-28 * 16 :])):
        assert far.size and (far == 255).all()
        assert near.min() >= 254 and (near != 255).mean() < 1e-3


def test_a_flat_colour_keeps_its_colour() -> None:
    out = subpixel.upscale(np.full((16, 16, 3), (200, 30, 90), np.uint8), scale=3)
    assert (out == (200, 30, 90)).all()


def test_grey_gets_no_tint() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (40, 40, 1), dtype=np.uint8).repeat(3, axis=2)
    out = subpixel.upscale(grey, scale=2).astype(int)
    assert (out.max(axis=2) - out.min(axis=2)).max() == 0


TRAINED_BRIEFLY = {"autoencoder": (2.5, 24), "autoencoder-published": (8.0, 48)}
"""Mean and largest difference of networks without a path around them, whose cards say that minutes made them."""


@pytest.mark.parametrize("name", SHIPPED)
def test_result_resembles_the_input(name: str) -> None:
    """Reduced again, the result is the input: no shift, no change of brightness or colour."""
    from subpixel.image.resample import resize

    card = zoo.card(name)
    y, x = np.mgrid[:60, :80] / 10
    smooth = np.stack([np.sin(x), np.cos(y), np.sin(x + y)]) * 0.4 + 0.5
    picture = (smooth * 255).round().astype(np.uint8).transpose(1, 2, 0)
    out = _upscale(picture, name, card.scale)
    back = resize(out.transpose(2, 0, 1).astype(np.float32), 60, 80).transpose(1, 2, 0)
    # Networks on RGB make the colours themselves; those on luma leave Cb and Cr to bicubic, where nothing mends them.
    mean, most = (1.0, 8) if card.colour == "y" and not card.mends else (1.5, 16)
    if card.family in TRAINED_BRIEFLY:
        mean, most = TRAINED_BRIEFLY[card.family]
    assert np.abs(back - picture).mean() < mean
    assert np.abs(back - picture).max() < most


def test_sixteen_bits_are_more_than_eight() -> None:
    ramp = np.linspace(20_000, 21_000, 64).round().astype(np.uint16)
    picture = np.broadcast_to(ramp, (16, 64))[..., None].repeat(3, axis=2)
    out = subpixel.upscale(np.ascontiguousarray(picture), scale=2)
    assert out.dtype == np.uint16
    assert len(np.unique(out[16, :, 0])) > 40, "an 8-bit way would leave 4 levels"


def test_hidden_colour_does_not_bleed() -> None:
    """Whatever colour stands under fully transparent pixels, the visible result is the same."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:48, :48]
    alpha = np.clip((18 - np.hypot(x - 24, y - 24)) * 90 + 128, 0, 255).astype(np.uint8)
    picture = np.dstack([np.full_like(alpha, 30), np.full_like(alpha, 90), np.full_like(alpha, 220), alpha])
    other = picture.copy()
    other[alpha == 0, :3] = rng.integers(0, 256, ((alpha == 0).sum(), 3))
    for scale in (2, 2.7):
        one, two = (subpixel.upscale(p, scale=scale) for p in (picture, other))
        np.testing.assert_array_equal(one, two)
        visible = one[..., 3] > 8
        assert np.abs(one[visible][:, :3].astype(int) - (30, 90, 220)).max() <= 2, "one colour stays one colour"
        assert one[0, 0, 3] == 0
        assert one[one.shape[0] // 2, one.shape[1] // 2, 3] == 255


def test_faint_junk_does_not_bleed() -> None:
    """Cut-outs carry junk colour where alpha is 1 or 2 of 255: it must not reach what is well visible."""
    for faint in (1, 2, 4):
        picture = np.full((40, 40, 4), 128, np.uint8)
        picture[:, :20] = (255, 0, 255, faint)
        picture[:, 20:, 3] = 255
        out = subpixel.upscale(picture, scale=2).astype(int)
        opaque = out[..., 3] == 255
        assert opaque.any()
        assert np.abs(out[opaque][:, :3] - 128).max() <= 1 + 5 * faint


def test_alpha_edges_are_sharper_than_bicubic() -> None:
    alpha = np.zeros((40, 40), np.uint8)
    alpha[:, 20:] = 255
    picture = np.dstack([np.full((40, 40, 3), 128, np.uint8), alpha])
    network = subpixel.upscale(picture, scale=3)[60, :, 3].astype(int)
    classical = subpixel.upscale(picture, scale=3, model="bicubic")[60, :, 3].astype(int)
    assert np.abs(np.diff(network)).max() > np.abs(np.diff(classical)).max()
    assert (network[:57] == 0).all(), "clear up to the pixel beside the edge"
    assert (network[63:] == 255).all(), "opaque up to the pixel beside the edge"


@pytest.mark.parametrize("shape", [(9, 11), (9, 11, 1), (9, 11, 2), (9, 11, 3), (9, 11, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_arrays_come_back_in_kind(shape: tuple[int, ...], dtype: type) -> None:
    values = np.random.default_rng(2).random(shape)
    if np.issubdtype(dtype, np.integer):
        values = values * np.iinfo(dtype).max
    out = subpixel.upscale(values.astype(dtype), scale=2)
    assert out.dtype == dtype
    assert out.shape == (18, 22, *shape[2:])


def test_pillow_comes_back_in_kind() -> None:
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    for mode in ("L", "LA", "RGB", "RGBA"):
        out = subpixel.upscale(pillow.new(mode, (10, 8)), width=25)
        assert isinstance(out, pillow.Image)
        assert (out.mode, out.size) == (mode, (25, 20))


def test_pictures_keep_metadata_and_frames() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (3, 8, 9, 4), dtype=np.uint8)
    picture = Picture(pixels, Metadata(format="gif", delays=(40, 80, 120), dpi=(72.0, 72.0)))
    out = Upscaler().picture(picture, Target(3)).picture
    assert out.pixels.shape == (3, 24, 27, 4)
    assert out.metadata == picture.metadata
    for index in range(3):
        alone = Upscaler().picture(Picture(pixels[index : index + 1]), Target(3)).picture
        np.testing.assert_array_equal(out.pixels[index], alone.pixels[0])


def test_factor_one_changes_nothing() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    np.testing.assert_array_equal(subpixel.upscale(picture, scale=1), picture)


def test_reducing_needs_no_network() -> None:
    made = Upscaler().picture(Picture(np.full((1, 40, 60, 3), 77, np.uint8)), Target(0.5))
    assert made.plan.passes == ()
    assert (made.picture.pixels == 77).all()
    assert made.picture.size.width == 30


def test_progress_and_timings() -> None:
    seen: list[tuple[int, int]] = []
    picture = Picture(np.zeros((2, 100, 100, 3), np.uint8))
    made = Upscaler(tile=32, threads=2).picture(picture, Target(6), progress=lambda *step: seen.append(step))
    assert seen[-1][0] == seen[-1][1] == made.plan.tiles * 2
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    times = made.timings
    assert times.network > 0
    assert times.other > 0
    assert times.total >= times.run > 0


def test_one_model_alone_reaches_any_factor() -> None:
    out = Upscaler("espcn-x3").picture(Picture(np.zeros((1, 10, 10, 1), np.uint8)), Target(5))
    assert [step.model.name for step in out.plan.passes] == ["espcn-x3", "espcn-x3"]
    assert out.picture.size.width == 50


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"threads": 0}, "threads is 0"),
        ({"tile": 3}, "tile is 3"),
        ({"precision": "int3"}, "precision is 'int3'"),
        ({"model": "espn-x3"}, "did you mean"),
    ],
)
def test_wrong_settings(options: dict[str, object], said: str) -> None:
    with pytest.raises(subpixel.SubpixelError, match=said):
        Upscaler(**options)  # type: ignore[arg-type]


def test_wrong_things() -> None:
    with pytest.raises(SettingError, match="restore is 'yes'"):
        Upscaler(restore="yes")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="cannot upscale a list"):
        subpixel.upscale([[1, 2]], scale=2)
    with pytest.raises(SettingError, match="the factor is 0"):
        subpixel.upscale(np.zeros((4, 4), np.uint8), scale=0)
    with pytest.raises(SettingError, match="the factor is '2'"):
        subpixel.upscale(np.zeros((4, 4), np.uint8), scale="2")  # type: ignore[call-overload]


def test_files_by_path_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    subpixel.write(Picture(np.zeros((1, 4, 5, 3), np.uint8)), path)
    for given in (path, str(path), path.read_bytes()):
        assert subpixel.upscale(given, scale=2).size.width == 10


def test_full_memory_is_an_error_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*args: object) -> None:
        raise MemoryError

    monkeypatch.setattr("subpixel.running.empty_pixels", no_room)
    with pytest.raises(SettingError, match="of memory"):
        subpixel.upscale(np.zeros((4, 4), np.uint8), scale=2)


def test_a_result_beyond_memory_is_refused_before_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subpixel.upscaler.memory_limit", lambda: 100_000_000)
    with pytest.raises(SettingError, match="GB of memory"):
        subpixel.upscale(np.zeros((3000, 3000, 3), np.uint8), scale=16)
