"""Weights that others trained: opening their files safely, finding them, taking layers out of them."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from subpixel.errors import TrainingError
from subpixel.measure.sets import DATA_VARIABLE
from subpixel_train.fetch.places import features_folder, weights_folder
from subpixel_train.fetch.weights import weights_entry

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION: Final = (0.229, 0.224, 0.225)
"""Of ImageNet's pictures, R, G, B in 0–1, as everyone normalises by them."""

PICKLED: Final = (".pth", ".pt", ".bin", ".ckpt", ".tar")
_WRAPPERS: Final = ("params_ema", "params", "state_dict", "model_state_dict", "model", "generator", "net_g", "net")
"""Keys under which training programs put the weights, the averaged ones first."""


def load_weights_file(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, on the CPU. Nothing in the file is ever executed.

    Where the weights lie one level down, as in BasicSR's ``params_ema`` or Lightning's ``state_dict``, those are given;
    ``module.``, which data-parallel training puts before every name, is cut off.

    Args:
        path: ``.safetensors``, or what `torch.save` wrote (``.pth``, ``.pt``, ``.bin``, ``.ckpt``).

    Raises:
        TrainingError: no such file, another format, damaged, or a pickle that holds more than weights.
    """
    if not path.is_file():
        raise TrainingError(f"there is no file {path}", "give a .safetensors or .pth file with weights")
    suffix = path.suffix.lower()
    if suffix == ".safetensors":
        tensors = _safetensors(path)
    elif suffix in PICKLED:
        tensors = _unwrapped(_pickled(path))
    else:
        raise TrainingError(f"{path} is not a file of weights by its name", "there are .safetensors, .pth, .pt, .bin")
    if not tensors:
        raise TrainingError(f"{path} holds no weights", "expected names with tensors, as torch.save(state_dict) writes")
    if all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    return tensors


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise TrainingError(f"{path} is damaged", f"safetensors says: {error}") from None


def _pickled(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "Unsupported" in str(error):  # names a function or class that is not on PyTorch's list of harmless ones
            raise TrainingError(
                f"{path} holds more than weights and was not opened: it would run code of its own",
                "ask its author for a .safetensors file",
            ) from None
        raise TrainingError(f"{path} is not a file of weights", "expected what torch.save wrote") from None
    except Exception as error:  # damaged archives fail in many ways, none of them documented
        what = next(iter(str(error).splitlines()), "")
        raise TrainingError(f"{path} is damaged or not a file of weights", f"{type(error).__name__}: {what}") from None


def _unwrapped(content: object) -> dict[str, Tensor]:
    if not isinstance(content, Mapping):
        return {}
    inner = next((content[key] for key in _WRAPPERS if isinstance(content.get(key), Mapping)), content)
    return {str(name): value.detach() for name, value in inner.items() if isinstance(value, Tensor)}


def find(names: Sequence[str], given: str | Path | None = None) -> Path:
    """The file with pretrained weights.

    Args:
        names: entries of the catalogue that would do, the preferred first.
        given: a path that the user named; it is taken as it is.

    Raises:
        TrainingError: it is not there; the hint says which command fetches it, and to where.
    """
    if given is not None:
        path = Path(given).expanduser()
        if not path.is_file():
            raise TrainingError(f"there is no file {path} with weights", f"or: subpixel data fetch {names[0]}")
        return path
    entries = [weights_entry(name) for name in names]
    folders = [weights_folder()]
    if (features := features_folder()) is not None:
        folders.append(features)
    for entry in entries:
        for folder in folders:
            for file in (entry.file, *entry.also):
                if (folder / file).is_file():
                    return folder / file
    first = entries[0]
    raise TrainingError(
        f"the weights of {first.title} are not on this computer",
        f"get them with: subpixel data fetch {first.name}, or put {first.file} into {weights_folder()}"
        f" or into features/ of the folder that {DATA_VARIABLE} names",
    )


def take(module: nn.Module, weights: Mapping[str, Tensor], names: Mapping[str, str], what: str, source: str) -> None:
    """Copy tensors into a module's parameters and buffers.

    Args:
        module: to be filled.
        weights: by the names of their publisher.
        names: the module's name → the publisher's.
        what: which network these weights should be of.
        source: where they are from; both for the error's message.

    Raises:
        TrainingError: one is missing, or has another shape.
    """
    own = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    for name, published in names.items():
        if published not in weights:
            raise TrainingError(f"{source} is not {what}: it has no {published}", "give that network's weights")
        if weights[published].shape != own[name].shape:
            shapes = (tuple(weights[published].shape), tuple(own[name].shape))
            raise TrainingError(f"{source} is not {what}: {published} is {shapes[0]}, not {shapes[1]}", "")
    with torch.no_grad():
        for name, published in names.items():
            own[name].copy_(weights[published])


_FOLLOWS: Final[ContextVar[bool]] = ContextVar("weights_follow", default=False)


@contextmanager
def without_weights() -> Iterator[None]:
    """Networks built inside do not look for pretrained weights: a checkpoint with all of them follows."""
    token = _FOLLOWS.set(True)
    try:
        yield
    finally:
        _FOLLOWS.reset(token)


def weights_follow() -> bool:
    """True inside `without_weights`."""
    return _FOLLOWS.get()
