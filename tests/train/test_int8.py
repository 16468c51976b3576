"""Networks in int8: what training computes is what every engine computes, and fitting one changes little."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")
onnx = pytest.importorskip("onnx", reason="export needs onnx: pip install 'subpixel[train]'")

from drawn import RECIPE  # noqa: E402

from subpixel import zoo  # noqa: E402
from subpixel.engines import EngineSettings, has_vnni, load_engine  # noqa: E402
from subpixel.errors import TrainingError  # noqa: E402
from subpixel.types import NetworkFile, Precision  # noqa: E402
from subpixel_train import recipe as recipes  # noqa: E402
from subpixel_train.export import export_run  # noqa: E402
from subpixel_train.graph import PARITY, PARITY_INT8, check_parity  # noqa: E402
from subpixel_train.networks import BicubicEnlarge, PlainInt8, build  # noqa: E402
from subpixel_train.networks.base import MEAN  # noqa: E402
from subpixel_train.networks.plain import PlainSettings  # noqa: E402
from subpixel_train.quantise import calibration, grid  # noqa: E402
from subpixel_train.quantise.graph import to_qdq  # noqa: E402
from subpixel_train.quantise.layers import joined, split  # noqa: E402
from subpixel_train.quantise.rounding import round_weights  # noqa: E402
from subpixel_train.train import state  # noqa: E402
from subpixel_train.train.loop import RunSettings, Trainer  # noqa: E402

needs_vnni = pytest.mark.skipif(not has_vnni(), reason="this processor computes no int8")

SHAPES = {
    "narrow": PlainSettings(width=16, depth=2, int8=True),
    "learned, faithful": PlainSettings(width=32, depth=3, skip="learned", faithful=True, int8=True),
    "wide": PlainSettings(width=96, depth=1, int8=True),
    "odd": PlainSettings(width=20, depth=2, int8=True),
    "folded": PlainSettings(width=32, depth=2, unshuffle=2, skip="repeat", int8=True),
    "sharp": PlainSettings(width=32, depth=2, skip="learned", int8=True),
}


def _network(settings: PlainSettings, scale: int = 4, seed: int = 0) -> PlainInt8:
    """Untrained, but nowhere zero, and fitted to noise."""
    torch.manual_seed(seed)
    network = build(settings, scale).eval()
    assert isinstance(network, PlainInt8)
    with torch.no_grad():
        for layer in network.convolutions():
            layer.bias.normal_(std=0.03)
        network.last.weight.normal_(std=0.03)
        if settings == SHAPES["sharp"]:  # so that sums of the enlargement may pass 1
            network.last.weight.mul_(2)
            kernels = network.skip.weight
            kernels += (kernels - kernels.mean(dim=(1, 2, 3), keepdim=True)) * 0.5
            assert kernels.abs().sum(dim=(1, 2, 3)).max() > 2.05
    calibration.fit(network, [torch.rand(1, 1, 32, 32) for _ in range(3)])
    return network


def _file(network: PlainInt8) -> NetworkFile:
    return NetworkFile("tiny", to_qdq(network), network.scale, 1, network.halo, align=network.align, int8=True)


def _noise(*shape: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def test_activations_are_on_the_grid_and_gradients_pass_inside() -> None:
    x = torch.tensor([-1.0, 0.0, 0.001, 0.5, 0.9962, 2.0], requires_grad=True)
    y = grid.activation(x)
    assert (y * 256).tolist() == [0, 0, 0, 128, 255, 255]
    y.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [0, 1, 1, 1, 0, 0]


def test_luma_in_two_parts_is_eight_times_finer() -> None:
    x = torch.from_numpy(_noise(1, 1, 50, 60)) * 0.9 + 0.05
    parts = split(x)
    assert torch.equal(parts * 256, (parts * 256).round()) and parts.shape == (1, 2, 50, 60)
    assert (joined(parts) - x).abs().max() <= grid.FINE_STEP / 2
    assert torch.equal(joined(parts), grid.fine(x))
    assert torch.equal(joined(split(x, rounded=False)), x)


def test_the_first_layer_sees_more_than_bytes() -> None:
    network = _network(SHAPES["narrow"])
    x = torch.from_numpy(_noise(1, 1, 30, 30)) * 0.8 + 0.1
    exact = network.plain().first(x - MEAN)
    error = (network.entered(x) - exact)[..., 1:-1, 1:-1]
    coarse = (network.plain().first(grid.activation(x) - MEAN) - exact)[..., 1:-1, 1:-1]
    scale = grid.weight_scale(network.first.weight)[:, None, None]
    weights = grid.weight_steps(network.first.weight, grid.weight_scale(network.first.weight)) * scale[..., None]
    assert (weights - network.first.weight).abs().max() < 1e-6, "fitted weights are on the grid"
    assert error.square().mean() < 0.1 * coarse.square().mean()


def test_scales_have_few_digits_and_cover_the_weights() -> None:
    weight = torch.randn(200, 8, 3, 3) * torch.logspace(-6, 1, 200)[:, None, None, None]
    weight[0] = 0
    scale = grid.weight_scale(weight)
    whole = scale / grid.SCALE_STEP
    assert (whole == whole.round()).all() and (scale > 0).all()
    odd = whole / torch.gcd(whole.long(), torch.tensor(1 << 40)).float()
    assert (odd < 2**grid.SCALE_DIGITS).all()
    steps = grid.weight_steps(weight, scale)
    assert (steps == steps.round()).all() and steps.abs().max() <= grid.LARGEST
    error = (steps * scale[:, None, None, None] - weight).flatten(1)
    above = weight.flatten(1).abs().amax(1) > 1e-3  # far below, a channel is nothing but noise
    assert (error.square().mean(1).sqrt() < weight.flatten(1).square().mean(1).sqrt() / 60)[above].all()


def test_fitting_leaves_the_float_network_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers are scaled against each other; without the biases' correction nothing else changes."""
    torch.manual_seed(1)
    network = build(SHAPES["narrow"], 3).eval()
    assert isinstance(network, PlainInt8)
    torch.nn.init.normal_(network.last.weight, std=0.03)
    x = torch.rand(1, 1, 20, 24)
    before = network.plain()(x)
    with monkeypatch.context() as patch:
        patch.setattr(calibration, "_correct", lambda network, pictures: None)
        calibration.fit(network, [torch.rand(1, 1, 32, 32)])
    assert (network.plain()(x) - before).abs().max() < 1e-5
    assert (network(x) - before)[..., 12:-12, 12:-12].abs().max() < 0.02


