"""The network that mends colour: what it trains on, what ships, and that engines compute the same bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")
pytest.importorskip("onnx", reason="export needs onnx: pip install 'subpixel[train]'")

from drawn import RECIPE  # noqa: E402

from subpixel import zoo  # noqa: E402
from subpixel.engines import has_vnni  # noqa: E402
from subpixel.errors import TrainingError  # noqa: E402
from subpixel.image.resample import resize  # noqa: E402
from subpixel_train import recipe as recipes  # noqa: E402
from subpixel_train.export import export_run  # noqa: E402
from subpixel_train.graph import check_colour  # noqa: E402
from subpixel_train.networks import Colour, build  # noqa: E402
from subpixel_train.networks.colour import ColourCoreInt8, ColourSettings, encoded  # noqa: E402
from subpixel_train.quantise import calibration  # noqa: E402
from subpixel_train.quantise.graph import colour_to_qdq  # noqa: E402
from subpixel_train.train import state  # noqa: E402
from subpixel_train.train.loop import RunSettings, Trainer  # noqa: E402

needs_vnni = pytest.mark.skipif(not has_vnni(), reason="this processor computes no int8")
CHANGES = ("network.kind=colour", "network.width=8", "network.dilations=[1, 2]", "keep=last", "name=mending-x2")


def _smooth(height: int = 32, width: int = 36) -> torch.Tensor:
    rng = np.random.default_rng(1)
    return torch.from_numpy(resize(rng.random((3, height // 4, width // 4), np.float32), height, width))[None]


def test_it_begins_as_bicubic_enlargement() -> None:
    network = build("colour", 2)
    small = _smooth()
    with torch.inference_mode():
        made = network(small)[..., 8:-8, 8:-8].numpy()
    expected = resize(small[0].numpy(), 64, 72)[:, 8:-8, 8:-8]
    np.testing.assert_allclose(made[0], expected, atol=2e-6)


def test_training_changes_colour_alone(photos: Path, tmp_path: Path) -> None:
    made = recipes.parse(RECIPE, "tiny", [*CHANGES, "epochs=2", "data.epoch_steps=6"])
    trainer = Trainer(made, RunSettings(tmp_path / "run", photos, quiet=True))
    assert trainer.run().finished
    network, before = trainer.to_use(), build(made.network, 2)
    small = _smooth()
    with torch.inference_mode():
        after, first = encoded(network(small)), encoded(before(small))
    assert (after[:, :1] - first[:, :1]).abs().max() < 1e-5
    assert (after[:, 1:] - first[:, 1:]).abs().max() > 1e-4


@needs_vnni
@pytest.mark.parametrize("dilations", [(1, 1), (1, 2, 4, 4, 2, 1), (3, 5)])
def test_engines_agree_to_the_bit(dilations: tuple[int, ...]) -> None:
    torch.manual_seed(3)
    core = ColourCoreInt8(ColourSettings(width=16, dilations=dilations)).eval()
    with torch.no_grad():
        for layer in core.convolutions():
            layer.bias.normal_(std=0.03)
        core.last.weight.normal_(std=0.03)
    noise = torch.rand(1, 3, 64, 64)
    calibration.fit(core, [noise])
    check_colour(core, colour_to_qdq(core))
    inside = (..., slice(core.halo, -core.halo), slice(core.halo, -core.halo))
    with torch.inference_mode():
        assert (core(noise) - core.plain().eval()(noise))[inside].abs().mean() < 0.01


@needs_vnni
def test_export_writes_a_card_that_loads(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    made = recipes.parse(RECIPE, "tiny", list(CHANGES))
    network = build(made.network, 2)
    assert isinstance(network, Colour)
    torch.nn.init.normal_(network.core.last.weight, std=0.02)
    run.mkdir()
    (run / state.RECIPE).write_text(made.to_yaml(), encoding="utf-8")
    state.save_weights(run / state.WEIGHTS, dict(network.state_dict()), {})
    output = tmp_path / "colours" / "mending-x2"
    with pytest.raises(TrainingError, match="give --data"):
        export_run(run, output, data=None, overwrite=False)
    with pytest.raises(TrainingError, match="ships in int8 alone"):
        export_run(run, output, data=photos, overwrite=False, int8=False)
    export_run(run, output, data=photos, overwrite=False)
    monkeypatch.setattr(zoo, "_COLOURS", tmp_path / "colours")
    model = zoo.load_colour("mending-x2")
    assert (model.card.task, model.card.scale, model.card.halo, model.network.int8) == (zoo.COLOUR, 1, 3, True)
