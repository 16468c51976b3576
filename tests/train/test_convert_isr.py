"""ISR's Keras weights: the network that comes out computes what the layers say, checked by plain NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="converting needs PyTorch: pip install 'subpixel[train,convert]'")
h5py = pytest.importorskip("h5py", reason="ISR's files are HDF5: pip install 'subpixel[train,convert]'")

import subpixel  # noqa: E402
from subpixel import zoo  # noqa: E402
from subpixel.errors import ModelDamaged, ModelUnknown, TrainingError  # noqa: E402
from subpixel_train.convert import convert, isr  # noqa: E402

Shapes = Iterator[tuple[str, tuple[int, int, int, int]]]


def rdn(c: int, d: int, g: int, g0: int, x: int, nearest: bool) -> Shapes:
    """ISR's layers of RDN: name, kernel (height, width, in, out)."""
    yield "F_m1", (3, 3, 3, g0)
    yield "F_0", (3, 3, g0, g0)
    for block in range(1, d + 1):
        for layer in range(1, c + 1):
            yield f"F_{block}_{layer}", (3, 3, g0 + (layer - 1) * g, g)
        yield f"LFF_{block}", (1, 1, g0 + c * g, g0)
    yield "GFF_1", (1, 1, d * g0, g0)
    yield "GFF_2", (3, 3, g0, g0)
    yield "UPN1", (5, 5, g0, 64)
    yield "UPN2", (3, 3, 64, 32)
    yield "UPN3", (3, 3, 32, 3 * x * x)
    yield "SR", (3, 3, 3 * x * x if nearest else 3, 3)


def rrdn(t: int, c: int, d: int, g: int, g0: int, x: int) -> Shapes:
    """ISR's layers of RRDN."""
    yield "Pre_blocks_conv", (3, 3, 3, g0)
    for group in range(1, t + 1):
        for block in range(1, d + 1):
            for layer in range(1, c + 1):
                yield f"F_{group}_{block}_{layer}", (3, 3, g0 + (layer - 1) * g, g)
            yield f"LFF_{group}_{block}", (3, 3, g0 + c * g, g0)
    yield "post_blocks_conv", (3, 3, g0, g0)
    yield "PreShuffle", (3, 3, g0, 3 * x * x)
    yield "SR", (3, 3, 3, 3)


class Net:
    """ISR's networks with weights from a fixed seed, in NumPy: channels last, as Keras has them."""

    def __init__(self, shapes: Shapes) -> None:
        rng = np.random.default_rng(5)
        self.layers = {
            name: (rng.normal(0, (1.0 / np.prod(shape[:3])) ** 0.5, shape).astype(np.float32),
                   rng.normal(0, 0.1, shape[3]).astype(np.float32))
            for name, shape in shapes
        }  # fmt: skip

    def save(self, path: Path, whole: bool = False) -> Path:
        """As Keras's save_weights, or save of the whole model, lays it out."""
        with h5py.File(path, "w") as file:
            root = file.create_group("model_weights") if whole else file
            root.attrs["layer_names"] = [name.encode() for name in self.layers]
            for name, (kernel, bias) in self.layers.items():
                group = root.create_group(name)
                group.attrs["weight_names"] = [f"{name}/kernel:0".encode(), f"{name}/bias:0".encode()]
                group[f"{name}/kernel:0"], group[f"{name}/bias:0"] = kernel, bias
            root.create_group("F_1_1_Relu")  # layers without weights are empty groups
            if whole:
                file["optimizer_weights/Adam/F_m1/kernel:0"] = np.zeros((1, 1))
        return path

    def conv(self, name: str, x: np.ndarray, relu: bool = False) -> np.ndarray:
        kernel, bias = self.layers[name]
        reach = kernel.shape[0] // 2
        padded = np.pad(x, ((reach, reach), (reach, reach), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], axis=(0, 1))  # (H, W, in, kh, kw)
        y = np.einsum("hwcij,ijco->hwo", windows, kernel) + bias
        return np.maximum(y, 0) if relu else y

    def dense(self, x: np.ndarray, names: list[str], fuse: str) -> np.ndarray:
        for name in names:
            x = np.concatenate((x, self.conv(name, x, relu=True)), axis=2)
        return self.conv(fuse, x)

    def shuffle(self, x: np.ndarray, r: int) -> np.ndarray:
        """TensorFlow's depth_to_space, NHWC."""
        height, width, _ = x.shape
        return x.reshape(height, width, r, r, 3).transpose(0, 2, 1, 3, 4).reshape(height * r, width * r, 3)


def run_rdn(net: Net, x: np.ndarray, c: int, d: int, r: int, nearest: bool) -> np.ndarray:
    first = net.conv("F_m1", x)
    x = net.conv("F_0", first)
    kept = []
    for block in range(1, d + 1):
        x = x + net.dense(x, [f"F_{block}_{layer}" for layer in range(1, c + 1)], f"LFF_{block}")
        kept.append(x)
    x = net.conv("GFF_2", net.conv("GFF_1", np.concatenate(kept, axis=2))) + first
    x = net.conv("UPN3", net.conv("UPN2", net.conv("UPN1", x, relu=True), relu=True))
    return net.conv("SR", x.repeat(r, 0).repeat(r, 1) if nearest else net.shuffle(x, r))


