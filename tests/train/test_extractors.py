"""The recognition networks whose features are used: sizes, names of published weights, what they compute."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from drawn import draw  # noqa: E402
from torch.nn import functional  # noqa: E402

from subpixel.errors import TrainingError  # noqa: E402
from subpixel_train.networks import efficientnet, squeezenet, vgg19  # noqa: E402
from subpixel_train.networks.efficientnet import FirstBlock, feature_block  # noqa: E402
from subpixel_train.pretrained import without_weights  # noqa: E402

CAFFE = Path(os.environ.get("SUBPIXEL_DATA", "")) / "features" / "squeezenet_v1.0_fp16.safetensors"


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def as_published(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> dict[str, torch.Tensor]:
    """Weights of given names; variances are positive."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.rand(shape, generator=generator) + 0.5
        if name.endswith("running_var")
        else torch.randn(shape, generator=generator) * 0.3
        for name, shape in shapes.items()
    }


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; its folder for weights is made."""
    monkeypatch.setenv("SUBPIXEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SUBPIXEL_DATA", raising=False)
    (tmp_path / "cache" / "weights").mkdir(parents=True)
    return tmp_path / "cache" / "weights"


# EfficientNet-B4

NORM = ("weight", "bias", "running_mean", "running_var")
TIMM: dict[str, tuple[int, ...]] = {
    "conv_stem.weight": (48, 3, 3, 3),
    **{f"bn1.{what}": (48,) for what in NORM},
    "blocks.0.0.conv_dw.weight": (48, 1, 3, 3),
    **{f"blocks.0.0.bn1.{what}": (48,) for what in NORM},
    "blocks.0.0.se.conv_reduce.weight": (12, 48, 1, 1),
    "blocks.0.0.se.conv_reduce.bias": (12,),
    "blocks.0.0.se.conv_expand.weight": (48, 12, 1, 1),
    "blocks.0.0.se.conv_expand.bias": (48,),
    "blocks.0.0.conv_pw.weight": (24, 48, 1, 1),
    **{f"blocks.0.0.bn2.{what}": (24,) for what in NORM},
}
TORCHVISION = {
    "conv_stem": "features.0.0",
    "bn1": "features.0.1",
    "blocks.0.0.conv_dw": "features.1.0.block.0.0",
    "blocks.0.0.bn1": "features.1.0.block.0.1",
    "blocks.0.0.se.conv_reduce": "features.1.0.block.1.fc1",
    "blocks.0.0.se.conv_expand": "features.1.0.block.1.fc2",
    "blocks.0.0.conv_pw": "features.1.0.block.2.0",
    "blocks.0.0.bn2": "features.1.0.block.2.1",
}


def first_block_of_timm(x: torch.Tensor, w: dict[str, torch.Tensor]) -> torch.Tensor:
    """The block written out layer by layer from the published names."""

    def norm(y: torch.Tensor, name: str) -> torch.Tensor:
        weight, bias, mean, variance = (w[f"{name}.{what}"][None, :, None, None] for what in NORM)
        return (y - mean) / torch.sqrt(variance + 1e-5) * weight + bias

    x = (x - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    x = functional.silu(norm(functional.conv2d(x, w["conv_stem.weight"], stride=2, padding=1), "bn1"))
    at = "blocks.0.0."
    x = functional.conv2d(x, w[f"{at}conv_dw.weight"], padding=1, groups=48)
    x = functional.silu(norm(x, f"{at}bn1"))
    squeezed = x.mean((2, 3), keepdim=True)
    squeezed = functional.silu(
        functional.conv2d(squeezed, w[f"{at}se.conv_reduce.weight"], w[f"{at}se.conv_reduce.bias"])
    )
    gate = torch.sigmoid(functional.conv2d(squeezed, w[f"{at}se.conv_expand.weight"], w[f"{at}se.conv_expand.bias"]))
    return norm(functional.conv2d(x * gate, w[f"{at}conv_pw.weight"]), f"{at}bn2")


def test_first_block_has_the_published_parameters() -> None:
    trained = {name: shape for name, shape in TIMM.items() if "running" not in name}
    assert count(FirstBlock()) == 4_332 == sum(int(np.prod(shape)) for shape in trained.values())


@pytest.mark.parametrize("names", ["timm", "torchvision"])
def test_first_block_computes_what_the_published_weights_mean(names: str) -> None:
    weights = as_published(TIMM)
    x = torch.rand(2, 3, 22, 17)
    expected = first_block_of_timm(x, weights)
    if names == "torchvision":
        weights = {
            f"{TORCHVISION[layer]}.{what}": value
            for (layer, _, what), value in ((name.rpartition("."), value) for name, value in weights.items())
        }
    block = FirstBlock("picture")
    block.load({**weights, "classifier.weight": torch.zeros(3)})
    torch.testing.assert_close(block(x), expected)
    assert expected.shape == (2, 24, 11, 9)


def test_fixed_squeeze_calibrated_on_a_picture_is_the_published_block_on_it() -> None:
    weights, x = as_published(TIMM), torch.rand(1, 3, 24, 20)
    block = FirstBlock("fixed")
    block.load(weights)
    block.calibrate([x])
    torch.testing.assert_close(block(x), first_block_of_timm(x, weights))
    again = FirstBlock("fixed")
    again.load_state_dict(block.state_dict())
    torch.testing.assert_close(again(x), block(x), rtol=0, atol=0)


def test_calibration_counts_every_picture_alike() -> None:
    block, pictures = FirstBlock(), torch.rand(3, 3, 16, 16)
    block.calibrate([pictures])
    together = block.squeeze_mean.clone()
    block.calibrate([pictures[:2], pictures[2:]])
    torch.testing.assert_close(block.squeeze_mean, together)
    with pytest.raises(TrainingError, match="no picture to calibrate"):
        block.calibrate([])


def test_the_squeeze_is_estimated_from_batch_norms_statistics() -> None:
    block = FirstBlock()
    assert not block.squeeze_mean.any()
    block.load(as_published(TIMM))
    norm = block.depthwise_norm
    drawn = torch.randn(200_000, 48, generator=torch.Generator().manual_seed(1)) * norm.weight + norm.bias
    torch.testing.assert_close(block.squeeze_mean, functional.silu(drawn).mean(0), rtol=0, atol=0.005)


def test_first_block_looks_as_far_as_it_says() -> None:
    block = FirstBlock()
    x = torch.rand(1, 3, 44, 44)
    distances = []
    for pixel in (20, 21):
        changed = x.clone()
        changed[..., pixel, pixel] += 1
        moved = (block(x) != block(changed)).any(1)[0]
        for side in (0, 1):
            at = moved.any(side).nonzero().flatten()
            distances += [pixel - 2 * int(at[0]), 2 * int(at[-1]) + 1 - pixel]
    assert max(distances) == block.reach


def test_a_tile_has_the_features_of_the_picture_only_with_a_fixed_squeeze() -> None:
    x = torch.rand(1, 3, 40, 40)
    for squeeze, same in (("fixed", True), ("picture", False)):
        block = FirstBlock(squeeze)  # type: ignore[arg-type]
        inner = block(x[..., 8:32, 8:32])[..., 2:-2, 2:-2]
        whole = block(x)[..., 6:14, 6:14]
        assert torch.allclose(inner, whole, atol=1e-5) == same


def test_batch_norm_never_learns_from_its_batch_and_starts_as_identity() -> None:
    norm = efficientnet.StoredNorm(4)
    x = torch.randn(3, 4, 5, 5) * 7 + 2
    torch.testing.assert_close(norm.train()(x), x)
    assert not norm.running_mean.any()


def test_feature_block_is_trained_when_fresh_and_frozen_when_pretrained(cache: Path) -> None:
    assert all(parameter.requires_grad for parameter in feature_block(pretrained=False).parameters())
    torch.save(as_published(TIMM), cache / "efficientnet_b4_ra2_320-7eb33cd5.pth")
    block = feature_block(pretrained=True)
    assert not any(parameter.requires_grad for parameter in block.parameters())
    assert torch.equal(block.stem.weight, as_published(TIMM)["conv_stem.weight"])


def test_without_the_file_the_error_tells_how_to_get_it_and_a_checkpoint_needs_none(cache: Path) -> None:
    with pytest.raises(TrainingError, match="subpixel data fetch efficientnet-b4") as error:
        feature_block(pretrained=True)
    assert str(cache) in error.value.hint
    with without_weights():
        assert not any(parameter.requires_grad for parameter in feature_block(pretrained=True).parameters())
    with pytest.raises(TrainingError):
        feature_block(pretrained=True)


# VGG19

VGG_CONVOLUTIONS = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
VGG_MAPS = (64, 64, 128, 128, *[256] * 4, *[512] * 8)


def vgg_weights(upto: int) -> dict[str, torch.Tensor]:
    """Weights under torchvision's names, up to `features.UPTO`."""
    before = (3, *VGG_MAPS)
    shapes: dict[str, tuple[int, ...]] = {}
    for place, channels, maps in zip(VGG_CONVOLUTIONS, before, VGG_MAPS, strict=False):
        if place <= upto:
            shapes |= {f"features.{place}.weight": (maps, channels, 3, 3), f"features.{place}.bias": (maps,)}
    return {name: value * 0.2 for name, value in as_published(shapes).items()}


