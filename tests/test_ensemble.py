"""The eight-fold self-ensemble: the mean over all flips, exact with tiles, for every kind of network."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from subpixel import zoo
from subpixel.engines import Batch, EngineSettings, load_engine
from subpixel.ensemble import FOLD, ensemble
from subpixel.plan import Target
from subpixel.types import Picture, Size
from subpixel.upscaler import Upscaler
from tests import networks

pytest.importorskip("onnx", reason="makes the networks: pip install onnx")

KINDS: dict[str, Callable[[Path], Path | str]] = {
    "luma": lambda _: "espcn-x3",
    "rgb": networks.rgb,
    "two-luma": lambda folder: networks.two_outputs(folder, channels=1),
    "strides": networks.strided,
    "strides-8": lambda folder: networks.strided(folder, depth=3, scale=3),
}


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path | str:
    return KINDS[request.param](tmp_path_factory.mktemp("own") / request.param)


def _noise(height: int, width: int, channels: int = 3) -> Picture:
    return Picture(np.random.default_rng(3).integers(0, 256, (1, height, width, channels), dtype=np.uint8))


def test_it_is_the_mean_of_eight() -> None:
    run = load_engine("openvino").load(zoo.load_model("espcn-x3").network, EngineSettings())
    batch = np.random.default_rng(0).random((2, 1, 20, 31), dtype=np.float32)
    (mean,) = ensemble(run)(batch)
    eight = []
    for turns in range(4):
        for mirrored in (False, True):
            laid = np.rot90(batch[..., ::-1] if mirrored else batch, turns, (2, 3))
            back = np.rot90(run(np.ascontiguousarray(laid))[0], -turns, (2, 3))
            eight.append(back[..., ::-1] if mirrored else back)
    assert len(eight) == FOLD
    np.testing.assert_allclose(mean, np.mean(eight, axis=0), atol=1e-6)
    assert np.abs(mean - eight[0]).max() > 1e-4, "the eight differ"


def test_a_mirrored_picture_gives_the_mirrored_result() -> None:
    picture = _noise(33, 41)
    with Upscaler("espcn-x3", eightfold=True, precision="fp32") as upscaler:
        made = upscaler.picture(picture, Target(3)).picture.pixels
        for axis in (1, 2):
            mirrored = Picture(np.ascontiguousarray(np.flip(picture.pixels, axis)))
            other = np.flip(upscaler.picture(mirrored, Target(3)).picture.pixels, axis)
            assert np.abs(made.astype(int) - other).max() <= 1
            assert (made != other).mean() < 0.001, "but for rounding at halves"


def test_tiles_never_show(model: Path | str) -> None:
    scales = zoo.card(model).scales
    for height, width in ((1, 1), (2, 37), (53, 75)):
        picture = _noise(height, width)
        targets = [Target(scale) for scale in scales]
        whole, cut = (
            Upscaler(model, eightfold=True, tile=tile, threads=threads, precision="fp32").pictures(picture, targets)
            for tile, threads in ((8192, 1), (23, 2))
        )
        for one, other in zip(whole, cut, strict=True):
            np.testing.assert_array_equal(one.picture.pixels, other.picture.pixels)


def test_colours_and_flat_areas_stay(model: Path | str) -> None:
    scale = zoo.card(model).scale
    upscaler = Upscaler(model, eightfold=True)
    for level in (0, 77, 255):
        assert (upscaler.upscale(np.full((24, 20, 3), level, np.uint8), scale=scale) == level).all()
    grey = upscaler.upscale(_noise(24, 20, 1).pixels[0].repeat(3, axis=2), scale=scale).astype(int)
    assert (grey.max(axis=2) == grey.min(axis=2)).all()


def test_one_way_at_a_time() -> None:
    """Memory: one result and one input beside the sum, and the plan knows of eight times the work."""
    sizes: list[tuple[int, ...]] = []

    def run(batch: Batch) -> tuple[Batch, ...]:
        assert batch.flags.c_contiguous
        sizes.append(batch.shape)
        return (batch.repeat(2, axis=2).repeat(2, axis=3),)

    batch = np.random.default_rng(0).random((1, 3, 6, 10), dtype=np.float32)
    (mean,) = ensemble(run)(batch)
    np.testing.assert_allclose(mean, batch.repeat(2, axis=2).repeat(2, axis=3), atol=1e-6)
    assert sorted(sizes) == [(1, 3, 6, 10)] * 4 + [(1, 3, 10, 6)] * 4
    picture = _noise(300, 400)
    plain, fold = Upscaler("espcn-x2"), Upscaler("espcn-x2", eightfold=True)
    plans = [one.plan(picture.size, Target(2)) for one in (plain, fold)]
    assert fold.seconds(plans[1], picture) == pytest.approx(8 * plain.seconds(plans[0], picture))
    assert plain.memory(plans[0], picture) < fold.memory(plans[1], picture) < 1.1 * plain.memory(plans[0], picture)


def test_it_is_better() -> None:
    """On a real picture, where the data are."""
    import os

    from subpixel.measure import quality
    from subpixel.measure.reading import read_pixels

    folder = Path(os.environ.get("SUBPIXEL_DATA", "")) / "benchmark/Set5"
    if not os.environ.get("SUBPIXEL_DATA") or not folder.is_dir():
        pytest.skip("needs SUBPIXEL_DATA")
    gains = []
    for path in sorted((folder / "LR/x4").iterdir()):
        small, large = read_pixels(path), read_pixels(folder / "HR/x4" / path.name)
        scores = [
            quality.psnr(
                large, Upscaler("espcn-x4", eightfold=fold, precision="fp32").upscale(small, scale=4), border=4
            )
            for fold in (False, True)
        ]
        gains.append(scores[1] - scores[0])
    assert np.mean(gains) > 0.03, gains


def test_a_network_that_is_symmetric_itself_runs_once(tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(Path(zoo.__file__).parent / "models" / "espcn-x2", own)
    card = own / "card.toml"
    card.write_text(card.read_text(encoding="utf-8").replace("halo =", "symmetric = true\nhalo ="), encoding="utf-8")
    plain, fold = Upscaler(own), Upscaler(own, quality="best")
    (one,), (eight,) = (upscaler.plans(Size(100, 80), (Target(2),)) for upscaler in (plain, fold))
    assert one.passes[0].model == eight.passes[0].model
    picture = _noise(20, 30)
    made = fold.picture(picture, Target(2))
    assert not made.chosen.eightfold
    np.testing.assert_array_equal(made.picture.pixels, plain.picture(picture, Target(2)).picture.pixels)
    with Upscaler("espcn-x2", quality="best") as upscaler:
        assert upscaler.picture(picture, Target(2)).chosen.eightfold
