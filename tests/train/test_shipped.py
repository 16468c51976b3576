"""The shipped weights: what their cards say is true, and flat areas keep their level."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from subpixel import zoo  # noqa: E402
from subpixel.engines.base import EngineSettings  # noqa: E402
from subpixel.engines.openvino import OpenVINOEngine  # noqa: E402
from subpixel.image import colour  # noqa: E402
from subpixel_train import costs  # noqa: E402
from subpixel_train import recipe as recipes  # noqa: E402
from subpixel_train.networks import Chain, build  # noqa: E402
from subpixel_train.train.initial import start_from  # noqa: E402

NAMES = [f"{network}-x{scale}" for network in ("espcn", "srcnn") for scale in (2, 3, 4)]
TRAINED = [name for name in zoo.model_names() if not name.startswith("bicubic")]


@pytest.mark.parametrize("name", TRAINED)
def test_the_card_is_the_networks(name: str) -> None:
    card, recipe = zoo.card(name), recipes.load(name)
    network = build(recipe.network, recipe.scale)
    assert card.recipe == name and card.scale == recipe.scale and card.scales == network.scales
    assert card.colour == ("y" if network.channels == 1 else "rgb")
    assert (card.parameters, card.halo, card.align) == (network.trained_parameters, network.halo, network.align)
    cost = costs.measure(network)
    assert card.macs == cost.multiply_adds
    assert card.activations == cost.activations if isinstance(network, Chain) else card.activations >= cost.activations
    assert card.training_data == tuple(recipe.card.training_data) and card.summary == recipe.card.summary
    assert card.training == recipe.card.training
    for scale in network.scales[:-1]:
        assert card.outputs[scale].macs == costs.measure(network, scale).multiply_adds < card.macs
    copied = start_from(network, name)
    if isinstance(network, Chain):
        assert copied == [key for key, _ in network.named_parameters()]


@pytest.mark.parametrize("name", TRAINED)
def test_new_weights_say_how_long_they_were_trained(name: str) -> None:
    card = zoo.card(name)
    assert name in NAMES or "min" in card.training, "a card states honestly how long its weights were trained"


@pytest.mark.parametrize("name", NAMES)
def test_flat_areas_keep_their_level(name: str) -> None:
    """White stays white: within half a level of 255 at every grey, once the halo is cut off."""
    model = zoo.load_model(name)
    run = OpenVINOEngine().load(model.network, EngineSettings(threads=1, precision="fp32"))
    levels = np.arange(0, 256, 15, dtype=np.float32)  # 0, 15, …, 255
    side = 2 * model.network.halo + 4
    x = np.tile(colour.grey_to_y(levels / 255)[:, None, None, None], (1, 1, side, side)).astype(np.float32)
    cut = slice(model.network.halo * model.network.scale, -model.network.halo * model.network.scale)
    grey = colour.y_to_grey(run(x)[0][:, 0, cut, cut]) * 255
    assert np.abs(grey - levels[:, None, None]).max() < 0.5
