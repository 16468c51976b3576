"""The house's clean models are faithful: reduced again, a result is its input; greys, ends and means stay.

Properties, on random pictures and, where SUBPIXEL_DATA is, on real ones. Models trained on squeezed pictures are not
held to it: their input is what they are to change.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subpixel import zoo
from subpixel.measure.faithful import returned
from subpixel.measure.reading import read_pixels
from subpixel.upscaler import Upscaler
from subpixel.zoo.line import FAMILIES

HOUSE = sorted(name for name in zoo.model_names() if zoo.card(name).family in {*FAMILIES["best"], *FAMILIES["fast"]})
"""The clean models of the line that the package holds; ESPCN among them, while it steps in."""

HALF = 0.5
"""Levels of 255."""

FEW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])

pytestmark = pytest.mark.parametrize("name", HOUSE)


def _picture(seed: int, height: int, width: int, contrast: float, channels: int = 3) -> np.ndarray:
    """Shapes of all sizes, as photographs have them: the larger the stronger."""
    from subpixel.image.resample import resize

    rng = np.random.default_rng(seed)
    total = np.zeros((channels, height, width), np.float32)
    for size in (3, 6, 12, 24):
        coarse = rng.random((channels, height // size + 2, width // size + 2), dtype=np.float32) - 0.5
        total += resize(coarse, height, width) * size
    total *= contrast / max(1e-6, float(np.abs(total).max()))
    return np.clip(np.rint(total + 127.5), 0, 255).astype(np.uint8).transpose(1, 2, 0)


@lru_cache(maxsize=1)  # compiling takes longer than these pictures
def _upscaler(name: str) -> Upscaler:
    return Upscaler(name, threads=1)


def _enlarged(name: str, picture: np.ndarray) -> np.ndarray:
    return _upscaler(name).upscale(picture, scale=zoo.card(name).scale)


@FEW
@given(st.integers(0, 2**32 - 1), st.integers(24, 60), st.integers(24, 60), st.floats(5, 127))
def test_reduced_again_it_is_the_input(name: str, seed: int, height: int, width: int, contrast: float) -> None:
    picture = _picture(seed, height, width, contrast)
    found = returned(_enlarged(name, picture), picture)
    assert found.mean <= HALF, found
    assert found.colour <= HALF, found


def _impossible() -> dict[str, np.ndarray]:
    """Pictures that no picture between black and white reduces to."""
    rng = np.random.default_rng(0)
    letters = np.full((40, 60, 3), 255, np.uint8)
    for row in range(4, 36, 8):
        for column in range(4, 56, 6):
            letters[row : row + 5, column + rng.integers(3)] = 0
            letters[row + rng.integers(5), column : column + 4] = 0
    squares = np.zeros((48, 48, 3), np.uint8)
    squares[..., 0] = 255
    squares[10:30, 10:30] = (0, 0, 255)
    return {"letters": letters, "noise": rng.integers(0, 256, (40, 40, 3), dtype=np.uint8), "squares": squares}


def test_what_cannot_be_reduced_to_is_no_further_than_bicubic(name: str) -> None:
    if zoo.card(name).family == "espcn":
        pytest.skip("a published network, without back-projection")
    plain = f"bicubic-x{zoo.card(name).scale}"
    for kind, picture in _impossible().items():
        own, usual = (
            returned(Upscaler(model, threads=1).upscale(picture, scale=zoo.card(name).scale), picture)
            for model in (name, plain)
        )
        assert own.mean <= usual.mean + 0.1, (kind, own, usual)
        means = [made.mean(axis=(0, 1)) for made in (_enlarged(name, picture), picture)]
        assert np.abs(means[0] - means[1]).max() <= 3, kind


@FEW
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40))
def test_grey_stays_exactly_grey(name: str, seed: int, height: int, width: int) -> None:
    grey = np.random.default_rng(seed).integers(0, 256, (height, width, 1), dtype=np.uint8)
    made = _enlarged(name, grey.repeat(3, axis=2))
    assert (made == made[..., :1]).all()
    alone = _enlarged(name, grey).astype(int)  # luma of RGB and of grey differ in the last bit before rounding
    assert np.abs(made[..., :1] - alone).max() <= 1
    assert (made[..., :1] != alone).mean() < 0.01


@FEW
@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 255]), st.integers(1, 3))
def test_black_and_white_stay(name: str, seed: int, level: int, channels: int) -> None:
    """Wherever the network sees nothing else, whatever stands further off."""
    channels = 3 if channels == 2 else channels
    card = zoo.card(name)
    clear = card.halo + card.align + 2
    picture = np.full((40, 2 * clear + 20, channels), level, np.uint8)
    picture[:, -clear + 4 :] = np.random.default_rng(seed).integers(0, 256, (40, clear - 4, channels))
    made = _enlarged(name, picture)
    assert (made[:, : (picture.shape[1] - clear + 4 - clear) * card.scale] == level).all()


def test_real_pictures(name: str) -> None:
    folder = Path(os.environ.get("SUBPIXEL_DATA", "")) / "benchmark"
    if not os.environ.get("SUBPIXEL_DATA") or not folder.is_dir():
        pytest.skip("needs SUBPIXEL_DATA")
    scale = zoo.card(name).scale
    for benchmark in ("Set5", "Set14"):
        found = []
        for path in sorted((folder / benchmark / f"LR/x{scale}").iterdir()):
            picture = read_pixels(path)
            found.append(returned(_enlarged(name, picture), picture))
        assert np.mean([one.mean for one in found]) <= HALF, benchmark
        assert max(one.colour for one in found) <= HALF, benchmark
