"""RDN, RRDN, the autoencoder and the two-output networks: counted, measured, and the same in every engine."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")
onnx = pytest.importorskip("onnx", reason="export needs onnx: pip install 'subpixel[train]'")

from subpixel_train import costs, torch_graph  # noqa: E402
from subpixel_train.graph import PARITY, check_parity  # noqa: E402
from subpixel_train.networks import Network, NetworkSettings, build  # noqa: E402
from subpixel_train.networks.autoencoder import AutoencoderSettings, DynamicRegularisation  # noqa: E402
from subpixel_train.networks.plain import PlainSettings  # noqa: E402
from subpixel_train.networks.rdn import RdnSettings  # noqa: E402
from subpixel_train.networks.rrdn import RrdnSettings  # noqa: E402
from subpixel_train.networks.two_atrous import TwoAtrousSettings  # noqa: E402
from subpixel_train.networks.two_basic import TwoBasicSettings  # noqa: E402
from subpixel_train.networks.two_pretrained import TwoPretrainedSettings  # noqa: E402
from subpixel_train.networks.two_residual import TwoResidualSettings  # noqa: E402
from subpixel_train.networks.two_shuffle import TwoShuffleSettings  # noqa: E402

SMALL: list[tuple[NetworkSettings, int]] = [
    (RdnSettings(convolutions=2, blocks=2, growth=8, features=8), 2),
    (RdnSettings(convolutions=3, blocks=2, growth=8, features=16), 3),
    (RrdnSettings(rrdbs=1, blocks=2, convolutions=2, growth=8, features=8), 4),
    (AutoencoderSettings(), 4),
    (AutoencoderSettings(upsampling="transposed"), 4),
    (AutoencoderSettings(upsampling="shuffle", regularisation=0.5), 2),
    (AutoencoderSettings(depth=3), 4),
    (TwoBasicSettings(), 4),
    (TwoBasicSettings(interpolation="bilinear"), 4),
    (TwoResidualSettings(), 4),
    (TwoAtrousSettings(), 4),
    (TwoPretrainedSettings(pretrained=False), 4),
    (TwoShuffleSettings(pretrained=False), 4),
    (PlainSettings(width=16, depth=2), 3),
    (PlainSettings(width=16, depth=1, skip="repeat", unshuffle=2), 2),
    (PlainSettings(width=16, depth=1, activation="leaky", faithful=True), 4),
    (PlainSettings(width=16, depth=0, skip="learned", faithful=True), 2),
]


def made(settings: NetworkSettings, scale: int) -> Network:
    """A network whose ReLUs are partly open everywhere, so that nothing hides how far it sees."""
    torch.manual_seed(3)
    network = build(settings, scale).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 1 or not parameter.any():  # also weights that begin at zero
                parameter.normal_(std=0.05)
    return network


@pytest.mark.parametrize(("settings", "scale"), SMALL)
def test_sizes_and_one_pixel(settings: NetworkSettings, scale: int) -> None:
    network = made(settings, scale)
    for height, width in ((5, 7), (1, 1), (16, 12)):
        results = network.upscale(torch.rand(2, network.channels, height, width))
        assert [y.shape for y in results] == [(2, network.channels, s * height, s * width) for s in network.scales]
        assert all(y.dtype == torch.float32 and bool(y.isfinite().all()) for y in results)


@pytest.mark.parametrize(("settings", "scale"), SMALL)
def test_no_pixel_sees_further_than_the_halo(settings: NetworkSettings, scale: int) -> None:
    network = made(settings, scale)
    halo, step = network.halo, network.align
    middle = -(-(halo + 4) // step) * step
    x = torch.rand(1, network.channels, 2 * middle, 2 * middle, requires_grad=True)
    furthest = 0
    for s, y in zip(network.scales, network.outputs(x), strict=True):
        for row in range(s * step):
            (gradient,) = torch.autograd.grad(y[0, :, middle * s + row, middle * s].sum(), x, retain_graph=True)
            rows = gradient.abs().sum((0, 1, 3)).nonzero()[:, 0]
            at = middle + row // s
            furthest = max(furthest, at - int(rows.min()), int(rows.max()) - at)
    assert furthest <= network.reach <= halo
    assert network.reach <= furthest + 4, "a halo much too wide costs time on every tile"


@pytest.mark.parametrize(("settings", "scale"), SMALL)
def test_every_engine_computes_what_pytorch_computes(settings: NetworkSettings, scale: int) -> None:
    network = made(settings, scale)
    torch_graph.round_weights(network)
    model = torch_graph.export(network)
    assert check_parity(network, model) <= PARITY
    graph = onnx.load_from_string(model).graph
    assert [value.name for value in graph.output] == list(torch_graph.output_names(network))
    halves = [item for item in graph.initializer if item.data_type == onnx.TensorProto.FLOAT16]
    # The exporter folds batch normalisation of the features into their convolutions, whose weights stay float32.
    large = [p for name, p in network.named_parameters() if p.numel() >= 256 and not name.startswith("features.")]
    assert len(halves) >= len(large), "weights are stored as float16"


@pytest.mark.parametrize(
    ("settings", "scale", "count"),
    [
        (RdnSettings(convolutions=3, blocks=10, growth=64, features=64), 2, 2_619_392),
        (RdnSettings(convolutions=6, blocks=20, growth=64, features=64), 2, 16_347_392),
        (RrdnSettings(), 4, 4_176_100),
        (AutoencoderSettings(), 4, 1_110_403),
        (TwoBasicSettings(), 4, 112_966),
        (TwoResidualSettings(), 4, 149_894),
        (TwoAtrousSettings(), 4, 371_462),
    ],
)
def test_parameters_as_published(settings: NetworkSettings, scale: int, count: int) -> None:
    assert build(settings, scale).trained_parameters == count


@pytest.mark.parametrize(("c", "d", "count"), [(3, 10, 2_619_392), (6, 20, 16_347_392)])
def test_rdn_counts_by_the_papers_formula(c: int, d: int, count: int) -> None:
    g, g0, r = 64, 64, 2

    def conv(inside: int, outside: int, kernel: int) -> int:
        return inside * outside * kernel**2 + outside

    block = sum(conv(g0 + i * g, g, 3) for i in range(c)) + conv(g0 + c * g, g0, 1)
    ends = conv(3, g0, 3) + conv(g0, g0, 3) + conv(d * g0, g0, 1) + conv(g0, g0, 3)
    up = conv(g0, 64, 5) + conv(64, 32, 3) + conv(32, 3 * r * r, 3) + conv(3, 3, 3)
    assert d * block + ends + up == count


def test_the_autoencoders_encoder_alone() -> None:
    network = build(AutoencoderSettings(), 4)
    parts = [*network.encoder.parameters(), *network.bottom.parameters()]
    assert sum(part.numel() for part in parts) == 555_328


def test_the_fourth_network_has_half_of_the_thirds_parameters() -> None:
    third, fourth = (build(kind, 4) for kind in (TwoAtrousSettings(), TwoPretrainedSettings(pretrained=False)))
    assert fourth.trained_parameters / third.trained_parameters == pytest.approx(0.5, abs=0.03)
    assert third.trained_parameters > 2 * build("two-residual", 4).trained_parameters


def test_costs_are_counted() -> None:
    cost = costs.measure(build("two-basic", 4))
    at_one, at_two, at_four = 27 * 64 + 576 * 64, 2 * 576 * 64 + 64 * 3, 64 * 3
    assert cost.multiply_adds == at_one + 4 * at_two + 16 * at_four
    alone = costs.measure(build("two-basic", 4), 2).multiply_adds
    assert alone == at_one + 4 * 64 * 3, "what only the larger output needs is not counted"
    assert costs.measure(build("espcn", 3)).multiply_adds == 25 * 64 + 576 * 64 + 576 * 32 + 288 * 9
    assert costs.measure(build("srcnn", 2)).multiply_adds == 4 * (81 * 64 + 64 * 32 + 32 * 25) + 25 * 4


def test_dynamic_regularisation_follows_the_loss() -> None:
    module = DynamicRegularisation(0.5)
    x = torch.ones(2, 4, 3, 3)
    for loss in (1.0, 0.9, 0.8, 0.7):
        module.observe(torch.tensor(loss))
    assert float(module.strength) == pytest.approx(0.004, abs=1e-6)
    for loss in (5.0, 6.0):
        module.observe(torch.tensor(loss))
    assert float(module.strength) == pytest.approx(0.002, abs=1e-6)
    y = module.train()(x)
    assert not torch.equal(y, x) and float((y - x).abs().max()) <= 0.002 * 0.5 + 1e-6
    assert torch.equal(y, y[..., :1, :1].expand_as(y)), "one factor per sample and map"
    assert torch.equal(module.eval()(x), x)


def test_two_outputs_agree_with_their_order() -> None:
    network = build("two-basic", 4)
    twice, four = network(torch.rand(1, 3, 6, 8))
    assert twice.shape == (1, 3, 12, 16) and four.shape == (1, 3, 24, 32)
    with pytest.raises(ValueError, match="×2 and ×4"):
        build("two-basic", 3)


def test_values_come_back_in_float32_under_autocast() -> None:
    for settings, scale in SMALL:
        network = made(settings, scale)
        with torch.autocast("cpu", torch.bfloat16):
            results = network.outputs(torch.rand(1, network.channels, 16, 16))
        assert all(y.dtype == torch.float32 for y in results), network.name


def test_rounding_keeps_the_larger_weights_on_the_grid_of_float16() -> None:
    network = made(RdnSettings(convolutions=2, blocks=2, growth=8, features=8), 2)
    torch_graph.round_weights(network)
    for parameter in network.parameters():
        if parameter.numel() >= 256:
            values = parameter.detach().numpy()
            np.testing.assert_array_equal(values, values.astype(np.float16).astype(np.float32))
