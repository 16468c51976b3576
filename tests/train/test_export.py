"""What is exported computes what PyTorch computes, in every engine, or nothing is written."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")
onnx = pytest.importorskip("onnx", reason="export needs onnx: pip install 'subpixel[train]'")

from drawn import RECIPE  # noqa: E402

from subpixel import zoo  # noqa: E402
from subpixel.errors import OutputExists, TrainingError  # noqa: E402
from subpixel_train import recipe as recipes  # noqa: E402
from subpixel_train.export import export_run, load_run  # noqa: E402
from subpixel_train.graph import PARITY, check_parity, reference, to_onnx  # noqa: E402
from subpixel_train.networks import NETWORKS, Chain, build  # noqa: E402
from subpixel_train.train import state  # noqa: E402

EVERY = [(name, scale) for name, network in NETWORKS.items() if issubclass(network, Chain) for scale in (2, 3, 4)]


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """The folder of a training that just began."""
    folder = tmp_path / "run"
    made = recipes.parse(RECIPE, "tiny", ["network=srcnn", "name=tiny-x2"])
    folder.mkdir()
    (folder / state.RECIPE).write_text(made.to_yaml(), encoding="utf-8")
    state.save_weights(folder / state.WEIGHTS, dict(build("srcnn", 2).state_dict()), {})
    return folder


@pytest.mark.parametrize(("name", "scale"), EVERY)
def test_every_engine_computes_what_pytorch_computes(name: str, scale: int) -> None:
    network = build(name, scale).eval()
    assert check_parity(network, to_onnx(network)) <= PARITY
    assert check_parity(network, to_onnx(network, 0.45), 0.45) <= PARITY


@pytest.mark.parametrize(("name", "scale"), EVERY)
def test_the_centre_changes_nothing_once_the_halo_is_cut(name: str, scale: int) -> None:
    network = build(name, scale).eval()
    x = np.random.default_rng(1).random((1, 1, 30, 25), np.float32)
    cut = slice(network.halo * scale, -network.halo * scale)
    np.testing.assert_allclose(
        reference(network, x, 0.45)[0][..., cut, cut], reference(network, x)[0][..., cut, cut], atol=1e-5
    )


@pytest.mark.parametrize(("name", "scale"), EVERY)
def test_the_graph_is_the_agreed_one(name: str, scale: int) -> None:
    model = onnx.load_from_string(to_onnx(build(name, scale)))
    assert [item.version for item in model.opset_import] == [17]
    (x,), (y,) = model.graph.input, model.graph.output
    assert (x.name, y.name) == ("x", "y")
    for value in (x, y):
        dims = value.type.tensor_type.shape.dim
        assert dims[1].dim_value == 1 and all(dims[i].dim_param for i in (0, 2, 3))
        assert value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert {"Sub", "Conv", "Relu", "DepthToSpace", "Add"} == {node.op_type for node in model.graph.node}


def test_depth_to_space_is_pixel_shuffle() -> None:
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    node = helper.make_node("DepthToSpace", ["a"], ["b"], blocksize=3, mode="CRD")
    a = np.arange(2 * 9 * 4 * 5, dtype=np.float32).reshape(2, 9, 4, 5)
    (b,) = ReferenceEvaluator(node).run(None, {"a": a})
    np.testing.assert_array_equal(b, torch.pixel_shuffle(torch.from_numpy(a), 3).numpy())


def test_export_writes_a_model_that_loads(trained: Path, tmp_path: Path) -> None:
    card = export_run(trained, tmp_path / "out", data=None, overwrite=False)
    facts = tomllib.loads(card.read_text(encoding="utf-8"))
    weights = tmp_path / "out" / "tiny-x2.onnx"
    assert facts["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert (facts["family"], facts["scale"], facts["parameters"], facts["halo"]) == ("tiny", 2, 8_129, 5)
    model = zoo.load_model(tmp_path / "out")
    assert model.card.name == "tiny-x2" and model.network.halo == 5
    with pytest.raises(OutputExists, match="--overwrite"):
        export_run(trained, tmp_path / "out", data=None, overwrite=False)
    export_run(trained, tmp_path / "out", data=None, overwrite=True)


def test_scores_on_the_card_are_measured(trained: Path, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "benchmark").mkdir(parents=True)
    (tmp_path / "data" / "benchmark" / "Set5").symlink_to(photos / "benchmark" / "Drawn")
    card = export_run(trained, tmp_path / "out", data=tmp_path / "data", overwrite=False)
    scores = tomllib.loads(card.read_text(encoding="utf-8"))["scores"]
    assert scores.keys() == {"Set5"} and 0 < scores["Set5"]["psnr"] < 60 and -1 <= scores["Set5"]["ssim"] <= 1


def test_nothing_is_written_when_an_engine_differs(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = to_onnx(build("srcnn", 2))
    monkeypatch.setattr("subpixel_train.export.to_onnx", lambda network, centre: wrong)
    with pytest.raises(TrainingError, match="differs from PyTorch"):
        export_run(trained, tmp_path / "out", data=None, overwrite=False)
    assert not (tmp_path / "out").exists()


def test_what_is_no_training_is_named(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="there is no training in"):
        load_run(tmp_path / "nowhere")
    state.save_weights(trained / state.WEIGHTS, dict(build("espcn", 2).state_dict()), {})
    with pytest.raises(TrainingError, match="do not fit its recipe"):
        load_run(trained)
