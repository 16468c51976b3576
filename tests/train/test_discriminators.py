"""Discriminators: parameters of the papers, any size of picture, spectral normalisation that bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from torch import nn  # noqa: E402

from subpixel_train.adversary import AdversarySettings, build_discriminator  # noqa: E402
from subpixel_train.networks.isr_discriminator import IsrDiscriminator  # noqa: E402
from subpixel_train.networks.srgan_discriminator import SrganDiscriminator  # noqa: E402
from subpixel_train.networks.unet_discriminator import UnetDiscriminator  # noqa: E402


def parameters(network: Any) -> int:
    return sum(p.numel() for p in network.parameters())


def convolutions(*layers: tuple[int, int, int], bias: bool) -> int:
    return sum(i * o * k * k + (o if bias else 0) for i, o, k in layers)


WIDTHS = [(64, 64, 3), (64, 128, 3), (128, 128, 3), (128, 256, 3), (256, 256, 3), (256, 512, 3), (512, 512, 3)]


def test_parameters_of_srgans_discriminator() -> None:
    normalised = 2 * sum(outside for _, outside, _ in WIDTHS)
    dense = 512 * 6 * 6 * 1024 + 1024 + 1024 + 1
    expected = convolutions((3, 64, 3), bias=True) + convolutions(*WIDTHS, bias=False) + normalised + dense
    assert parameters(SrganDiscriminator()) == expected == 23_563_649


def test_parameters_of_isrs_discriminator() -> None:
    normalised = 2 * sum(outside for _, outside, _ in WIDTHS)
    ends = convolutions((512, 1024, 1), (1024, 1, 1), bias=True)
    expected = convolutions((3, 64, 3), *WIDTHS, bias=True) + normalised + ends
    assert parameters(IsrDiscriminator()) == expected == 5_215_425


def test_parameters_of_the_unet() -> None:
    bounded = convolutions(
        (64, 128, 4), (128, 256, 4), (256, 512, 4), (512, 256, 3), (256, 128, 3), (128, 64, 3),
        *(2 * [(64, 64, 3)]),
        bias=False,
    )  # fmt: skip
    expected = convolutions((3, 64, 3), (64, 1, 3), bias=True) + bounded
    assert parameters(UnetDiscriminator()) == expected == 4_376_897


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("name", "size", "scores"),
    [
        ("srgan", (96, 96), (1,)),
        ("srgan", (50, 41), (1,)),
        ("isr", (48, 40), (1, 12, 10)),
        ("isr", (37, 41), (1, 10, 11)),
        ("unet", (32, 40), (1, 32, 40)),
        ("unet", (37, 43), (1, 37, 43)),
    ],
)
def test_any_size(name: str, channels: int, size: tuple[int, int], scores: tuple[int, ...]) -> None:
    network = build_discriminator(AdversarySettings.model_validate({"discriminator": name, "channels": 4}), channels)
    assert network(torch.rand(2, channels, *size)).shape == (2, *scores)


def test_at_96_pixels_the_average_changes_nothing() -> None:
    network, x = SrganDiscriminator(3, 4).eval(), torch.rand(2, 3, 96, 96)
    maps = nn.functional.leaky_relu(network.first(x), 0.2)
    for block in network.blocks:
        maps = block(maps)
    assert maps.shape == (2, 32, 6, 6)
    expected = network.score(nn.functional.leaky_relu(network.dense(maps.flatten(1)), 0.2))
    torch.testing.assert_close(network(x), expected)


def singular_values(network: UnetDiscriminator) -> list[float]:
    with torch.no_grad():
        weights = [layer.weight.detach().flatten(1).double().numpy() for layer in network.bounded()]
    return [float(np.linalg.svd(weight, compute_uv=False)[0]) for weight in weights]


@pytest.mark.parametrize("autocast", [False, True])
def test_spectral_normalisation_bounds_every_inner_layer(autocast: bool) -> None:
    torch.manual_seed(0)
    network = UnetDiscriminator(3, 8)
    with torch.no_grad():
        for layer in network.bounded():
            layer.parametrizations.weight.original.mul_(7)
    x = torch.rand(1, 3, 16, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        for _ in range(60):
            network(x)
    values = singular_values(network.eval())
    assert len(values) == 8
    assert values == pytest.approx([1.0] * 8, abs=0.02)


def test_one_power_iteration_per_pass_and_none_in_evaluation() -> None:
    torch.manual_seed(0)
    network, x = UnetDiscriminator(1, 4), torch.rand(1, 1, 16, 16)
    layer = network.down1.parametrizations.weight
    vector = layer[0]._u
    before, matrix = vector.clone(), layer.original.detach().flatten(1)
    network(x)
    right = nn.functional.normalize(matrix.T @ before, dim=0)
    for _ in range(2):  # the buffers hold u after v: one turn is u ← W v, v ← Wᵀ u
        left = nn.functional.normalize(matrix @ right, dim=0)
        if torch.allclose(left, vector, atol=1e-5):
            break
        right = nn.functional.normalize(matrix.T @ left, dim=0)
    else:
        raise AssertionError("not a power iteration")
    network.eval()
    held = vector.clone()
    network(x)
    assert torch.equal(held, layer[0]._u)
