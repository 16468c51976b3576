"""Scoring methods on sets; the published values of bicubic prove the protocol where the pictures are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from subpixel.errors import PictureError, PictureUnsupported, SettingError
from subpixel.measure import (
    BENCHMARKS,
    Benchmark,
    benchmark_set,
    bicubic,
    data_folder,
    evaluate,
    folder_set,
    mean_scores,
    nearest,
    psnr,
    read_pixels,
    reduce,
    ssim,
)

DATA = os.environ.get("SUBPIXEL_DATA", "")


def texture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth waves with a little noise: something that bicubic enlarges better than repetition."""
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin(x / 5 + k) + np.cos(y / 7 - k) for k in range(3)], axis=-1)
    noise = np.random.default_rng(seed).normal(0, 2, waves.shape)
    return np.clip(np.rint(128 + 50 * waves + noise), 0, 255).astype(np.uint8)


@pytest.fixture
def references(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    Image.fromarray(texture(61, 50)).save(folder / "a.png")
    Image.fromarray(texture(40, 44)[..., 0]).save(folder / "b.png")
    return folder


@pytest.mark.skipif(not DATA, reason="needs benchmark pictures: set SUBPIXEL_DATA")
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda benchmark: benchmark.name)
def test_bicubic_reproduces_published_values(benchmark: Benchmark, scale: int) -> None:
    pictures = benchmark_set(data_folder(), benchmark.name, scale)
    assert len(pictures.pairs) == benchmark.pictures
    (score,) = evaluate({"bicubic": bicubic(scale)}, pictures)
    assert score.psnr == pytest.approx(benchmark.bicubic[scale], abs=0.05)


def test_scores_are_those_of_the_parts(references: Path) -> None:
    done: list[str] = []
    methods = {"bicubic": bicubic(3), "nearest": nearest(3)}
    scores = evaluate(methods, folder_set(references, None, 3), notify=done.append)
    assert done == ["a", "a", "b", "b"]
    assert [(score.method, score.set_name, score.scale) for score in scores] == [
        ("bicubic", "mine", 3),
        ("nearest", "mine", 3),
    ]
    reference = texture(61, 50)[:60, :48]
    result = bicubic(3)(reduce(reference, 3))
    first = scores[0].pictures[0]
    assert (first.psnr, first.ssim) == (psnr(reference, result, border=3), ssim(reference, result, border=3))
    assert first.megapixels == pytest.approx(60 * 48 / 1e6)
    assert scores[0].psnr == pytest.approx(np.mean([picture.psnr for picture in scores[0].pictures]))
    assert scores[0].psnr > scores[1].psnr + 1
    assert scores[0].seconds_per_megapixel > 0
    assert mean_scores(scores, "nearest") == {"mine": (scores[1].psnr, scores[1].ssim)}


def test_border_can_be_chosen(references: Path) -> None:
    pictures = folder_set(references, None, 2)
    default, cut, none = (evaluate({"n": nearest(2)}, pictures, border=border)[0].psnr for border in (None, 2, 0))
    assert default == cut != none


def test_method_of_another_factor_is_refused(references: Path) -> None:
    with pytest.raises(SettingError, match="a became 75×90, its reference is 50×60"):
        evaluate({"bicubic": bicubic(3)}, folder_set(references, None, 2))


def test_tiny_reference_is_refused(tmp_path: Path) -> None:
    Image.fromarray(texture(14, 40)).save(tmp_path / "a.png")
    with pytest.raises(PictureUnsupported, match="too small to score: 40×14"):
        evaluate({"bicubic": bicubic(2)}, folder_set(tmp_path, None, 2))


def test_reading_for_scores(tmp_path: Path) -> None:
    opaque = np.dstack([texture(12, 13), np.full((12, 13), 255, np.uint8)])
    Image.fromarray(opaque).save(tmp_path / "opaque.png")
    assert np.array_equal(read_pixels(tmp_path / "opaque.png"), opaque[..., :3])
    opaque[3, 4, 3] = 254
    Image.fromarray(opaque).save(tmp_path / "clear.png")
    with pytest.raises(PictureUnsupported, match="transparent"):
        read_pixels(tmp_path / "clear.png")
    deep = (texture(12, 13)[..., 0].astype(np.uint16) * 257) + 100
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert np.array_equal(read_pixels(tmp_path / "deep.png")[..., 0], texture(12, 13)[..., 0])
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(PictureError, match=r"text\.png"):
        read_pixels(tmp_path / "text.png")
