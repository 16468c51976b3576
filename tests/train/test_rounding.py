"""Weights on the grid of bfloat16 give flat areas the level they had."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from subpixel.image.colour import grey_to_y  # noqa: E402
from subpixel_train.networks import NETWORKS, Chain, build  # noqa: E402
from subpixel_train.rounding import settle  # noqa: E402
from subpixel_train.train.initial import start_from  # noqa: E402


@pytest.mark.parametrize("name", [name for name, network in NETWORKS.items() if issubclass(network, Chain)])
def test_weights_are_bfloat16_and_flat_areas_stay(name: str) -> None:
    torch.manual_seed(0)
    exact = build(name, 2, padded=False)
    start_from(exact, f"{name}-x2")
    with torch.no_grad():
        for layer in exact.convolutions():  # shipped weights are on the grid: leave it first
            layer.weight *= 1 + 0.004 * torch.rand_like(layer.weight)
    settled, nearest = copy.deepcopy(exact), copy.deepcopy(exact)
    settle(settled, 0.45)
    with torch.no_grad():
        for layer in nearest.convolutions():
            layer.weight.copy_(layer.weight.bfloat16().float())
    for layer in settled.convolutions():
        assert torch.equal(layer.weight, layer.weight.bfloat16().float())
    levels = torch.arange(0, 256, 5) / 255
    flat = torch.as_tensor(grey_to_y(levels.numpy()))[:, None, None, None].expand(-1, 1, 20, 20)
    wanted = exact(flat)
    moved = (settled(flat) - wanted).abs().max().item() * 255
    assert moved < 0.1 and moved < (nearest(flat) - wanted).abs().max().item() * 255 / 2
    picture = torch.rand(1, 1, 40, 40)
    assert (settled(picture) - exact(picture)).abs().mean().item() * 255 < 1
