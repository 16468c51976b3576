"""Losses against independent computations, and their weighted sum."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from pydantic import ValidationError  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from subpixel import measure  # noqa: E402
from subpixel.errors import TrainingError  # noqa: E402
from subpixel_train.losses import (  # noqa: E402
    LOSSES,
    LossSettings,
    Objective,
    Perceptual,
    PerceptualSettings,
    charbonnier,
    frequency,
    mae,
    mse,
    psnr,
    ssim,
)
from subpixel_train.losses.settings import PLAIN  # noqa: E402


def pictures(*shape: int, noise: float = 0.1, seed: int = 0) -> tuple[Any, Any]:
    """A smooth picture with some texture, and a noisy copy of it, in 0–1."""
    made = torch.Generator().manual_seed(seed)
    target = torch.nn.functional.interpolate(torch.rand(*shape[:2], 6, 7, generator=made), shape[2:], mode="bicubic")
    result = target + noise * torch.randn(*shape, generator=made)
    return result.clamp(0, 1), target.clamp(0, 1)


def test_values_by_hand() -> None:
    result, target = torch.tensor([[0.0, 0.5]]), torch.tensor([[0.3, 0.1]])
    assert mse(result, target).item() == pytest.approx((0.09 + 0.16) / 2)
    assert mae(result, target).item() == pytest.approx((0.3 + 0.4) / 2)
    assert charbonnier(result, target).item() == pytest.approx((0.3 + 0.4) / 2, abs=1e-5)


@pytest.mark.parametrize("name", list(LOSSES))
def test_equal_pictures_have_no_loss_and_a_finite_gradient(name: str) -> None:
    result = torch.full((1, 1, 16, 16), 0.5, requires_grad=True)
    loss = LOSSES[name](result, torch.full((1, 1, 16, 16), 0.5))
    loss.backward()
    assert loss.item() == pytest.approx(-4 if name == "psnr" else 0, abs=1.1e-3)
    assert result.grad is not None and torch.isfinite(result.grad).all()


@pytest.mark.parametrize("name", list(LOSSES))
def test_gradients_are_those_of_the_values(name: str) -> None:
    """A small step along the gradient changes the loss as the gradient says."""
    result, target = pictures(2, 3, 14, 15)
    result.requires_grad_()
    loss = LOSSES[name](result, target)
    (gradient,) = torch.autograd.grad(loss, result)
    assert torch.isfinite(gradient).all() and gradient.norm() > 0
    step = 1e-3 * gradient / gradient.norm()
    rise = (LOSSES[name](result + step, target) - LOSSES[name](result - step, target)) / 2
    assert rise.item() == pytest.approx(1e-3 * gradient.norm().item(), rel=0.05)


def test_psnr_counts_pictures_alike_and_floors_at_40_decibels() -> None:
    target = torch.zeros(2, 1, 4, 4)
    result = torch.stack([torch.full((1, 4, 4), 0.1), torch.full((1, 4, 4), 0.01)])
    assert psnr(result, target).item() == pytest.approx((-2 + -3.69897) / 2, abs=5e-3)
    assert psnr(target, target).item() == pytest.approx(-4)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 7), (1, 6), (12, 5), (3, 2), (4, 1)])
def test_frequency_is_the_mean_over_the_whole_transform(height: int, width: int) -> None:
    result, target = torch.rand(2, 3, height, width), torch.rand(2, 3, height, width)
    spectrum = np.fft.fft2(result.double().numpy()) - np.fft.fft2(target.double().numpy())
    expected = (np.abs(spectrum.real).mean() + np.abs(spectrum.imag).mean()) / 2
    assert frequency(result, target).item() == pytest.approx(expected, rel=1e-5)


def test_frequency_of_white_noise_is_what_the_docstring_says() -> None:
    torch.manual_seed(0)
    noise = 0.05 * torch.randn(8, 3, 64, 48)
    assert frequency(noise, torch.zeros_like(noise)).item() == pytest.approx(
        0.05 * math.sqrt(64 * 48 / math.pi), rel=0.01
    )


@pytest.mark.parametrize("noise", [0.01, 0.1, 0.5])
def test_ssim_is_the_one_of_the_tables(noise: float) -> None:
    result, target = pictures(1, 1, 24, 31, noise=noise)
    measured = measure.ssim(*(picture[0, 0].double().numpy() * 255 for picture in (result, target)))
    assert 1 - ssim(result, target).item() == pytest.approx(measured, abs=1e-5)


def test_ssim_by_the_definition() -> None:
    """Every window by itself, in double precision."""
    result, target = pictures(1, 2, 13, 12)
    weight = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = np.outer(weight, weight) / weight.sum() ** 2
    values = []
    for a, b in zip(result[0].double().numpy(), target[0].double().numpy(), strict=True):
        for y in range(3):
            for x in range(2):
                p, q = a[y : y + 11, x : x + 11], b[y : y + 11, x : x + 11]
                mp, mq = (window * p).sum(), (window * q).sum()
                vp, vq = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum()
                cov = (window * (p - mp) * (q - mq)).sum()
                above = (2 * mp * mq + 1e-4) * (2 * cov + 9e-4)
                values.append(above / ((mp**2 + mq**2 + 1e-4) * (vp + vq + 9e-4)))
    assert 1 - ssim(result, target).item() == pytest.approx(np.mean(values), abs=1e-6)


@pytest.mark.parametrize("name", ["frequency", "ssim"])
def test_float32_under_autocast(name: str) -> None:
    result, target = pictures(1, 3, 32, 32)
    plain = LOSSES[name](result, target)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(LOSSES[name](result, target), plain)
        coarse = LOSSES[name](result.bfloat16(), target.bfloat16())
    assert coarse.dtype == torch.float32
    assert torch.equal(coarse, LOSSES[name](result.bfloat16().float(), target.bfloat16().float()))


def test_ssim_refuses_crops_smaller_than_its_window() -> None:
    with pytest.raises(TrainingError, match="SSIM of crops of 12×10 pixels: its window has 11×11"):
        ssim(torch.zeros(1, 1, 10, 12), torch.zeros(1, 1, 10, 12))


# --- settings ---


def test_a_field_for_every_loss() -> None:
    assert set(PLAIN) == set(LOSSES)


def test_a_name_is_a_weight_of_one() -> None:
    assert LossSettings.model_validate("mae") == LossSettings(mae=1)
    assert list(LossSettings.model_validate({"mae": 1, "frequency": 0.05}).plain()) == [("mae", 1), ("frequency", 0.05)]
    assert LossSettings.model_validate(LossSettings(mse=1).model_dump(mode="json")) == LossSettings(mse=1)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("mes", r"did you mean 'mse'\? there are mse, mae"),
        ({}, "at least one loss needs a weight above 0"),
        ({"mae": 0}, "at least one loss needs a weight above 0"),
        ({"mae": -1}, "greater than or equal to 0"),
        ({"mea": 1}, "Extra inputs are not permitted"),
        ({"mae": 1, "outputs": [0, 0]}, "one at least is above 0"),
        ({"mae": 1, "outputs": []}, "at least 1 item"),
        ({"perceptual": {"extractor": "vgg16"}}, "'vgg19' or 'squeezenet'"),
        ({"perceptual": {"weight": 0}}, "greater than 0"),
    ],
)
def test_mistakes_are_named(values: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        LossSettings.model_validate(values)


def test_features_are_weighted_as_in_isr() -> None:
    settings = LossSettings.model_validate({"perceptual": {}}).perceptual
    assert settings is not None
    assert (settings.weight, settings.extractor, settings.criterion) == (0.0833, "vgg19", "mse")


# --- objective ---


@pytest.mark.parametrize("name", PLAIN)
def test_a_single_loss_is_that_function_to_the_last_bit(name: str) -> None:
    result, target = pictures(2, 1, 20, 20)
    one, other = result.clone().requires_grad_(), result.clone().requires_grad_()
    value = Objective(LossSettings.model_validate(name))((one,), (target,))
    alone = LOSSES[name](other, target)
    value.total.backward()
    alone.backward()
    assert torch.equal(value.total, alone) and torch.equal(one.grad, other.grad)
    assert list(value.parts) == [name] and torch.equal(value.parts[name], alone)
    assert not value.parts[name].requires_grad


def test_losses_add_up_with_their_weights() -> None:
    result, target = pictures(2, 3, 20, 20)
    value = Objective(LossSettings(mae=1, frequency=0.05, ssim=0.2))((result,), (target,))
    assert value.total.item() == pytest.approx(
        (mae(result, target) + 0.05 * frequency(result, target) + 0.2 * ssim(result, target)).item(), rel=1e-6
    )
    assert value.parts.keys() == {"mae", "frequency", "ssim"}
    assert value.parts["frequency"].item() == pytest.approx(frequency(result, target).item())


@pytest.mark.parametrize(
    ("shares", "expected"), [(None, (0.5, 0.5)), ([0.3, 0.7], (0.3, 0.7)), ([0.65, 0.35], (0.65, 0.35))]
)
def test_outputs_have_weights(shares: list[float] | None, expected: tuple[float, float]) -> None:
    small, large = pictures(2, 3, 12, 12), pictures(2, 3, 24, 24, seed=1)
    value = Objective(LossSettings(mse=1, outputs=shares), 2)((small[0], large[0]), (small[1], large[1]))
    assert value.total.item() == pytest.approx(
        expected[0] * mse(*small).item() + expected[1] * mse(*large).item(), rel=1e-6
    )
    assert value.parts["mse/1"].item() == pytest.approx(mse(*small).item())
    assert value.parts["mse/2"].item() == pytest.approx(mse(*large).item())


def test_one_weight_per_output() -> None:
    with pytest.raises(TrainingError, match=r"loss\.outputs has 3 weights: the network has 2 outputs"):
        Objective(LossSettings(mse=1, outputs=[1, 1, 1]), 2)


def test_results_in_bfloat16_are_compared_in_float32() -> None:
    result, target = pictures(1, 3, 16, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = Objective(LossSettings(mse=1, ssim=1))((result.bfloat16(),), (target,))
    assert value.total.dtype == torch.float32
    assert value.parts["mse"].item() == pytest.approx(mse(result.bfloat16().float(), target).item(), rel=1e-6)


def test_the_centre_is_put_back_where_the_level_matters() -> None:
    result, target = pictures(1, 1, 16, 16)
    around_zero = Objective(LossSettings(mae=1, ssim=1), centre=0.45)((result - 0.45,), (target - 0.45,))
    plain = Objective(LossSettings(mae=1, ssim=1))((result,), (target,))
    assert around_zero.total.item() == pytest.approx(plain.total.item(), rel=1e-5)


# --- features ---


class Edges(torch.nn.Module):
    """Differences to the right and downwards, in two layers: a feature extractor that can be computed by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))
        self.seen: list[tuple[int, ...]] = []

    def forward(self, x: Any) -> list[Any]:
        self.seen.append(tuple(x.shape))
        return [self.scale * (x[..., 1:] - x[..., :-1]), self.scale * (x[..., 1:, :] - x[..., :-1, :])]