def run_rrdn(net: Net, x: np.ndarray, t: int, c: int, d: int, r: int) -> np.ndarray:
    first = x = net.conv("Pre_blocks_conv", x)
    for group in range(1, t + 1):
        inner = x
        for block in range(1, d + 1):
            names = [f"F_{group}_{block}_{layer}" for layer in range(1, c + 1)]
            inner = inner + 0.2 * net.dense(inner, names, f"LFF_{group}_{block}")
        x = x + 0.2 * inner
    x = net.conv("post_blocks_conv", x) + first
    return net.conv("SR", net.shuffle(net.conv("PreShuffle", x), r))


def opened(path: Path, x: np.ndarray) -> np.ndarray:
    network = isr.open_weights(path).network
    with torch.inference_mode():
        result = network(torch.from_numpy(x.transpose(2, 0, 1)[None].copy()))[0].numpy()
    return np.asarray(result).transpose(1, 2, 0)


X = np.random.default_rng(0).random((9, 12, 3)).astype(np.float32)


@pytest.mark.parametrize("nearest", [True, False])
@pytest.mark.parametrize("whole", [True, False])
def test_rdn_is_what_isr_computes(nearest: bool, whole: bool, tmp_path: Path) -> None:
    net = Net(rdn(2, 3, 6, 8, 2, nearest))
    path = net.save(tmp_path / "rdn.hdf5", whole)
    np.testing.assert_allclose(opened(path, X), run_rdn(net, X, 2, 3, 2, nearest), atol=2e-5)


def test_rrdn_is_what_isr_computes(tmp_path: Path) -> None:
    net = Net(rrdn(2, 3, 2, 6, 8, 4))
    path = net.save(tmp_path / "rrdn.hdf5")
    np.testing.assert_allclose(opened(path, X), run_rrdn(net, X, 2, 3, 2, 4), atol=2e-5)


def test_isr_weights_become_a_model(tmp_path: Path) -> None:
    net = Net(rdn(1, 2, 4, 6, 3, nearest=True))
    made = convert(net.save(tmp_path / "rdn-C1-D2-G4-G06-x3.hdf5"), tmp_path / "out")
    card = zoo.card(tmp_path / "out")
    assert made.architecture == "RDN (ISR) C1 D2 G4 G06"
    assert (card.scale, card.align, card.colour) == (3, 1, "rgb")
    assert card.activations > 64 + 32  # more than UPN2 takes and gives
    # F_m1, F_0, two of F, GFF_2, UPN1, UPN2, UPN3, and SR, which sees one large pixel beyond
    assert card.halo == 1 + 1 + 2 + 1 + 2 + 1 + 1 + 1
    picture = (X * 255).astype(np.uint8)
    with subpixel.Upscaler(tmp_path / "out", precision="fp32", threads=1) as upscaler:
        result = upscaler.upscale(picture, scale=3)
    padded = np.pad(picture, ((card.halo,) * 2, (card.halo,) * 2, (0, 0)), mode="edge").astype(np.float32) / 255
    cut = slice(3 * card.halo, -3 * card.halo)
    wanted = np.rint(run_rdn(net, padded, 1, 2, 3, True)[cut, cut].clip(0, 1) * 255)
    assert wanted.std() > 5
    assert np.abs(np.asarray(result).astype(int) - wanted).max() <= 1


def test_what_is_not_isr_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["dense_1/dense_1/kernel:0"] = np.zeros((3, 3))
    with pytest.raises(ModelUnknown, match="no network of ISR: dense_1"):
        convert(tmp_path / "other.h5")
    net = Net(rdn(2, 2, 4, 6, 2, nearest=True))
    del net.layers["F_2_1"]
    with pytest.raises(ModelDamaged, match="lacks the layer F_2_1"):
        convert(net.save(tmp_path / "part.hdf5"))
    net = Net(rdn(2, 2, 4, 6, 2, nearest=True))
    net.layers["F_2_1"] = net.layers["F_1_2"]
    with pytest.raises(ModelDamaged, match="do not fit each other"):
        convert(net.save(tmp_path / "mixed.hdf5"))
    (tmp_path / "no.hdf5").write_bytes(b"something else")
    with pytest.raises(ModelDamaged, match="is not HDF5"):
        convert(tmp_path / "no.hdf5")
    whole = net.save(tmp_path / "cut.hdf5").read_bytes()
    (tmp_path / "cut.hdf5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelDamaged, match="cannot be read as HDF5"):
        convert(tmp_path / "cut.hdf5")
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(TrainingError, match="needs h5py"):
        convert(tmp_path / "other.h5")
