"""The house's plain network: counted, starting as an enlargement, faithful to its input."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from subpixel.image import resample  # noqa: E402
from subpixel_train.networks import BicubicEnlarge, build  # noqa: E402
from subpixel_train.networks.plain import Plain, PlainSettings  # noqa: E402


@pytest.mark.parametrize(
    ("settings", "scale", "count"),
    [
        (PlainSettings(width=32, depth=3), 4, 10 * 32 + 3 * (9 * 32 * 32 + 32) + 9 * 32 * 16 + 16 + 25 * 16),
        (PlainSettings(width=64, depth=13, skip="repeat"), 2, 10 * 64 + 13 * (9 * 64 * 64 + 64) + 9 * 64 * 4 + 4 + 4),
        (PlainSettings(width=16, depth=1, skip="repeat", unshuffle=2), 2, 592 + 2320 + 9 * 16 * 16 + 16 + 4 * 16),
    ],
)
def test_parameters(settings: PlainSettings, scale: int, count: int) -> None:
    assert build(settings, scale).trained_parameters == count


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_untrained_it_is_the_enlargement_it_adds_to(scale: int) -> None:
    x = torch.rand(1, 1, 12, 10)
    repeated = x.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    bicubic = BicubicEnlarge(scale)(torch.nn.functional.pad(x, (8,) * 4, mode="replicate"))
    bicubic = bicubic[..., 8 * scale : -8 * scale, 8 * scale : -8 * scale]
    for skip, expected in (("repeat", repeated), ("bicubic", bicubic), ("learned", bicubic)):
        made = build(PlainSettings(width=8, depth=1, skip=skip), scale).upscale(x)[0]
        assert torch.allclose(made, expected, atol=1e-6)
    strided = build(PlainSettings(width=8, depth=1, skip="repeat", unshuffle=2), scale)
    assert torch.allclose(strided.upscale(x)[0], repeated, atol=1e-6)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_back_projection_brings_the_result_to_its_input(scale: int) -> None:
    """Whatever the network makes of noise: reduced again, most of what was wrong is gone."""
    torch.manual_seed(1)
    x = torch.rand(1, 1, 40, 40)
    errors = []
    for faithful in (False, True):
        torch.manual_seed(2)
        network = build(PlainSettings(width=8, depth=1, faithful=faithful), scale).eval()
        assert isinstance(network, Plain)
        with torch.no_grad():
            network.last.weight.normal_(std=0.05)
            made = network.upscale(x)[0][0].numpy()
        again = resample.resize(made, 40, 40)
        errors.append(float(np.abs(again - x[0].numpy())[:, 4:-4, 4:-4].mean()))
    assert errors[1] < 0.6 * errors[0]


def test_training_on_crops_is_faithful_at_their_border() -> None:
    """In training nothing stands around a crop: there its border is repeated, not taken for black."""
    network = build(PlainSettings(width=8, depth=1, faithful=True), 2).train()
    flat = torch.full((1, 1, 9, 9), 0.9)
    assert torch.allclose(network(flat)[..., 6:-6, 6:-6], torch.full((1, 1, 6, 6), 0.9), atol=1e-5)


def test_settings_that_do_not_go_together() -> None:
    with pytest.raises(ValidationError, match="skip: repeat"):
        PlainSettings(unshuffle=2)
