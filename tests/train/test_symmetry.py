"""Filters tied over flips and quarter turns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import subpixel
from subpixel import zoo
from subpixel.errors import TrainingError
from subpixel_train import recipe
from subpixel_train.export import export_run
from subpixel_train.networks import Plain, build
from subpixel_train.networks.folding import fold
from subpixel_train.networks.plain import PlainSettings
from subpixel_train.networks.symmetry import GROUP, ORDER
from subpixel_train.train import state
from subpixel_train.train.initial import start_from
from subpixel_train.train.optimiser_settings import OptimiserSettings
from subpixel_train.train.optimisers import parameter_groups

WAYS: list[Callable[[Tensor], Tensor]] = [
    lambda x: x.flip(-1),
    lambda x: x.flip(-2),
    lambda x: x.transpose(-1, -2),
    lambda x: torch.rot90(x, 1, (-2, -1)),
    lambda x: torch.rot90(x, 3, (-2, -1)).flip(-1),
]


def make(scale: int = 4, **changes: object) -> Plain:
    """A tied network whose last layer makes something."""
    shape = {"width": 16, "depth": 2, "linear": 8, "skip": "learned", "faithful": True, "symmetric": True}
    torch.manual_seed(1)
    network = build(PlainSettings.model_validate(shape | changes), scale)
    assert isinstance(network, Plain)
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name.startswith(("last", "skip")) or "bias" in name:
                value.add_(torch.randn_like(value) * 0.02)
    return network.eval()


def test_the_group_has_eight_ways_and_is_closed() -> None:
    made = {
        tuple(tuple(sum(a[i][k] * b[k][j] for k in (0, 1)) for j in (0, 1)) for i in (0, 1))
        for a in GROUP
        for b in GROUP
    }
    assert len(set(GROUP)) == ORDER == 8
    assert made == set(GROUP)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("linear", [0, 8])
def test_a_turned_picture_gives_the_turned_result(scale: int, linear: int) -> None:
    network = make(scale, linear=linear)
    picture = torch.rand(2, 1, 14, 14)
    with torch.no_grad():
        result = network(picture)
        assert result.std() > 0.1
        for way in WAYS:
            torch.testing.assert_close(network(way(picture)), way(result), rtol=0, atol=2e-6)


def test_an_eighth_of_the_weights_is_free_and_each_learns_from_its_eight_places() -> None:
    tied, free = make(), make().untied()
    assert not free.settings.symmetric
    shapes = {name: tuple(value.shape) for name, value in tied.named_parameters()}
    assert shapes["inner.0.parametrizations.weight.original"] == (2, 16, 3, 3)
    assert shapes["first.parametrizations.bias.original"] == (2,)
    picture, wanted = torch.rand(1, 1, 9, 9), torch.rand(1, 1, 36, 36)
    with torch.no_grad():
        torch.testing.assert_close(tied(picture), free(picture))
    for network in (tied, free):
        (network(picture) - wanted).square().mean().backward()
    layer = tied.inner[1]
    spread = layer.parametrizations.weight[0].get_buffer("source")
    told = torch.zeros(layer.parametrizations.weight.original.numel())
    told.index_add_(0, spread.flatten(), free.inner[1].weight.grad.flatten())
    torch.testing.assert_close(layer.parametrizations.weight.original.grad.flatten(), told)


def test_it_begins_as_channel_0_of_each_group_would() -> None:
    torch.manual_seed(3)
    free = Plain(PlainSettings(width=16, depth=1, linear=8), 2)
    torch.manual_seed(3)
    tied = Plain(PlainSettings(width=16, depth=1, linear=8, symmetric=True), 2)
    torch.testing.assert_close(tied.first.weight[::ORDER], free.first.weight[::ORDER])
    torch.testing.assert_close(tied.inner[0].weight[::ORDER], free.inner[0].weight[::ORDER])
    middle = tied.inner[0].weight[..., 1, 1].detach()
    assert middle[:8, :8].diagonal().min() > 0.6  # linear channels begin near the identity


def test_folded_it_is_a_plain_network_as_symmetric_as_before() -> None:
    network = make()
    pictures = [torch.rand(1, 1, 24, 24) for _ in range(3)]
    plain = fold(network, pictures).eval()
    assert (plain.settings.linear, plain.settings.symmetric) == (0, False)
    picture = pictures[0]
    with torch.no_grad():
        inside = slice(40, -40)
        torch.testing.assert_close(
            plain(picture)[..., inside, inside], network(picture)[..., inside, inside], rtol=0, atol=1e-5
        )
        for way in WAYS:
            torch.testing.assert_close(plain(way(picture)), way(plain(picture)), rtol=0, atol=1e-5)


def test_rates_of_biases_hold_for_tied_ones() -> None:
    network = make()
    groups = parameter_groups(network, OptimiserSettings(kind="soap", rate={"*.bias": 0.1, "default": 1.0}))
    rates = {id(value): group["lr"] for group in groups for value in group["params"]}
    for name, value in network.named_parameters():
        assert rates[id(value)] == (0.1 if "bias" in name else 1.0), name


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"width": 12}, "multiples of 8"),
        ({"linear": 4}, "multiples of 8"),
        ({"linear": 0, "activation": "prelu"}, "symmetric goes without"),
        ({"skip": "repeat", "faithful": False, "unshuffle": 2}, "symmetric goes without"),
    ],
)
def test_settings_that_do_not_go_together(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make(**changes)


def test_dead_channels_do_not_begin_anew() -> None:
    with pytest.raises(TrainingError, match="revive_steps does not go with"):
        recipe.load("crisp-x4", ["network.symmetric=true"])


def test_where_it_starts_from(tmp_path: Path) -> None:
    made = recipe.load("crisp-x4", ["network.width=16", "network.depth=2", "network.symmetric=true", "revive_steps=0"])
    network = make()
    run = tmp_path / "run"
    run.mkdir()
    (run / state.RECIPE).write_text(made.to_yaml(), encoding="utf-8")
    state.save_weights(run / state.WEIGHTS, dict(network.state_dict()), {"recipe": "tied"})

    again = Plain(network.settings, 4).eval()
    start_from(again, str(run))
    free = Plain(network.settings.model_copy(update={"symmetric": False}), 4).eval()
    start_from(free, str(run))
    larger = Plain(network.settings, 2).eval()  # another factor: all but the last layer and the enlargement
    copied = start_from(larger, str(run))
    assert not any(name.startswith(("last.", "skip.")) and "weight" in name for name in copied)
    picture = torch.rand(1, 1, 12, 12)
    with torch.no_grad():
        torch.testing.assert_close(again(picture), network(picture))
        torch.testing.assert_close(free(picture), network(picture))
        torch.testing.assert_close(larger.inner[1].weight, network.inner[1].weight)
    with pytest.raises(TrainingError, match="not tied over flips and turns"):
        start_from(make(width=32), "crisp-x4")


def test_what_ships_is_plain_says_so_on_its_card_and_runs_once(tmp_path: Path) -> None:
    network = make(2, width=16)
    made = recipe.load(
        "crisp-x2-float", ["network.width=16", "network.depth=2", "network.symmetric=true", "revive_steps=0"]
    )
    run = tmp_path / "run"
    run.mkdir()
    (run / state.RECIPE).write_text(made.to_yaml(), encoding="utf-8")
    state.save_weights(run / state.WEIGHTS, dict(network.state_dict()), {"recipe": made.name})
    card = export_run(run, tmp_path / "out", data=None, overwrite=False, int8=False)
    assert zoo.card(card.parent).symmetric
    pixels = np.random.default_rng(0).integers(60, 200, (1, 40, 30, 3), np.uint8)
    with subpixel.Upscaler(card.parent, quality="best", precision="fp32") as upscaler:
        result = upscaler.picture(subpixel.Picture(pixels), subpixel.Target(2))
        mirrored = upscaler.picture(subpixel.Picture(np.ascontiguousarray(pixels[:, :, ::-1])), subpixel.Target(2))
    assert not result.chosen.eightfold
    off = result.picture.pixels.astype(int) - mirrored.picture.pixels[:, :, ::-1]
    assert np.abs(off).max() <= 1  # sums of floats in another order


def test_layers_are_convolutions_still() -> None:
    assert all(isinstance(layer, nn.Conv2d) for layer in make().convolutions())
    assert len(make().convolutions()) == 4