@pytest.mark.parametrize("criterion", ["mse", "mae"])
def test_features_are_compared_layer_by_layer(criterion: str) -> None:
    result, target = pictures(2, 3, 8, 9)
    settings = LossSettings(perceptual=PerceptualSettings(weight=0.5, criterion=criterion))
    value = Objective(settings, extractor=Edges())((result,), (target,))
    right, down = (torch.diff(result - target, dim=dim) for dim in (3, 2))
    distance = {"mse": torch.square, "mae": torch.abs}[criterion]
    expected = (distance(right).mean() + distance(down).mean()) / 2
    assert value.parts["perceptual"].item() == pytest.approx(expected.item(), rel=1e-5)
    assert value.total.item() == pytest.approx(0.5 * expected.item(), rel=1e-5)


def test_the_extractor_does_not_learn_and_luma_is_grey() -> None:
    result, target = pictures(2, 1, 8, 9)
    extractor = Edges()
    loss = Perceptual(extractor).train()
    result.requires_grad_()
    loss(result, target).backward()
    assert not extractor.training and extractor.scale.grad is None
    assert result.grad is not None and torch.isfinite(result.grad).all() and result.grad.abs().sum() > 0
    assert extractor.seen == [(2, 3, 8, 9), (2, 3, 8, 9)]


