"""Networks on 8-bit samples as they are: what floats give, rounded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from subpixel import zoo
from subpixel.engines import EngineSettings, Levels, has_vnni, load_engine, load_samples
from tests import networks

INT8 = [name for name in zoo.model_names() if zoo.card(name).int8]
pytestmark = pytest.mark.skipif(not has_vnni(), reason="this processor has no int8")
LEVELS = {"limited": Levels(1 / 255), "full": Levels(219 / 255 / 255, 16 / 255)}


@pytest.mark.parametrize("name", INT8)
@pytest.mark.parametrize("levels", LEVELS.values(), ids=LEVELS)
def test_samples_are_rounded_floats(name: str, levels: Levels) -> None:
    model = zoo.load_model(name)
    settings = EngineSettings(1, "int8")
    run = load_samples("openvino", model.network, settings, levels)
    assert run is not None
    samples = np.random.default_rng(3).integers(0, 256, (1, 1, 20, 28), np.uint8)
    floats = samples.astype(np.float32) * np.float32(levels.gain) + np.float32(levels.offset)
    (exact,) = load_engine("openvino").load(model.network, settings)(floats)
    wanted = np.clip((exact[0, 0] - levels.offset) / levels.gain, 0, 255)
    made = np.empty(exact.shape[2:], np.uint8)
    run(samples, made, 0)
    assert np.abs(made - wanted).max() <= 0.501


def test_shapes_that_come_often_are_computed_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first shape has a graph of its own, others share one until they have come often enough."""
    from subpixel.engines import openvino_samples

    monkeypatch.setattr(openvino_samples, "_WORTH", 3 * 60 * 42)
    model = zoo.load_model("swift-x2")
    run = load_samples("openvino", model.network, EngineSettings(1, "int8"), LEVELS["limited"])
    assert run is not None
    halo = model.card.halo
    whole = np.random.default_rng(4).integers(0, 256, (1, 1, 60, 70), np.uint8)
    wanted = np.empty((120 - 4 * halo, 140 - 4 * halo), np.uint8)
    run(whole, wanted, 2 * halo)
    for width in (30, 42, 42, 42, 42, 36, 70):
        made = np.empty((120 - 4 * halo, 2 * width - 4 * halo), np.uint8)
        run(np.ascontiguousarray(whole[..., :width]), made, 2 * halo)
        assert np.array_equal(made, wanted[:, : made.shape[1]])


def test_who_wants_floats() -> None:
    model = zoo.load_model("swift-x2")
    assert load_samples("onnxruntime", model.network, EngineSettings(1, "int8"), LEVELS["full"]) is None
    for precision in ("fp32", "bf16"):
        assert load_samples("openvino", model.network, EngineSettings(1, precision), LEVELS["full"]) is None


def test_a_network_without_shuffle(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = networks.strided(tmp_path_factory.mktemp("own") / "own", depth=1, channels=1)
    network = zoo.load_model(folder).network
    run = load_samples("openvino", replace(network, int8=True), EngineSettings(1, "int8"), LEVELS["limited"])
    assert run is not None
    samples = np.random.default_rng(5).integers(0, 256, (1, 1, 16, 24), np.uint8)
    (exact,) = load_engine("openvino").load(network, EngineSettings(1, "fp32"))(samples / np.float32(255))
    made = np.empty((32, 48), np.uint8)
    run(samples, made, 0)
    assert np.abs(made - np.clip(exact * 255, 0, 255)).max() <= 0.501
