"""Memory of a network while it runs."""

from __future__ import annotations

import pytest

from subpixel import zoo
from subpixel.errors import TrainingError
from subpixel_train.held import values_held


def test_a_chain_of_convolutions_holds_two_layers() -> None:
    model = zoo.load_model("espcn-x4")
    held = values_held(model.network.onnx, channels=1, scales=(4,), guess=model.card.activations)
    assert 0.8 * model.card.activations < held < 2.5 * model.card.activations


def test_no_network_at_all() -> None:
    with pytest.raises(TrainingError, match="broken cannot be run by OpenVINO"):
        values_held(b"not onnx", channels=1, scales=(2,), name="broken")
