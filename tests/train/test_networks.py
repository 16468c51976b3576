"""The networks are the ones of the papers: sizes, counts, start, and what they compute without padding."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from subpixel.image import resample  # noqa: E402
from subpixel_train.networks import NETWORKS, BicubicEnlarge, Chain, build, recentre  # noqa: E402
from subpixel_train.networks.base import BICUBIC_REACH  # noqa: E402

CHAINS = [name for name, network in NETWORKS.items() if issubclass(network, Chain)]
EVERY = [(name, scale) for name in CHAINS for scale in (2, 3, 4)]


@pytest.mark.parametrize(("scale", "count"), [(2, 58_212), (3, 59_657), (4, 61_680)])
def test_espcn_has_the_papers_parameters(scale: int, count: int) -> None:
    network = build("espcn", scale)
    assert network.trained_parameters == count
    assert count == (25 + 1) * 64 + (64 * 9 + 1) * 64 + (64 * 9 + 1) * 32 + (32 * 9 + 1) * scale**2
    assert [layer.kernel_size[0] for layer in network.convolutions()] == [5, 3, 3, 3]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_srcnn_has_the_papers_parameters(scale: int) -> None:
    network = build("srcnn", scale)
    assert network.trained_parameters == 8_129 == (81 + 1) * 64 + (64 + 1) * 32 + (32 * 25 + 1)
    assert [layer.kernel_size[0] for layer in network.convolutions()] == [9, 1, 5]


@pytest.mark.parametrize(("name", "scale"), EVERY)
def test_padding_keeps_the_size(name: str, scale: int) -> None:
    network = build(name, scale)
    assert network(torch.rand(2, 1, 13, 17)).shape == (2, 1, 13 * network.step, 17 * network.step)
    assert [y.shape for y in network.upscale(torch.rand(1, 1, 5, 7))] == [(1, 1, 5 * scale, 7 * scale)]
    assert [y.shape for y in network.upscale(torch.rand(1, 1, 1, 1))] == [(1, 1, scale, scale)]


def test_srcnn_without_padding_turns_33_into_21() -> None:
    assert build("srcnn", 3, padded=False)(torch.rand(1, 1, 33, 33)).shape == (1, 1, 21, 21)


def test_espcn_without_padding_loses_five_pixels_a_side() -> None:
    assert build("espcn", 3, padded=False)(torch.rand(1, 1, 20, 31)).shape == (1, 1, 30, 63)


@pytest.mark.parametrize(("name", "scale"), EVERY)
def test_without_padding_is_the_middle_of_with_padding(name: str, scale: int) -> None:
    padded, bare = build(name, scale), build(name, scale, padded=False)
    bare.load_state_dict(padded.state_dict())
    x = torch.rand(1, 1, 30, 26)
    cut = padded.reach * padded.step
    torch.testing.assert_close(bare(x), padded(x)[..., cut:-cut, cut:-cut])


@pytest.mark.parametrize(("name", "scale"), EVERY)
def test_nothing_beyond_the_halo_matters(name: str, scale: int) -> None:
    network = build(name, scale)
    x = torch.rand(1, 1, 2 * network.halo + 1, 2 * network.halo + 3)
    middle = (slice(None), slice(None), slice(network.halo, network.halo + 1), slice(network.halo, network.halo + 1))
    wider = torch.nn.functional.pad(x, (4, 4, 4, 4), value=9.0)

    def pixel(small: torch.Tensor, at: int) -> torch.Tensor:
        y = network(BicubicEnlarge(scale)(small) if network.input == "enlarged" else small)
        return y[..., scale * at : scale * (at + 1), scale * at : scale * (at + 1)]

    torch.testing.assert_close(pixel(wider, network.halo + 4), pixel(x, network.halo))
    changed = x.clone()
    changed[middle] += 1
    assert not torch.equal(pixel(changed, network.halo), pixel(x, network.halo))


def test_espcn_starts_orthogonal() -> None:
    *hidden, last = build("espcn", 3).convolutions()
    for layer, gain in [*((layer, math.sqrt(2)) for layer in hidden), (last, 1.0)]:
        rows = layer.weight.detach().reshape(layer.out_channels, -1)
        if rows.shape[0] > rows.shape[1]:
            rows = rows.T
        torch.testing.assert_close(rows @ rows.T, gain**2 * torch.eye(rows.shape[0]), atol=1e-5, rtol=0)
        assert not layer.bias.any()


@pytest.mark.parametrize("scale", [2, 3, 4, 5])
def test_bicubic_layer_equals_resample_inside(scale: int) -> None:
    x = np.random.default_rng(scale).random((1, 19, 23), np.float32)
    wanted = resample.resize(x, 19 * scale, 23 * scale)
    edge = BICUBIC_REACH * scale
    inside = (slice(None), slice(edge, -edge), slice(edge, -edge))
    padded = BicubicEnlarge(scale)(torch.from_numpy(x)[None])[0].numpy()
    np.testing.assert_allclose(padded[inside], wanted[inside], atol=1e-6)
    bare = BicubicEnlarge(scale, padded=False)(torch.from_numpy(x)[None])[0].numpy()
    np.testing.assert_allclose(bare, wanted[inside], atol=1e-6)


@pytest.mark.parametrize("name", CHAINS)
def test_recentred_weights_compute_the_same(name: str) -> None:
    network = build(name, 2, padded=False)
    x = torch.rand(1, 1, 24, 24)
    before = network(x)
    recentre(network, 0.45)
    torch.testing.assert_close(network(x - 0.45) + 0.45, before, atol=1e-5, rtol=0)
    recentre(network, -0.45)
    torch.testing.assert_close(network(x), before, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", CHAINS)
def test_last_layer_stays_in_float32_under_bfloat16(name: str) -> None:
    network = build(name, 2)
    with torch.autocast("cpu", torch.bfloat16):
        result = network(torch.rand(1, 1, 16, 16))
    assert result.dtype == torch.float32
    assert not torch.equal(result, result.bfloat16().float())


def test_an_unknown_network_is_named() -> None:
    with pytest.raises(ValueError, match="espcnn"):
        build("espcnn", 2)
