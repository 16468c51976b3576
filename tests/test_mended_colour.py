"""Beside a network on luma whose card says so, another one mends the colour; it changes nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from subpixel import zoo
from subpixel.errors import ModelDamaged, ModelUnknown
from subpixel.plan import Target
from subpixel.types import Picture, Pixels
from subpixel.upscaler import Upscaler
from tests import networks

pytest.importorskip("onnx", reason="makes the networks: pip install onnx")

Own = Callable[[str], Path]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Own:
    """A model on luma that names a network for colour; ``""``: none."""
    monkeypatch.setattr(zoo, "_COLOURS", tmp_path / "colours")
    networks.mending(tmp_path / "colours" / "mending")
    networks.mending(tmp_path / "colours" / "wrong", outputs=3)

    def make(mends: str) -> Path:
        plain = networks.rgb(tmp_path / f"luma-{mends}", channels=1)
        if mends:
            card = plain / "card.toml"
            card.write_text(card.read_text(encoding="utf-8") + f'\nmends = "{mends}"\n', encoding="utf-8")
        return plain

    return make


def _noise(channels: int = 3, height: int = 45, width: int = 61) -> Pixels:
    rng = np.random.default_rng(2)
    coarse = rng.integers(20, 236, (1, height // 4 + 1, width // 4 + 1, channels), np.uint8)
    return coarse.repeat(4, axis=1).repeat(4, axis=2)[:, :height, :width]


def _enlarged(model: Path, pixels: Pixels, tile: int = 512, precision: str = "fp32") -> Pixels:
    made = Upscaler(model, tile=tile, precision=precision).picture(Picture(pixels), Target(2))  # type: ignore[arg-type]
    return made.picture.pixels


def _luma(pixels: Pixels) -> np.ndarray:
    return pixels.astype(float) @ (65.481, 128.553, 24.966) / 255


def test_colour_changes_and_luma_does_not(own: Own) -> None:
    mended, plain = (_enlarged(own(name), _noise()) for name in ("mending", ""))
    assert np.abs(mended.astype(int) - plain).mean() > 1
    inside = ((mended > 0) & (mended < 255) & (plain > 0) & (plain < 255)).all(axis=-1)
    assert np.abs(_luma(mended) - _luma(plain))[inside].max() < 1, "but for rounding"


@pytest.mark.parametrize("tile", [16, 23])
def test_tiles_do_not_show(own: Own, tile: int) -> None:
    model = own("mending")
    np.testing.assert_array_equal(_enlarged(model, _noise(), tile), _enlarged(model, _noise()))


def test_grey_and_even_areas_stay_as_they_are(own: Own) -> None:
    grey = _noise(1).repeat(3, axis=3)
    model = own("mending")
    made = _enlarged(model, grey)
    assert (made == made[..., :1]).all()
    even = np.full((1, 40, 40, 3), (200, 90, 30), np.uint8)
    assert (_enlarged(model, even) == (200, 90, 30)).all()


def test_a_grey_part_of_a_coloured_picture_stays_grey(own: Own) -> None:
    pixels = _noise()
    pixels[:, :, :30] = pixels[:, :, :30, :1]
    made = _enlarged(own("mending"), pixels)[:, :, :40]  # what no colour reaches: 2 and 4 pixels
    assert (made == made[..., :1]).all()


def test_pictures_without_colour_need_no_mending(own: Own) -> None:
    np.testing.assert_array_equal(_enlarged(own("wrong"), _noise(1)), _enlarged(own(""), _noise(1)))


def test_what_does_not_fit_is_said(own: Own, tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match="the network wrong makes"):
        _enlarged(own("wrong"), _noise())
    with pytest.raises(ModelDamaged, match="no network called 'absent' mends colour"):
        _enlarged(own("absent"), _noise())
    with pytest.raises(ModelUnknown, match="mending does not enlarge"):
        Upscaler(tmp_path / "colours" / "mending")
    card = tmp_path / "luma-wrong" / "card.toml"
    card.write_text(card.read_text(encoding="utf-8").replace("scale = 2", "scale = 1"), encoding="utf-8")
    with pytest.raises(ModelDamaged, match=r"scale = 1.*2 to 16: a model enlarges"):
        zoo.card(card)


def test_every_model_names_a_network_that_is_there() -> None:
    named = {zoo.card(name).mends for name in zoo.model_names()} - {""}
    for name in named:
        found = zoo.load_colour(name)
        assert found.card.task == zoo.COLOUR and found.network.int8
