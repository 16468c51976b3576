"""A network grown from a smaller one computes what that one does, and can learn more."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from safetensors.torch import save_file  # noqa: E402

from subpixel_train.networks.growing import grown  # noqa: E402
from subpixel_train.networks.plain import Plain, PlainSettings  # noqa: E402
from subpixel_train.train.initial import start_from  # noqa: E402


def plain(width: int, depth: int, scale: int = 2) -> Plain:
    network = Plain(PlainSettings(width=width, depth=depth, skip="learned", faithful=True), scale)
    with torch.no_grad():
        for value in network.parameters():
            value.add_(0.05 * torch.randn_like(value))
    return network


@pytest.mark.parametrize(("width", "depth"), [(8, 5), (12, 3), (12, 5), (8, 3)])
def test_same_function(tmp_path: Path, width: int, depth: int) -> None:
    small, large = plain(8, 3), plain(width, depth)
    save_file(small.state_dict(), tmp_path / "small.safetensors")
    copied = start_from(large, str(tmp_path / "small.safetensors"))
    assert len(copied) == len(list(large.parameters()))
    picture = torch.rand(2, 1, 17, 15)
    torch.testing.assert_close(large.eval()(picture), small.eval()(picture), atol=1e-5, rtol=0)


def test_every_new_weight_learns(tmp_path: Path) -> None:
    small, large = plain(8, 2), plain(12, 3)
    save_file(small.state_dict(), tmp_path / "small.safetensors")
    start_from(large, str(tmp_path / "small.safetensors"))
    optimiser = torch.optim.SGD(large.parameters(), 0.05)
    target = torch.rand(1, 1, 40, 40)
    before = large.inner[0].weight[:, 8:].clone()
    for _ in range(3):
        optimiser.zero_grad()
        (large.train()(target[..., ::2, ::2]) - target).square().mean().backward()
        optimiser.step()
    moved = (large.inner[0].weight[:, 8:] - before).abs().amax(dim=(1, 2, 3))
    assert (moved > 0).all(), "old and new channels take from the new ones"


def test_another_scale_keeps_the_trunk() -> None:
    small, large = plain(8, 3, scale=4), plain(12, 4, scale=2)
    made = grown(large.state_dict(), small.state_dict())
    assert made["inner.0.weight"].shape == (12, 12, 3, 3)
    assert made["last.weight"].shape == small.last.weight.shape, "left out by its shape"


def test_a_larger_one_is_left_alone() -> None:
    small, large = plain(8, 3), plain(12, 4)
    made = grown(small.state_dict(), large.state_dict())
    assert all(torch.equal(made[name], value) for name, value in large.state_dict().items())


def test_an_enlargement_that_sharpens_too_much_for_int8_is_held_back() -> None:
    settings = PlainSettings(width=8, depth=1, linear=2, skip="learned", faithful=True, fake_quantise=True)
    network = Plain(settings, 2)
    tensors = {name: value.clone() for name, value in network.state_dict().items()}
    same = network.grown_from(dict(tensors))
    assert torch.equal(same["skip.weight"], tensors["skip.weight"])
    strong = tensors["skip.weight"] * 2 - 1 / 25
    strong[0] = tensors["skip.weight"][0]
    held = network.grown_from(tensors | {"skip.weight": strong})["skip.weight"]
    assert strong[1:].abs().sum((1, 2, 3)).min() > 2
    assert held.abs().sum((1, 2, 3)).max() <= 1.961
    assert torch.equal(held[0], strong[0]), "what has room stays as it is"
    torch.testing.assert_close(held.sum((1, 2, 3)), torch.ones(4))
