"""The bicubic models that ship are the ones this code makes."""

import pytest

pytest.importorskip("torch", reason="training is an extra: pip install -e '.[train]'")

from subpixel import zoo
from subpixel_train.classical import SCALES, bicubic_card, bicubic_onnx


@pytest.mark.parametrize("scale", SCALES)
def test_shipped_bicubic_is_reproduced(scale: int) -> None:
    shipped = zoo.load_model(f"bicubic-x{scale}")
    made = bicubic_onnx(scale)
    assert made == shipped.network.onnx
    text = bicubic_card(scale, made, {name: (s.psnr, s.ssim) for name, s in shipped.card.scores.items()})
    folder = zoo.load_model.__globals__["_MODELS"] / f"bicubic-x{scale}"
    assert text == (folder / "card.toml").read_text()
