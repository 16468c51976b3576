"""The community's networks, opened through spandrel, which knows an architecture and its size by its weights' names."""

from __future__ import annotations

import contextlib
import math
import sys
import types
from collections.abc import Iterator
from typing import Any, Final, TypeGuard

import torch
from torch import nn

from subpixel.errors import ModelDamaged, ModelError, ModelUnknown, TrainingError
from subpixel_train.convert.exportable import prepare
from subpixel_train.convert.opened import Opened

INSTALL: Final = "pip install 'subpixel[train,convert]' && pip install --no-deps spandrel"

_WINDOWS: Final = ("window_size", "ws", "split_size", "split_size_0", "split_size_1", "stripe_size", "patch_size")
"""Attributes by which networks that cut their input into windows call a window's side."""

_FOLDS: Final = ("start_unshuffle", "shuffle_factor")
"""Attributes by which networks that begin with folding pixels into channels call the factor."""


_PAPERS: Final = {
    "ATD": "2401.08209",
    "Compact": "2107.10833",
    "DAT": "2308.03364",
    "DRCT": "2404.00722",
    "ESRGAN": "1809.00219",
    "HAT": "2205.04437",
    "OmniSR": "2304.10244",
    "PLKSR": "2404.11848",
    "RCAN": "1807.02758",
    "RGT": "2303.06373",
    "SAFMN": "2302.13800",
    "SPAN": "2311.12770",
    "Swin2SR": "2209.11345",
    "SwinIR": "2108.10257",
}
"""Architecture → its paper on arXiv."""


@contextlib.contextmanager
def _without_torchvision() -> Iterator[None]:
    """While it lasts, three names can be imported from torchvision where it is not installed.

    spandrel imports `rotate`, `InterpolationMode` and `normalize` for two networks that do not enlarge (LaMa and
    RestoreFormer), always, so that without torchvision nothing could be opened. torchvision in turn has no build
    beside some builds of PyTorch. The names stand for nothing and vanish afterwards: whoever else asks for
    torchvision still learns that it is absent.
    """
    try:
        import torchvision  # noqa: F401
    except Exception:  # absent, or built for another PyTorch, which fails in its own way
        hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "torchvision"}
    else:
        yield
        return
    root, transforms, functional = (
        types.ModuleType(name)
        for name in ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")
    )
    for name in ("InterpolationMode", "normalize", "rotate"):
        setattr(functional, name, _Absent)
    modules = {module.__name__: module for module in (root, transforms, functional)}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in modules:
            sys.modules.pop(name, None)
        sys.modules.update(hidden)


class _Absent:
    """What stands in for torchvision's functions: using it says what is missing."""

    def __init__(self, *_: object, **__: object) -> None:
        raise TrainingError("this network needs torchvision, which is not installed", "it does not enlarge pictures")


def _spandrel() -> Any:
    try:
        with _without_torchvision():
            import spandrel
    except ImportError as error:
        missing = error.name or "spandrel"
        raise TrainingError(
            f"opening the community's networks needs {missing}", f"install it with: {INSTALL}"
        ) from None
    return spandrel


def architectures() -> tuple[str, ...]:
    """Names of the architectures that spandrel knows, sorted; those that do not enlarge are among them."""
    found = (support.architecture.name for support in _spandrel().MAIN_REGISTRY)
    return tuple(sorted(found, key=str.lower))


def open_weights(weights: dict[str, Any], source: str) -> Opened:
    """The network whose weights these are.

    Args:
        weights: names and tensors as `torch.load` gives them, nested or not.
        source: where they are from, for messages.

    Raises:
        TrainingError: spandrel is not installed.
        ModelUnknown: no known architecture has such weights.
        ModelDamaged: an architecture was recognised, but the weights do not fit it.
        ModelError: the network does not enlarge pictures, or not of grey or RGB.
    """
    spandrel = _spandrel()
    try:
        found = spandrel.ModelLoader(device="cpu").load_from_state_dict(weights)
    except spandrel.UnsupportedModelError:
        raise ModelUnknown(
            f"{source} holds weights of no architecture known here", f"known are {', '.join(architectures())}"
        ) from None
    except Exception as error:  # whatever an architecture's code meets in weights that are not quite its own
        raise ModelDamaged(
            f"the weights in {source} do not fit the architecture that they look like: {error}"
        ) from None
    architecture, scale = str(found.architecture.name), int(found.scale)
    if not isinstance(found, spandrel.ImageModelDescriptor):
        raise ModelError(
            f"{architecture} in {source} fills in what is masked", "only networks that enlarge can be used"
        )
    if scale < 2:
        raise ModelError(
            f"{architecture} in {source} has scale {scale}: it restores a picture without enlarging it",
            "only networks that enlarge, by 2 to 16, can be used",
        )
    channels = int(found.input_channels)
    if channels not in (1, 3) or channels != found.output_channels:
        raise ModelError(
            f"{architecture} in {source} takes {channels} channels and gives {found.output_channels}",
            "only networks from grey to grey or RGB to RGB can be used",
        )
    network: nn.Module = found.model.float()
    prepare(network)
    align = math.lcm(int(found.size_requirements.multiple_of), _window(network))
    paper = _PAPERS.get(str(found.architecture.id))
    opened = Opened(
        network,
        architecture,
        scale,
        channels,
        align,
        -(-max(1, int(found.size_requirements.minimum)) // align) * align,
        tuple(str(tag) for tag in found.tags),
        f"https://arxiv.org/abs/{paper}" if paper else "",
    )
    _try(opened, source)
    return opened


def _try(opened: Opened, source: str) -> None:
    """Run it once: a form that was guessed wrongly from the weights fails here or gives another size."""
    side = max(opened.minimum, 2 * opened.align)
    wanted = (1, opened.channels, side * opened.scale, side * opened.scale)
    try:
        with torch.inference_mode():
            result = opened.network(torch.rand(1, opened.channels, side, side))
    except Exception as error:
        raise ModelDamaged(f"{opened.architecture} from {source} does not run: {error}") from None
    if not isinstance(result, torch.Tensor) or tuple(result.shape) != wanted:
        raise ModelError(
            f"{opened.architecture} from {source} does not give one picture {opened.scale} times as large",
            "networks of that kind cannot be used",
        )
    if not bool(result.isfinite().all()):
        raise ModelDamaged(f"{opened.architecture} from {source} computes what is no number")


def _window(network: nn.Module) -> int:
    """The least size that all windows of the network divide, in pixels of its input; 1 where it has none."""
    windows, unshuffled = {1}, {1}
    for module in network.modules():
        for name in _WINDOWS:
            value = getattr(module, name, None)
            windows.update(side for side in (value if isinstance(value, list | tuple) else (value,)) if _whole(side))
        folded = [getattr(module, name, None) for name in _FOLDS]
        if isinstance(module, nn.PixelUnshuffle):
            folded.append(module.downscale_factor)
        unshuffled.update(factor for factor in folded if _whole(factor))
    return math.lcm(*windows) * math.lcm(*unshuffled)


def _whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and value > 1