def test_fitting_needs_a_picture() -> None:
    network = build(SHAPES["narrow"], 2)
    with pytest.raises(TrainingError, match="no pictures to calibrate"):
        network.prepare([])


@needs_vnni
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_engine_computes_what_training_computes(shape: str, scale: int) -> None:
    network = _network(SHAPES[shape], scale)
    file = to_qdq(network)
    assert check_parity(network, file, precision="int8", int8=True) <= PARITY_INT8
    network.rounded = False
    assert check_parity(network, file, precision="fp32", int8=True) <= PARITY


@needs_vnni
@pytest.mark.parametrize("shape", ["learned, faithful", "folded", "sharp"])
def test_engines_agree_to_the_bit_on_pictures(shape: str) -> None:
    """On edges, even areas, black and white, in whole and in part."""
    network = _network(SHAPES[shape])
    rng = np.random.default_rng(5)
    x = (
        rng.integers(16, 236, (1, 1, 16, 24)).repeat(6, 2).repeat(6, 3).astype(np.float32) / 255
    )  # luma of large squares
    x[..., 40:, :48] = rng.random((1, 1, 56, 48), np.float32)
    x[..., :12, :] = 16 / 255
    loaded = [load_engine(name).load(_file(network), EngineSettings(1, "int8")) for name in ("openvino", "onnxruntime")]
    results = [run(x)[0] for run in loaded]
    with torch.inference_mode():
        results.append(network(torch.from_numpy(x)).numpy())
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
    halo, scale = -(-network.halo // network.align) * network.align, network.scale
    part = loaded[0](np.ascontiguousarray(x[..., 20:80, 34:110]))[0]
    inside = results[0][..., (20 + halo) * scale : (80 - halo) * scale, (34 + halo) * scale : (110 - halo) * scale]
    np.testing.assert_array_equal(part[..., halo * scale : -halo * scale, halo * scale : -halo * scale], inside)


def test_sums_that_float32_does_not_hold_are_refused() -> None:
    weight = torch.full((2, 64, 3, 3), 127.0)
    grid.must_be_exact("narrow", weight[:, :57], torch.zeros(2))
    with pytest.raises(TrainingError, match="sums of the layer wide reach"):
        grid.must_be_exact("wide", weight, torch.zeros(2))
    sharp, scale = torch.full((4, 1, 3, 3), 0.25), torch.full((4,), 2.0**-15)
    grid.must_be_fine("skip", sharp, scale, projected=False)
    for weights, scales, projected in (
        (sharp, scale, True),
        (sharp, scale / 2, False),
        (2 * sharp, scale, False),
        (sharp + grid.FINE_WEIGHT_STEP, scale, False),
    ):
        with pytest.raises(TrainingError, match=r"sums of the weights skip reach [12]\."):
            grid.must_be_fine("skip", weights, scales, projected=projected)


def test_fine_weights_are_steps_and_add_up_to_what_they_did() -> None:
    kernels = BicubicEnlarge(4).get_buffer("kernels")
    fine = grid.fine_weights(kernels)
    steps = fine / grid.FINE_WEIGHT_STEP
    assert torch.equal(steps, steps.round())
    assert torch.equal(fine.sum(dim=(1, 2, 3)), torch.ones(16)), "even areas stay as they are"
    assert (fine - kernels).abs().max() <= grid.FINE_WEIGHT_STEP
    assert torch.equal(grid.fine_weights(fine), fine)


@needs_vnni
def test_layers_run_in_int8_without_detours() -> None:
    """OpenVINO takes every layer in int8, and turns no result of one into float for the next."""
    import openvino

    core = openvino.Core()
    graph = core.read_model(to_qdq(_network(SHAPES["learned, faithful"])), b"")
    compiled = core.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found: dict[str, tuple[str, str]] = {}
    for node in compiled.get_runtime_model().get_ordered_ops():
        facts = node.get_rt_info()
        found[node.get_friendly_name()] = (facts["primitiveType"].astype(str), facts["outputPrecisions"].astype(str))
    layers = {
        name: how for name, how in found.items() if name.startswith(("first", "inner", "last")) and "onv" in how[0]
    }
    assert len(layers) == 5
    assert all(kind.endswith("I8") for kind, _ in layers.values()), layers
    assert [precision for _, precision in layers.values()] == ["u8"] * 4 + ["f32"]


def test_the_file_holds_a_byte_for_a_weight() -> None:
    network = _network(SHAPES["wide"])
    model = onnx.load_from_string(to_qdq(network))
    kinds = {item.name: item.data_type for item in model.graph.initializer}
    weights = [name for name in kinds if name.endswith(".weight") and name != "skip.weight"]
    assert len(weights) == 3 and {kinds[name] for name in weights} == {onnx.TensorProto.INT8}
    assert len(to_qdq(network)) < 1.1 * network.trained_parameters


@needs_vnni
@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_float_precisions_leave_the_rounding_out(engine: str) -> None:
    network = _network(SHAPES["narrow"])
    x = _noise(1, 1, 40, 40)

    def run(precision: Precision) -> np.ndarray:
        return load_engine(engine).load(_file(network), EngineSettings(1, precision))(x)[0]

    with torch.inference_mode():
        rounded = network(torch.from_numpy(x)).numpy()
        network.rounded = False
        exact = network(torch.from_numpy(x)).numpy()
    assert np.abs(run("int8") - rounded).max() < 1e-6
    assert np.abs(run("fp32") - exact).max() < 1e-5
    assert np.abs(rounded - exact).max() > 1e-4, "they would differ"


@pytest.fixture
def trained(tmp_path: Path) -> Callable[..., Path]:
    """The folder of a training of a plain network that just began."""

    def make(*changes: str) -> Path:
        folder = tmp_path / "run"
        settings = ["network.kind=plain", "network.width=8", "network.depth=1", "name=tiny-x2", *changes]
        made = recipes.parse(RECIPE, "tiny", settings)
        folder.mkdir()
        (folder / state.RECIPE).write_text(made.to_yaml(), encoding="utf-8")
        network = build(made.network, 2)
        torch.nn.init.normal_(network.last.weight, std=0.02)
        state.save_weights(folder / state.WEIGHTS, dict(network.state_dict()), {})
        return folder

    return make


@pytest.mark.parametrize("dilation", [1, 2])
def test_weights_are_rounded_such_that_their_errors_make_up_for_one_another(dilation: int) -> None:
    layer = torch.nn.Conv2d(8, 12, 3, padding=dilation, dilation=dilation)
    torch.nn.init.normal_(layer.weight, generator=torch.Generator().manual_seed(1))
    smooth = torch.nn.functional.avg_pool2d(torch.from_numpy(_noise(2, 8, 46, 54)), 7, 1)  # as alike as neighbours are
    given = [grid.activation(smooth)]
    float_weight = layer.weight.detach().clone()

    def made(weight: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.conv2d(given[0], weight, padding=dilation, dilation=dilation)

    def error(weight: torch.Tensor) -> float:
        lost = (made(weight) - made(float_weight))[..., 4:-4, 4:-4]
        return float((lost - lost.mean((0, 2, 3), keepdim=True)).square().mean())

    scale = grid.weight_scale(float_weight)
    nearest = grid.weight_steps(float_weight, scale) * scale[:, None, None, None]
    round_weights(layer, given, [made(float_weight)], 4)
    assert error(layer.weight.detach()) < 0.5 * error(nearest)
    found = grid.weight_scale(layer.weight)  # the grid is found again from the weights alone
    assert torch.equal(grid.weight_steps(layer.weight, found) * found[:, None, None, None], layer.weight)


@pytest.mark.parametrize("largest", [127, 126, 125, 124, 123])
def test_the_grid_of_weights_is_found_again(largest: int) -> None:
    generator = torch.Generator().manual_seed(largest)
    steps = torch.randint(-largest, largest + 1, (40, 30, 3, 3), generator=generator).float()
    steps[:, 0, 0, 0], steps[:, 0, 0, 1] = largest, largest - 1  # no common factor
    scale = torch.randint(32, 64, (40,), generator=generator) * 2.0 ** -torch.randint(8, 16, (40,), generator=generator)
    weight = steps * scale[:, None, None, None]
    assert torch.equal(grid.weight_scale(weight), scale)


@needs_vnni
@pytest.mark.parametrize("changes", [(), ("network.linear=3",)], ids=["", "linear"])
def test_export_rounds_by_held_out_pictures(
    trained: Callable[..., Path], photos: Path, tmp_path: Path, changes: tuple[str, ...]
) -> None:
    data = tmp_path / "data"
    (data / "benchmark").mkdir(parents=True)
    (data / "benchmark" / "Set5").symlink_to(photos / "benchmark" / "Drawn")
    (data / "photos").symlink_to(photos / "photos")
    card = export_run(trained(*changes), tmp_path / "out", data=data, overwrite=False)
    facts = tomllib.loads(card.read_text(encoding="utf-8"))
    assert facts["int8"] is True
    assert abs(facts["scores"]["Set5"]["psnr"] - facts["float_scores"]["Set5"]["psnr"]) < 0.2
    model = zoo.load_model(tmp_path / "out")
    assert model.card.int8 and model.network.int8
    assert model.card.float_scores["Set5"].psnr == facts["float_scores"]["Set5"]["psnr"]


@pytest.mark.parametrize("changes", [(), ("network.linear=3",)], ids=["", "linear"])
def test_export_in_float_on_demand(trained: Callable[..., Path], tmp_path: Path, changes: tuple[str, ...]) -> None:
    run = trained(*changes)
    with pytest.raises(TrainingError, match="give --data, or --float"):
        export_run(run, tmp_path / "out", data=None, overwrite=False)
    card = export_run(run, tmp_path / "out", data=None, overwrite=False, int8=False)
    assert "int8" not in tomllib.loads(card.read_text(encoding="utf-8"))


def test_what_cannot_be_rounded_is_said(trained: Callable[..., Path], tmp_path: Path) -> None:
    run = trained("network.activation=leaky")
    with pytest.raises(TrainingError, match="cannot be rounded to int8"):
        export_run(run, tmp_path / "out", data=None, overwrite=False, int8=True)
    with pytest.raises(TrainingError, match="int8 goes with activation: relu, not leaky"):
        recipes.parse(RECIPE, "tiny", ["network.kind=plain", "network.activation=leaky", "network.int8=true"])


@needs_vnni
def test_a_network_trained_in_int8_is_exported_as_it_computes(photos: Path, tmp_path: Path) -> None:
    """From a float training, with its running mean and a teacher, to a file: no other numbers on the way."""
    plain = ["network.kind=plain", "network.width=8", "network.depth=1", "epochs=1", "distill=null"]
    int8 = [
        *plain[:-1],
        "network.int8=true",
        f"init_from={tmp_path / 'float'}",
        f"distill={{model: {tmp_path / 'float'}}}",
    ]
    for name, changes in (("float", plain), ("int8", int8)):
        made = recipes.parse(RECIPE, "tiny", changes)
        assert Trainer(made, RunSettings(tmp_path / name, photos, quiet=True)).run().finished
    weights = state.load_weights(tmp_path / "int8")[0]
    assert weights.keys() == state.load_weights(tmp_path / "float")[0].keys()
    export_run(tmp_path / "int8", tmp_path / "out", data=None, overwrite=False)
    network = build(made.network, 2).eval()
    network.load_state_dict(weights)
    x = _noise(1, 1, 32, 48)
    result = load_engine("openvino").load(zoo.load_model(tmp_path / "out").network, EngineSettings(1, "int8"))(x)[0]
    with torch.inference_mode():
        assert np.abs(network(torch.from_numpy(x)).numpy() - result).max() <= PARITY_INT8
    with pytest.raises(TrainingError, match="was trained in int8"):
        export_run(tmp_path / "int8", tmp_path / "out", data=None, overwrite=True, int8=False)
