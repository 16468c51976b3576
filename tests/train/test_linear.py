"""Plain networks with linear channels: what they compute, and that folding them away changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from drawn import RECIPE  # noqa: E402
from pydantic import ValidationError  # noqa: E402

from subpixel.errors import TrainingError  # noqa: E402
from subpixel_train import recipe as recipes  # noqa: E402
from subpixel_train.data import drawn_pairs, inputs  # noqa: E402
from subpixel_train.networks import PlainInt8  # noqa: E402
from subpixel_train.networks.base import MEAN  # noqa: E402
from subpixel_train.networks.folding import fold, unfold  # noqa: E402
from subpixel_train.networks.partial_relu import REACH, PartialReLU  # noqa: E402
from subpixel_train.networks.plain import Plain, PlainSettings  # noqa: E402
from subpixel_train.train import state  # noqa: E402
from subpixel_train.train.initial import start_from  # noqa: E402

LINEAR = PlainSettings(width=12, depth=3, linear=4, skip="learned", faithful=True)


def trained(settings: PlainSettings = LINEAR, scale: int = 2, seed: int = 0) -> Plain:
    """A network that is nowhere zero."""
    torch.manual_seed(seed)
    network = Plain(settings, scale).eval()
    with torch.no_grad():
        network.last.weight.normal_(std=0.05)
        for name, value in network.named_parameters():
            if name.endswith("bias"):
                value.normal_(std=0.05)
    return network


def pictures(count: int = 3) -> list[torch.Tensor]:
    return [torch.rand(1, 1, 24, 30, generator=torch.Generator().manual_seed(seed)) for seed in range(count)]


@pytest.mark.parametrize("training", [False, True])
def test_the_first_channels_pass_and_so_do_their_gradients(training: bool) -> None:
    x = torch.randn(2, 6, 5, 4).to(memory_format=torch.channels_last).requires_grad_()
    weights = torch.randn(2, 6, 5, 4)
    made = PartialReLU(2).train(training)(x)
    wanted = torch.cat((x[:, :2], x[:, 2:].relu()), 1)
    assert torch.equal(made, wanted)
    (one,) = torch.autograd.grad((made * weights).sum(), x)
    (other,) = torch.autograd.grad((wanted * weights).sum(), x)
    assert torch.equal(one, other)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_rounded_in_training_as_int8_will(dtype: torch.dtype) -> None:
    x = torch.randn(2, 6, 40, 40, generator=torch.Generator().manual_seed(1))
    x = (x * torch.tensor([1, 5, 0.1, 1, 2, 3])[:, None, None]).to(dtype, memory_format=torch.channels_last)
    x.requires_grad_()
    activation = PartialReLU(2, fake_quantise=True)
    made, plain = activation.train()(x), PartialReLU(2).train()(x)
    (one,) = torch.autograd.grad(made.float().sum(), x)
    (other,) = torch.autograd.grad(plain.float().sum(), x)
    assert torch.equal(one, other), "gradients pass as if nothing was rounded"
    change = (made - plain).detach().float().abs().amax((0, 2, 3))
    reach = (x.amax((0, 2, 3)) - x.amin((0, 2, 3))).detach().float()[:2]
    coarse = 3 if dtype == torch.bfloat16 else 1.01  # which has 256 steps of its own
    assert (change[:2] > 0.5 * reach / 255).all() and (change[:2] < coarse * 1.1 * reach / 2 / 255).all()
    shared = REACH * float(x.detach()[:, 2:].max()) / 255  # the step of all channels with a ReLU
    assert (change[2:] > 0.4 * shared).all() and (change[2:] < coarse * shared / 2).all()
    assert (made[:, 2:][x[:, 2:] < 0] == 0).all()
    assert torch.equal(activation.eval()(x), plain), "in use nothing is rounded"


def test_linear_channels_begin_as_the_identity() -> None:
    network = Plain(LINEAR, 2)
    for layer in network.inner:
        assert isinstance(layer.weight, torch.Tensor)
        middle = layer.weight[:, :, 1, 1]
        assert (middle.diagonal()[:4] > 0.5).all()
        assert (middle.diagonal()[4:].abs() < 0.5).all()


@pytest.mark.parametrize("settings", [LINEAR, LINEAR.model_copy(update={"linear": 11, "depth": 1})])
def test_folded_it_computes_the_same(settings: PlainSettings) -> None:
    network = trained(settings)
    with torch.no_grad():
        folded = fold(network, pictures())
        assert folded.settings.linear == 0
        for x in pictures():
            change = (folded.upscale(x)[0] - network.upscale(x)[0]).abs().max()
            assert change < 1e-4
    assert any(
        not torch.equal(one, other) for one, other in zip(network.parameters(), folded.parameters(), strict=True)
    )


def test_folding_what_never_fires() -> None:
    network = trained()
    with torch.no_grad():
        for layer in (network.first, *network.inner):
            layer.bias[4:] = -50
        (x,) = pictures(1)
        assert (fold(network, [x]).upscale(x)[0] - network.upscale(x)[0]).abs().max() < 1e-4


def test_values_beyond_what_was_shown_are_cut_off() -> None:
    network = trained()
    grey = torch.full((1, 1, 24, 24), 0.5)
    folded = fold(network, [grey + 0.001 * torch.randn(1, 1, 24, 24)])
    with torch.no_grad():
        (x,) = pictures(1)
        assert (folded.upscale(grey)[0] - network.upscale(grey)[0]).abs().max() < 1e-4
        assert (folded.upscale(x)[0] - network.upscale(x)[0]).abs().max() > 1e-3


def test_a_folded_network_as_one_with_linear_channels_again() -> None:
    network = trained()
    with torch.no_grad():
        folded = fold(network, pictures())
        again = Plain(LINEAR, 2).eval()
        again.load_state_dict(folded.state_dict())
        unfold(again)
        for x in pictures():
            assert (again.upscale(x)[0] - network.upscale(x)[0]).abs().max() < 1e-4
        y = torch.full((1, 1, 40, 40), MEAN) - MEAN
        for layer, activation in zip((again.first, *again.inner), again.activations, strict=True):
            y = activation(layer(y))
            assert y[0, :4, 10:-10, 10:-10].abs().max() < 1e-5


def test_linear_channels_are_never_begun_anew() -> None:
    network = trained()
    with torch.no_grad():
        bias = network.first.bias
        assert bias is not None
        bias[2] = -50  # linear: below zero everywhere, and well
        bias[7] = -50
        before = network.first.weight.clone()
        (x,) = pictures(1)
        assert network.revive(x, {}, 0) > 0
    changed = (network.first.weight != before).flatten(1).any(1)
    assert changed[7]
    assert not changed[:4].any()


def test_networks_with_linear_channels_are_not_grown() -> None:
    small = trained(LINEAR.model_copy(update={"width": 8})).state_dict()
    with pytest.raises(TrainingError, match="cannot be grown from a smaller one"):
        Plain(LINEAR, 2).grown_from(small)
    other_scale = trained(scale=4).state_dict()
    assert Plain(LINEAR, 2).grown_from(other_scale) == other_scale


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"activation": "leaky"}, "linear goes with activation: relu, not leaky"),
        ({"linear": 12}, "linear is 12 of 12 channels: some need an activation"),
        ({"int8": True}, "int8 goes with linear: 0"),
        ({"linear": 0, "fake_quantise": True}, "fake_quantise goes with linear channels"),
    ],
)
def test_what_does_not_go_together(more: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        PlainSettings.model_validate({"width": 12, "linear": 4, **more})


def test_a_start_with_another_number_of_linear_channels_is_refused(tmp_path: Path) -> None:
    made = recipes.parse(RECIPE, "tiny", ["network={kind: plain, width: 12, depth: 3, linear: 4}"])
    (tmp_path / state.RECIPE).write_text(made.to_yaml())
    state.save_weights(tmp_path / state.WEIGHTS, dict(trained().state_dict()), {})
    assert start_from(Plain(LINEAR, 2), str(tmp_path))
    with pytest.raises(TrainingError, match="has 4 linear channels in a layer, this network 0"):
        start_from(Plain(LINEAR.model_copy(update={"linear": 0}), 2), str(tmp_path))


def test_a_network_in_int8_may_start_from_one_with_linear_channels(tmp_path: Path) -> None:
    made = recipes.parse(RECIPE, "tiny", ["network={kind: plain, width: 12, depth: 3, linear: 4, skip: learned}"])
    (tmp_path / state.RECIPE).write_text(made.to_yaml())
    settings = LINEAR.model_copy(update={"faithful": False})
    network = trained(settings)
    state.save_weights(tmp_path / state.WEIGHTS, dict(network.state_dict()), {})
    rounded = PlainInt8(settings.model_copy(update={"linear": 0, "int8": True}), 2).eval()
    assert start_from(rounded, str(tmp_path))
    with torch.no_grad():
        for pair in inputs(network, drawn_pairs(network, 2)):
            assert (rounded.plain().upscale(pair)[0] - network.upscale(pair)[0]).abs().max() < 1e-4


def test_a_shipped_network_as_a_start() -> None:
    """Its linear channels are folded; the network that goes on from it computes what it does."""
    made = recipes.load("crisp-x4")
    assert isinstance(made.network, PlainSettings) and made.network.linear
    ours, folded = Plain(made.network, 4).eval(), Plain(made.network.model_copy(update={"linear": 0}), 4).eval()
    for network in (ours, folded):
        assert start_from(network, "crisp-x4")
    x = torch.nn.functional.interpolate(pictures(1)[0][..., ::3, ::3], scale_factor=3.0, mode="bilinear")
    with torch.no_grad():
        assert (ours.upscale(x)[0] - folded.upscale(x)[0]).abs().max() < 1e-4
    assert ours.first.bias is not None and folded.first.bias is not None
    assert ours.first.bias[: made.network.linear].abs().max() < folded.first.bias[: made.network.linear].abs().max()