def torchvision_vgg(x: torch.Tensor, weights: dict[str, torch.Tensor], place: int) -> torch.Tensor:
    """torchvision's list of layers, run up to the ReLU behind `features.PLACE`."""
    x = (x - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    for index in range(place + 2):
        if index in VGG_CONVOLUTIONS:
            x = functional.conv2d(x, weights[f"features.{index}.weight"], weights[f"features.{index}.bias"], padding=1)
        elif index - 1 in VGG_CONVOLUTIONS:
            x = functional.relu(x)
        else:
            x = functional.max_pool2d(x, 2)
    return x


def test_vgg19_has_the_papers_parameters() -> None:
    assert count(vgg19.Vgg19(("block5_conv4",))) == 20_024_384
    assert count(vgg19.Vgg19()) == 1_735_488
    assert tuple(layer.published for layer in vgg19.LAYERS) == VGG_CONVOLUTIONS
    assert tuple(layer.maps for layer in vgg19.LAYERS) == VGG_MAPS


@pytest.mark.parametrize(
    ("keras", "name", "place"),
    [("1", "block1_conv1", 0), ("5", "block2_conv2", 7), ("9", "block3_conv3", 14), ("20", "block5_conv4", 34)],
)
def test_a_layer_has_keras_name_and_number(keras: str, name: str, place: int) -> None:
    assert vgg19.layer(keras) is vgg19.layer(name)
    assert vgg19.layer(name).published == place


def test_vgg19_computes_what_torchvisions_weights_mean_in_the_order_asked() -> None:
    weights, x = vgg_weights(19), torch.rand(2, 3, 19, 22)
    network = vgg19.Vgg19(("9", "block1_conv2", "block4_conv1"))
    network.load(weights)
    for found, place in zip(network(x), (14, 2, 19), strict=True):
        torch.testing.assert_close(found, torchvision_vgg(x, weights, place))


def test_vgg19_from_the_cache_is_frozen(cache: Path) -> None:
    torch.save({**vgg_weights(14), "classifier.0.weight": torch.zeros(2, 2)}, cache / "vgg19-dcbb9e9d.pth")
    network = vgg19.load_extractor()
    assert not network.training and not any(parameter.requires_grad for parameter in network.parameters())
    assert [found.shape for found in network(torch.rand(1, 3, 16, 16))] == [(1, 128, 8, 8), (1, 256, 4, 4)]


def test_vgg19_says_what_is_wrong(cache: Path) -> None:
    with pytest.raises(TrainingError, match="did you mean block3_conv4"):
        vgg19.load_extractor(["block3_conv7"])
    with pytest.raises(TrainingError, match="subpixel data fetch vgg19"):
        vgg19.load_extractor()
    with pytest.raises(TrainingError, match=r"is not VGG19: it has no features\.10\.weight"):
        vgg19.Vgg19().load(vgg_weights(7))
    with pytest.raises(TrainingError, match=r"features\.0\.weight is"):
        vgg19.Vgg19().load(vgg_weights(14) | {"features.0.weight": torch.zeros(64, 1, 3, 3)})


# SqueezeNet

SQUEEZE_FIRES = {
    "fire2": (3, 96, 16, 64),
    "fire3": (4, 128, 16, 64),
    "fire4": (5, 128, 32, 128),
    "fire5": (7, 256, 32, 128),
}


def squeeze_weights() -> dict[str, torch.Tensor]:
    """Weights up to fire5 under torchvision's names."""
    shapes: dict[str, tuple[int, ...]] = {"features.0.weight": (96, 3, 7, 7), "features.0.bias": (96,)}
    for place, channels, squeezed, expanded in SQUEEZE_FIRES.values():
        at = f"features.{place}"
        shapes |= {f"{at}.squeeze.weight": (squeezed, channels, 1, 1), f"{at}.squeeze.bias": (squeezed,)}
        shapes |= {f"{at}.expand1x1.weight": (expanded, squeezed, 1, 1), f"{at}.expand1x1.bias": (expanded,)}
        shapes |= {f"{at}.expand3x3.weight": (expanded, squeezed, 3, 3), f"{at}.expand3x3.bias": (expanded,)}
    return {name: value * 0.3 for name, value in as_published(shapes).items()}


def squeeze_by_hand(x: torch.Tensor, weights: dict[str, torch.Tensor]) -> torch.Tensor:
    """Layers of `features` one by one, up to fire5; x is normalised."""

    def convolve(y: torch.Tensor, name: str, padding: int = 0, stride: int = 1) -> torch.Tensor:
        return functional.relu(
            functional.conv2d(y, weights[f"{name}.weight"], weights[f"{name}.bias"], stride=stride, padding=padding)
        )

    x = functional.max_pool2d(convolve(x, "features.0", stride=2), 3, 2, ceil_mode=True)
    for place in (3, 4, 5, 7):
        if place == 7:
            x = functional.max_pool2d(x, 3, 2, ceil_mode=True)
        x = convolve(x, f"features.{place}.squeeze")
        x = torch.cat(
            (convolve(x, f"features.{place}.expand1x1"), convolve(x, f"features.{place}.expand3x3", padding=1)), 1
        )
    return x


def test_squeezenet_has_the_papers_parameters() -> None:
    whole = count(squeezenet.SqueezeNet(("fire9",)))
    assert whole + 512 * 1000 + 1000 == 1_248_424


def test_squeezenet_computes_what_torchvisions_weights_mean() -> None:
    weights, x = squeeze_weights(), torch.rand(2, 3, 45, 52)
    network = squeezenet.SqueezeNet(("fire5",))
    network.load(weights)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    expected = squeeze_by_hand((x - mean[:, None, None]) / deviation[:, None, None], weights)
    torch.testing.assert_close(network(x)[0], expected, rtol=1e-4, atol=1e-4)


def test_squeezenet_computes_what_the_authors_weights_mean() -> None:
    weights, x = squeeze_weights(), torch.rand(2, 3, 45, 52)
    caffe = {f"conv1.{what}": weights[f"features.0.{what}"] for what in ("weight", "bias")}
    for name, (place, *_) in SQUEEZE_FIRES.items():
        for theirs, torchvisions in (("conv1x1_1", "squeeze"), ("conv1x1_2", "expand1x1"), ("conv3x3_2", "expand3x3")):
            for what in ("weight", "bias"):
                caffe[f"{name}.{theirs}.{what}"] = weights[f"features.{place}.{torchvisions}.{what}"]
    network = squeezenet.SqueezeNet(("fire5",))
    network.load({name: value.half() for name, value in caffe.items()})
    blue_green_red = x.flip(1) * 255 - torch.tensor([104.0, 117.0, 123.0])[:, None, None]
    expected = squeeze_by_hand(blue_green_red, {name: value.half().float() for name, value in weights.items()})
    torch.testing.assert_close(network(x)[0] * 57.4, expected, rtol=1e-3, atol=0.05)


def test_squeezenet_says_what_is_wrong(cache: Path) -> None:
    with pytest.raises(TrainingError, match="no layer 'fire22': did you mean fire2"):
        squeezenet.load_extractor(["fire22"])
    with pytest.raises(TrainingError, match="subpixel data fetch squeezenet"):
        squeezenet.load_extractor()
    with pytest.raises(TrainingError, match=r"is not SqueezeNet 1\.0"):
        squeezenet.SqueezeNet().load(vgg_weights(14))


@pytest.mark.skipif(not CAFFE.is_file(), reason="needs features/squeezenet_v1.0_fp16.safetensors in SUBPIXEL_DATA")
def test_squeezenet_from_the_data_folder_sees_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUBPIXEL_CACHE", str(tmp_path))
    network = squeezenet.load_extractor()
    assert not any(parameter.requires_grad for parameter in network.parameters())
    picture = torch.from_numpy(draw(64, 64, 3)).permute(2, 0, 1)[None].float() / 255
    blurred = functional.avg_pool2d(functional.pad(picture, (2, 2, 2, 2), mode="replicate"), 5, 1)
    brighter = picture + 0.02

    def distance(other: torch.Tensor) -> float:
        pairs = zip(network(picture), network(other), strict=True)
        return sum(float(functional.mse_loss(a, b)) for a, b in pairs)

    assert distance(blurred) > 5 * distance(brighter) > 0
