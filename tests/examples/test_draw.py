"""The example pictures are what their script draws, and hold what they are examples of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image

EXAMPLES = Path(__file__).parents[2] / "examples"
PICTURES = ("scene.png", "logo-alpha.png", "gradient-16bit.png", "squeezed.jpg")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    subprocess.run([sys.executable, str(EXAMPLES / "draw.py"), "--into", str(folder)], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("name", PICTURES)
def test_the_script_draws_the_files_that_stand_beside_it(drawn: Path, name: str) -> None:
    made = pyvips.Image.new_from_file(str(drawn / name)).numpy()
    kept = pyvips.Image.new_from_file(str(EXAMPLES / name)).numpy()
    assert (made.dtype, made.shape) == (kept.dtype, kept.shape)
    different = made != kept  # none here; another processor or FreeType may round a sample the other way
    assert different.mean() < 0.002


@pytest.mark.parametrize("name", PICTURES)
def test_examples_are_small(name: str) -> None:
    assert (EXAMPLES / name).stat().st_size < 200_000


def test_the_scene_is_an_ordinary_picture() -> None:
    with Image.open(EXAMPLES / "scene.png") as scene:
        assert (scene.size, scene.mode) == ((320, 213), "RGB")


def test_the_logo_hides_loud_colours_under_clear_parts_and_has_soft_edges() -> None:
    pixels = np.asarray(Image.open(EXAMPLES / "logo-alpha.png"))
    clear = pixels[..., 3] == 0
    assert clear.mean() > 0.1
    assert len(np.unique(pixels[clear][:, :3], axis=0)) >= 4
    assert pixels[clear][:, :3].max() == 255
    assert len(np.unique(pixels[..., 3])) > 50
    assert (pixels[..., 3] == 255).mean() > 0.2


def test_the_gradient_needs_16_bits() -> None:
    image = pyvips.Image.new_from_file(str(EXAMPLES / "gradient-16bit.png"))
    assert (image.format, image.bands, image.interpretation) == ("ushort", 3, "rgb16")
    assert len(np.unique(image.numpy()[..., 0])) > 1000


def test_the_squeezed_picture_lies_on_its_side_and_carries_metadata() -> None:
    with Image.open(EXAMPLES / "squeezed.jpg") as image:
        assert image.size == (180, 240)
        assert image.getexif()[0x0112] == 6
        assert len(image.info["icc_profile"]) > 300
    assert (EXAMPLES / "squeezed.jpg").stat().st_size < 0.1 * 180 * 240  # under 0.8 bits per pixel
