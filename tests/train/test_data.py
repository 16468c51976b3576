"""Pairs follow the protocol; batches are a pure function of seed and step, and input and target belong together."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from drawn import draw, save

from subpixel.errors import PictureUnreadable, TrainingError
from subpixel.image import colour, resample
from subpixel_train.data import (
    Batch,
    Crops,
    DataSettings,
    FilePhotograph,
    Geometry,
    Pair,
    Prefetch,
    Squares,
    Tiles,
    Wholes,
    benchmark_pairs,
    held_out_pairs,
    make_batches,
    make_picture,
    pictures,
    read_rgb,
    training_photographs,
)
from subpixel_train.data.examples import enlarged_pair, make_example
from subpixel_train.data.pixels import centre
from subpixel_train.networks import build

LUMA = Geometry((3,), 0)
"""A network on luma, ×3, with padding."""


def test_small_picture_is_reduced_in_rgb_rounded_and_only_then_made_luma() -> None:
    rgb = draw(31, 40, 1)
    cut = make_picture("a", rgb, (3,)).whole(LUMA)
    whole = rgb[:30, :39].transpose(2, 0, 1).astype(np.float32) / 255
    small = np.rint(np.clip(resample.resize(whole, 10, 13), 0, 1) * 255).astype(np.float32) / 255
    np.testing.assert_allclose(cut.input, colour.rgb_to_y(small), atol=1e-6)
    np.testing.assert_allclose(cut.targets[0], colour.rgb_to_y(whole), atol=1e-6)
    assert cut.input.shape == (1, 10, 13) and cut.targets[0].shape == (1, 30, 39)


def test_rgb_networks_get_the_rounded_rgb() -> None:
    rgb = draw(31, 40, 1)
    cut = make_picture("a", rgb, (3,)).whole(Geometry((3,), 0, channels=3))
    whole = rgb[:30, :39].transpose(2, 0, 1).astype(np.float32) / 255
    np.testing.assert_allclose(cut.targets[0], whole, atol=1e-7)
    np.testing.assert_allclose(cut.input, np.rint(np.clip(resample.resize(whole, 10, 13), 0, 1) * 255) / 255, atol=1e-7)


def test_enlarged_input_is_the_bicubic_enlargement_of_the_small_picture() -> None:
    rgb = draw(30, 36, 2)
    geometry = Geometry((1,), 0, enlarged=True, scale=2)
    picture = make_picture("a", rgb, (2,))
    enlarged = make_example("a", rgb, geometry, (2,)).whole(geometry)
    small = picture.whole(Geometry((2,), 0))
    np.testing.assert_allclose(enlarged.input, resample.resize(small.input, 30, 36), atol=1e-6)
    np.testing.assert_array_equal(enlarged.targets[0], small.targets[0])
    assert enlarged_pair(picture, geometry).shape == (30, 36)


def test_several_outputs_have_a_target_each() -> None:
    rgb = draw(45, 50, 3)
    picture = make_picture("a", rgb, (2, 4))
    assert [target.shape for target in picture.targets] == [(22, 24, 3), (44, 48, 3)] and picture.shape == (11, 12)
    np.testing.assert_array_equal(picture.targets[1], rgb[:44, :48])
    np.testing.assert_array_equal(picture.targets[0], make_picture("b", rgb[:44, :48], (2,)).small)


def test_pictures_are_read_as_rgb(tmp_path: Path) -> None:
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8, 1)
    import pyvips

    pyvips.Image.new_from_array(grey).write_to_file(str(tmp_path / "grey.png"))
    save(tmp_path / "colour.png", draw(6, 8, 0))
    assert np.array_equal(read_rgb(tmp_path / "grey.png"), np.repeat(grey, 3, axis=2))
    assert np.array_equal(read_rgb(tmp_path / "colour.png"), draw(6, 8, 0))
    assert [path.name for path in pictures(tmp_path)] == ["colour.png", "grey.png"]


def test_bitmaps_are_read_too(tmp_path: Path) -> None:
    """T91 was published as BMP, which libvips' usual builds leave out."""
    rgb = draw(6, 7, 0)
    (tmp_path / "a.ppm").write_bytes(b"P6 7 6 255\n" + rgb.tobytes())
    rows = b"".join(bytes(row[:, ::-1].tobytes()).ljust(24, b"\0") for row in rgb[::-1])
    head = struct.pack("<2sIHHI", b"BM", 54 + len(rows), 0, 0, 54)
    (tmp_path / "b.bmp").write_bytes(
        head + struct.pack("<IiiHHIIiiII", 40, 7, 6, 1, 24, 0, len(rows), 0, 0, 0, 0) + rows
    )
    for name in ("a.ppm", "b.bmp"):
        np.testing.assert_array_equal(read_rgb(tmp_path / name), rgb)
        assert FilePhotograph(tmp_path / name).size() == (6, 7)
    (tmp_path / "c.bmp").write_bytes(b"BM" + bytes(10))
    with pytest.raises(PictureUnreadable, match=r"c\.bmp"):
        read_rgb(tmp_path / "c.bmp")


