"""What kind of file somebody gives, told by its first bytes, and the refusals of what is no model."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Final

from subpixel.errors import ModelDamaged, ModelUnknown, SettingError
from subpixel_train.convert.isr import SIGNATURE
from subpixel_train.train.state import RECIPE, STATE, WEIGHTS


class Kind(enum.Enum):
    """Kinds of files that can be converted."""

    TORCH = "PyTorch or safetensors weights"
    KERAS = "Keras HDF5 weights"
    ONNX = "ONNX"


_SUFFIXES: Final = {
    **dict.fromkeys((".pth", ".pt", ".ckpt", ".bin", ".tar", ".safetensors"), Kind.TORCH),
    **dict.fromkeys((".hdf5", ".h5"), Kind.KERAS),
    ".onnx": Kind.ONNX,
}


def kind_of(path: Path) -> Kind:
    """The kind of a file.

    Raises:
        ModelUnknown: nothing there, or of a kind that is not known.
        ModelDamaged: empty.
        SettingError: a training of this project, for which there is `subpixel export`.
    """
    folder = path if path.is_dir() else path.parent
    if (folder / RECIPE).is_file() and (path.is_dir() or path.name in (STATE, WEIGHTS)):
        raise SettingError(f"{path} is a training of subpixel", f"turn it into a model with: subpixel export {folder}")
    if path.is_dir():
        raise ModelUnknown(f"{path} is a folder", "give one file: .pth, .pt, .ckpt, .safetensors, .hdf5 or .onnx")
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise ModelUnknown(f"{path} cannot be read: {error.strerror}", "give a file with a network's weights") from None
    if not start:
        raise ModelDamaged(f"{path} is empty", "get it again")
    if start.startswith(SIGNATURE):
        return Kind.KERAS
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        known = ", ".join(_SUFFIXES)
        raise ModelUnknown(f"{path} is no model by its name", f"files with weights end in {known}")
    if kind is Kind.KERAS:
        raise ModelDamaged(f"{path} is not HDF5", "get it again: it may be a web page with an error, saved by mistake")
    if start.lstrip().lower().startswith((b"<!doctype", b"<html", b"version https")):
        raise ModelDamaged(
            f"{path} is a page or pointer in place of the file itself", "get it again, the raw file of the download"
        )
    return kind
