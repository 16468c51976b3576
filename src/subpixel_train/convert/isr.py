"""Weights of idealo's ISR (Keras, HDF5): RDN and RRDN, whose form is told by the names and shapes of their layers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from subpixel.errors import ModelDamaged, ModelUnknown, TrainingError
from subpixel_train.convert.opened import Opened
from subpixel_train.networks.rdn import Rdn, RdnSettings
from subpixel_train.networks.rrdn import Rrdn, RrdnSettings

Layers = dict[str, dict[str, NDArray[np.float32]]]
"""Layer → "kernel" (height, width, in, out) and "bias" (out,)."""

SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"

_KERNEL: Final = 3


class IsrRdn(Rdn):
    """RDN in ISR's form: nothing is subtracted from the picture, and its end is one of two.

    Attributes:
        nearest: True for ISR's own default and its published weights: every pixel of the 3·r² maps is repeated r × r
            times, and the last convolution takes all of them; False: pixel shuffle.
    """

    def __init__(self, settings: RdnSettings, scale: int, nearest: bool) -> None:
        super().__init__(settings, scale)
        self.nearest = nearest
        if nearest:
            self.rgb = nn.Conv2d(3 * scale**2, 3, _KERNEL, padding=1)  # type: ignore[assignment]

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), RGB → (N, 3, rH, rW), RGB."""
        shallow = self.shallow(x)  # (N, G0, H, W)
        x = self.enter(shallow)  # (N, G0, H, W)
        kept = []
        for block in self.blocks:
            x = x + block(x)  # (N, G0, H, W)
            kept.append(x)
        x = self.smooth(self.fuse(torch.cat(kept, dim=1))) + shallow  # (N, G0, H, W)
        x = self.up3(functional.relu(self.up2(functional.relu(self.up1(x)))))  # (N, 3r², H, W)
        if self.nearest:
            x = functional.interpolate(x, scale_factor=float(self.scale), mode="nearest")  # (N, 3r², rH, rW)
        else:
            x = functional.pixel_shuffle(x, self.scale)  # (N, 3, rH, rW)
        made: Tensor = self.rgb(x)  # (N, 3, rH, rW)
        return made


class IsrRrdn(Rrdn):
    """RRDN in ISR's form: nothing is subtracted from the picture."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), RGB → (N, 3, rH, rW), RGB."""
        shallow = self.shallow(x)  # (N, G0, H, W)
        x = shallow
        for block in self.rrdbs:
            x = block(x)  # (N, G0, H, W)
        x = self.smooth(x) + shallow  # (N, G0, H, W)
        made: Tensor = self.rgb(functional.pixel_shuffle(self.up(x), self.scale))  # (N, 3, rH, rW)
        return made


def read(path: Path) -> Layers:
    """The convolutions of a Keras file, whether it holds weights alone or the whole model.

    Raises:
        TrainingError: h5py is not installed.
        ModelDamaged: not HDF5, or without convolutions.
    """
    try:
        import h5py
    except ImportError:
        raise TrainingError(f"opening {path} needs h5py", "install it with: pip install h5py") from None
    layers: Layers = {}

    def note(name: str, item: object) -> None:
        parts = name.split("/")
        kind = parts[-1].partition(":")[0]
        if isinstance(item, h5py.Dataset) and kind in ("kernel", "bias") and "optimizer_weights" not in parts:
            layers.setdefault(parts[-2] if len(parts) > 1 else "", {})[kind] = np.asarray(item, np.float32)

    try:
        with h5py.File(path, "r") as file:
            file.visititems(note)
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        raise ModelDamaged(f"{path} cannot be read as HDF5: {error}") from None
    return layers


def open_weights(path: Path) -> Opened:
    """The network whose weights a file of ISR holds.

    Raises:
        TrainingError: h5py is not installed.
        ModelUnknown: the layers are not those of RDN or RRDN.
        ModelDamaged: they are, but some are missing or of another shape.
    """
    layers = read(path)
    try:
        if "F_m1" in layers:
            return _rdn(layers)
        if "Pre_blocks_conv" in layers:
            return _rrdn(layers)
    except KeyError as error:
        raise ModelDamaged(f"{path} lacks the layer {error.args[0]}", "give weights that ISR saved") from None
    except (ValueError, RuntimeError) as error:
        raise ModelDamaged(f"the layers in {path} do not fit each other: {error}") from None
    names = ", ".join(list(layers)[:4]) or "no convolutions"
    raise ModelUnknown(
        f"{path} holds no network of ISR: {names}", "RDN has layers F_m1, F_0, F_1_1 …, RRDN Pre_blocks_conv, F_1_1_1 …"
    )