def test_bad_folders_and_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"there is no folder .*nowhere"):
        pictures(tmp_path / "nowhere")
    with pytest.raises(TrainingError, match="there are no pictures"):
        pictures(tmp_path)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(PictureUnreadable, match=r"text\.png"):
        read_rgb(tmp_path / "text.png")


def test_held_out_pictures_are_not_trained_with(photos: Path) -> None:
    settings = DataSettings(folders=["photos"], held_out=2)
    train, held_out = training_photographs(photos, settings)
    assert len(train) == 4 and len(held_out) == 2 and not set(train) & set(held_out)
    assert training_photographs(photos, settings) == (train, held_out)
    first = settings.model_copy(update={"held_out_from": "first"})
    assert [photograph.name for photograph in training_photographs(photos, first)[1]] == ["0.png", "1.png"]
    with pytest.raises(TrainingError, match="6 of 6"):
        training_photographs(photos, settings.model_copy(update={"held_out": 6}))


def ramp(step: int) -> Pair:
    """Input that says where it is; target that says which input pixel it belongs to."""
    place = np.arange(40 * 50, dtype=np.float32).reshape(1, 40, 50)
    return Pair("ramp", place, (place.repeat(step, 1).repeat(step, 2),))


def parts(batch: Batch) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    return batch.small, batch.targets


@pytest.mark.parametrize(("step", "reach"), [(3, 5), (1, 6)])
def test_crops_keep_input_and_target_together(step: int, reach: int) -> None:
    crops = Crops([ramp(step)], Geometry((step,), reach), crop=20, size=16, epoch_steps=5, flat=0.0, seed=3)
    small, (large,) = parts(crops.batch(0))
    inside = slice(reach, -reach)
    assert small.shape == (16, 1, 20, 20) and large.shape == (16, 1, (20 - 2 * reach) * step, (20 - 2 * reach) * step)
    np.testing.assert_array_equal(small[:, :, inside, inside].repeat(step, 2).repeat(step, 3), large)
    corners = {(s[0, 0, 1] - s[0, 0, 0], s[0, 1, 0] - s[0, 0, 0]) for s in small}
    assert len(corners) > 4, "crops are turned and mirrored"


def test_batches_are_a_function_of_seed_and_step() -> None:
    def made(seed: int) -> Crops:
        return Crops([ramp(2)], Geometry((2,), 5), crop=16, size=4, epoch_steps=5, flat=0.1, seed=seed)

    first, again, other = made(1), made(1), made(2)
    first.batch(0)
    np.testing.assert_array_equal(first.batch(7).small, again.batch(7).small)
    np.testing.assert_array_equal(first.batch(7).targets[0], again.batch(7).targets[0])
    assert not np.array_equal(first.batch(7).small, first.batch(8).small)
    assert not np.array_equal(first.batch(7).small, other.batch(7).small)


def test_flat_crops_are_one_level_on_both_sides() -> None:
    crops = Crops([ramp(2)], Geometry((2,), 5), crop=16, size=64, epoch_steps=5, flat=0.5, seed=0)
    small, (large,) = parts(crops.batch(0))
    flat = [i for i in range(64) if np.ptp(small[i]) == 0]
    assert 16 < len(flat) < 48
    for i in flat:
        assert np.ptp(large[i]) == 0 and large[i].max() == small[i].max()
        assert 16 / 255 - 1e-6 <= small[i].max() <= 235 / 255 + 1e-6


def test_tiles_cover_the_grid_once_per_epoch() -> None:
    tiles = Tiles([ramp(1)], Geometry((1,), 6), crop=33, stride=14, size=2, seed=0)
    assert tiles.steps_per_epoch == 1  # (40 − 33) // 14 + 1 = 1 row, (50 − 33) // 14 + 1 = 2 columns
    small, (large,) = parts(tiles.batch(0))
    assert small.shape == (2, 1, 33, 33) and large.shape == (2, 1, 21, 21)
    assert sorted(small[:, 0, 0, 0]) == [0, 14]