def test_layers_may_be_numbers_and_other_keys_are_refused() -> None:
    assert PerceptualSettings.model_validate({"layers": [5, "block3_conv3"]}).layers == ["5", "block3_conv3"]
    with pytest.raises(ValidationError, match="Extra inputs"):
        PerceptualSettings.model_validate({"layer": ["5"]})


def test_vgg19_is_compared_as_it_is(tmp_path: Path) -> None:
    """Weights under torchvision's names from a file; ISR's two layers by its numbers."""
    torch.manual_seed(0)
    weights, channels = {}, 3
    for number, maps in ((0, 64), (2, 64), (5, 128), (7, 128), (10, 256), (12, 256), (14, 256)):
        weights[f"features.{number}.weight"] = torch.randn(maps, channels, 3, 3) * math.sqrt(2 / (9 * channels))
        weights[f"features.{number}.bias"] = 0.1 * torch.randn(maps)
        channels = maps
    save_file(weights, tmp_path / "vgg19.safetensors")
    settings = PerceptualSettings.model_validate({"layers": [5, 9], "weights": str(tmp_path / "vgg19.safetensors")})
    loss = Perceptual.of(settings)
    result, target = pictures(1, 3, 24, 24)

    def features(x: Any) -> list[Any]:
        x = (x - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
        found = []
        for number in (0, 2, "pool", 5, 7, "pool", 10, 12, 14):
            if number == "pool":
                x = torch.nn.functional.max_pool2d(x, 2)
                continue
            x = torch.nn.functional.conv2d(
                x, weights[f"features.{number}.weight"], weights[f"features.{number}.bias"], padding=1
            ).relu()
            if number in (7, 14):
                found.append(x)
        return found

    expected = sum(mse(a, b) for a, b in zip(features(result), features(target), strict=True)) / 2
    assert loss(result, target).item() == pytest.approx(expected.item(), rel=1e-4)


@pytest.fixture(scope="module")
def squeezenet_weights() -> str:
    from subpixel_train import pretrained

    try:
        return str(pretrained.find(("squeezenet",), None))
    except TrainingError as error:
        pytest.skip(f"needs SqueezeNet's weights: {error}")


def test_squeezenet_layers_weigh_alike(squeezenet_weights: str) -> None:
    result, target = pictures(1, 3, 48, 48, noise=0.05)
    settings = PerceptualSettings(extractor="squeezenet", weights=squeezenet_weights)
    loss = Perceptual.of(settings)
    found = zip(loss.extractor(result), loss.extractor(target), (0.9, 3.9), strict=True)
    expected = sum((a - b).square().mean() / unit**2 for a, b, unit in found) / 2
    assert loss(result, target).item() == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_squeezenet_sees_a_blur_and_pulls_away_from_it(squeezenet_weights: str, channels: int) -> None:
    settings = LossSettings(perceptual=PerceptualSettings(extractor="squeezenet", weights=squeezenet_weights))
    objective = Objective(settings)
    target = pictures(1, channels, 64, 64)[0]
    distances = []
    for factor in (1, 2, 4):
        small = torch.nn.functional.avg_pool2d(target, factor)
        blurred = torch.nn.functional.interpolate(small, scale_factor=float(factor), mode="bilinear")
        distances.append(objective((blurred,), (target,)).total.item())
    assert distances[0] == 0 < distances[1] < distances[2]
    blurred.requires_grad_()
    before = objective((blurred,), (target,)).total
    before.backward()
    assert torch.isfinite(blurred.grad).all()
    after = objective((blurred.detach() - 0.5 * blurred.grad / blurred.grad.norm(),), (target,)).total
    assert after < before
    assert not any(p.requires_grad or p.grad is not None for p in objective.parameters())


def test_absent_weights_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"nowhere\.safetensors"):
        Objective(LossSettings(perceptual=PerceptualSettings(weights=str(tmp_path / "nowhere.safetensors"))))