def _rdn(layers: Layers) -> Opened:
    blocks, convolutions = _counts(layers, 2)
    maps = layers["F_m1"]["kernel"].shape[3]
    settings = RdnSettings(
        blocks=blocks, convolutions=convolutions, growth=layers["F_1_1"]["kernel"].shape[3], features=maps
    )
    folded = layers["UPN3"]["kernel"].shape[3]
    scale = _scale(folded)
    nearest = layers["SR"]["kernel"].shape[2] == folded
    network = IsrRdn(settings, scale, nearest)
    _fill(network.shallow, layers["F_m1"])
    _fill(network.enter, layers["F_0"])
    for d, block in enumerate(network.blocks, 1):
        for c, layer in enumerate(block.grow, 1):  # type: ignore[arg-type]
            _fill(layer, layers[f"F_{d}_{c}"])
        _fill(block.fuse, layers[f"LFF_{d}"])
    _fill(network.fuse, layers["GFF_1"])
    _fill(network.smooth, layers["GFF_2"])
    _fill(network.up1, layers["UPN1"])
    _fill(network.up2, layers["UPN2"])
    _fill(network.up3, layers["UPN3"] if nearest else _for_shuffle(layers["UPN3"], scale))
    _fill(network.rgb, layers["SR"])
    tags = (f"C{convolutions}", f"D{blocks}", f"G{settings.growth}", f"G0{maps}")
    return _opened(network, "RDN (ISR)", tags, Rdn.paper)


def _rrdn(layers: Layers) -> Opened:
    rrdbs, blocks, convolutions = _counts(layers, 3)
    maps = layers["Pre_blocks_conv"]["kernel"].shape[3]
    settings = RrdnSettings(
        rrdbs=rrdbs,
        blocks=blocks,
        convolutions=convolutions,
        growth=layers["F_1_1_1"]["kernel"].shape[3],
        features=maps,
    )
    up = next(name for name in ("PreShuffle", "UPN3") if name in layers)
    network = IsrRrdn(settings, _scale(layers[up]["kernel"].shape[3]))
    _fill(network.shallow, layers["Pre_blocks_conv"])
    for t, rrdb in enumerate(network.rrdbs, 1):
        for d, block in enumerate(rrdb.blocks, 1):  # type: ignore[arg-type]
            for c, layer in enumerate(block.grow, 1):
                _fill(layer, layers[f"F_{t}_{d}_{c}"])
            _fill(block.fuse, layers[f"LFF_{t}_{d}"])
    _fill(network.smooth, layers["post_blocks_conv"])
    _fill(network.up, _for_shuffle(layers[up], network.scale))
    _fill(network.rgb, layers["SR"])
    tags = (f"T{rrdbs}", f"C{convolutions}", f"D{blocks}", f"G{settings.growth}", f"G0{maps}")
    return _opened(network, "RRDN (ISR)", tags, Rrdn.paper)


def _opened(network: Rdn | Rrdn, architecture: str, tags: tuple[str, ...], paper: str) -> Opened:
    network.eval()
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return Opened(network, architecture, network.scale, 3, tags=tags, paper=paper)


def _counts(layers: Layers, numbers: int) -> tuple[int, ...]:
    """The highest numbers in names as F_2_3."""
    pattern = re.compile("F" + r"_(\d+)" * numbers)
    found = [tuple(int(number) for number in match.groups()) for name in layers if (match := pattern.fullmatch(name))]
    if not found:
        raise KeyError("F" + "_1" * numbers)
    return tuple(max(row[index] for row in found) for index in range(numbers))


def _scale(folded: int) -> int:
    """The factor of 3·r² maps."""
    scale: int = round((folded / 3) ** 0.5)
    if scale < 2 or 3 * scale**2 != folded:
        raise ValueError(f"{folded} maps at the end are not 3·r² of any factor r")
    return scale


def _fill(layer: object, weights: dict[str, NDArray[np.float32]]) -> None:
    """Put Keras's kernel (height, width, in, out) into a convolution (out, in, height, width)."""
    assert isinstance(layer, nn.Conv2d) and layer.bias is not None
    kernel, bias = torch.from_numpy(weights["kernel"]).permute(3, 2, 0, 1), torch.from_numpy(weights["bias"])
    if kernel.shape != layer.weight.shape:
        raise ValueError(f"a kernel is {tuple(kernel.shape)}, expected {tuple(layer.weight.shape)}")
    with torch.no_grad():
        layer.weight.copy_(kernel)
        layer.bias.copy_(bias)


def _for_shuffle(weights: dict[str, NDArray[np.float32]], scale: int) -> dict[str, NDArray[np.float32]]:
    """Maps in the order of PyTorch's pixel shuffle: TensorFlow's has the colour last, PyTorch's first."""
    order = np.arange(3 * scale**2).reshape(scale**2, 3).T.ravel()
    return {"kernel": weights["kernel"][..., order], "bias": weights["bias"][order]}