def test_wholes_show_every_picture_once_per_epoch() -> None:
    pairs = [Pair(str(i), np.full((1, 20, 20), i, np.float32), (np.full((1, 40, 40), i, "f4"),)) for i in range(5)]
    wholes = Wholes(pairs, Geometry((2,), 5), size=2, seed=0)
    for epoch in range(2):
        seen = [v for step in range(3) for v in wholes.batch(3 * epoch + step).small[:, 0, 0, 0]]
        assert sorted(seen) == [0, 1, 2, 3, 4]
    with pytest.raises(TrainingError, match="2 sizes"):
        Wholes([*pairs, ramp(2)], Geometry((2,), 5), size=2, seed=0)


def test_central_crop_is_a_multiple_of_the_factor() -> None:
    assert centre(draw(321, 481, 0), 256, 3).shape == (255, 255, 3)
    assert centre(draw(100, 301, 0), 256, 4).shape == (100, 256, 3)


@pytest.mark.parametrize("mode", ["crops", "tiles", "centre", "square"])
@pytest.mark.parametrize("name", ["espcn", "srcnn", "autoencoder", "two-basic", "rdn"])
def test_every_mode_feeds_every_network(photos: Path, mode: str, name: str) -> None:
    import torch

    crop = {"centre": 64, "tiles": 16, "crops": 16, "square": 16}[mode]
    settings = DataSettings(folders=["photos"], mode=mode, crop=crop, batch=2, sizes=[1.0])
    photographs, held_out = training_photographs(photos, settings.model_copy(update={"held_out": 1}))
    network = build(name, 4 if name == "two-basic" else 2, padded=False)
    batch = make_batches(photographs, settings, network, seed=0).batch(0)
    with torch.no_grad():
        results = network.outputs(torch.from_numpy(batch.small))
    assert [tuple(result.shape) for result in results] == [target.shape for target in batch.targets]
    assert batch.small.shape[1] == network.channels
    (pair,) = held_out_pairs(held_out, network, settings)
    assert len(pair.targets) == len(network.scales)


def test_squares_are_whole_pictures_reduced_twice(photos: Path) -> None:
    photographs = [FilePhotograph(path) for path in pictures(photos / "photos")]
    geometry = Geometry((2, 4), 0, channels=3)
    squares = Squares(photographs, geometry, scales=(2, 4), side=64, size=4, seed=0)
    assert squares.steps_per_epoch == 2
    small, targets = parts(squares.batch(0))
    assert small.shape == (4, 3, 16, 16) and [target.shape[2:] for target in targets] == [(32, 32), (64, 64)]
    assert len(parts(squares.batch(1))[0]) == 2


def test_batches_made_ahead_are_the_same_batches() -> None:
    crops = Crops([ramp(2)], Geometry((2,), 5), crop=16, size=4, epoch_steps=5, flat=0.1, seed=1)
    with Prefetch(crops, range(3, 9), depth=2, threads=2) as ahead:
        for step, batch in zip(range(3, 9), ahead, strict=True):
            np.testing.assert_array_equal(batch.small, crops.batch(step).small)
        with pytest.raises(StopIteration):
            ahead.next()


def test_what_goes_wrong_in_a_batch_made_ahead_is_raised_where_it_is_asked_for() -> None:
    class Broken(Crops):
        def batch(self, step: int) -> Batch:
            if step == 2:
                raise TrainingError("broken")
            return super().batch(step)

    crops = Broken([ramp(2)], Geometry((2,), 5), crop=16, size=4, epoch_steps=5, flat=0.1, seed=1)
    with Prefetch(crops, range(9)) as ahead:
        ahead.next(), ahead.next()
        with pytest.raises(TrainingError, match="broken"):
            ahead.next()


def test_published_pairs_are_found(photos: Path, tmp_path: Path) -> None:
    (pair,) = benchmark_pairs(photos / "benchmark" / "Drawn", build("espcn", 3))
    assert pair.name == "a" and pair.targets[0].shape == (60, 72, 3) and pair.small.shape == (20, 24, 3)
    save(tmp_path / "HR" / "x2" / "b.png", draw(8, 8, 0))
    with pytest.raises(TrainingError, match=r"b\.png has no small picture"):
        list(benchmark_pairs(tmp_path, build("espcn", 2)))


def test_too_small_pictures_are_refused() -> None:
    with pytest.raises(TrainingError, match="crop of 64"):
        Crops([ramp(2)], Geometry((2,), 5), crop=64, size=1, epoch_steps=1, flat=0, seed=0)
    with pytest.raises(TrainingError, match="sub-image of 64"):
        Tiles([ramp(2)], Geometry((2,), 5), crop=64, stride=14, size=1, seed=0)
