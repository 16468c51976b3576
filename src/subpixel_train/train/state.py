"""What a training leaves on disk: one safetensors file to go on from, one with the weights to use. No pickle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from subpixel.errors import TrainingError
from subpixel_train import files

STATE = "state.safetensors"
WEIGHTS = "weights.safetensors"
RECIPE = "recipe.yaml"
LOG = "log.csv"


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One line of the learning curve.

    Attributes:
        epoch: counted from 1.
        step: steps done at its end.
        loss: mean training loss over the epoch.
        rate: learning rate at its end (of the first layer).
        held_out_psnr: dB on the held-out photographs, luma, the mean of the outputs; None where not validated.
        test_psnr: dB on the recipe's benchmark; None where none is named.
        seconds: training time up to here, over all sittings.
        held_out_each: dB of each output on the held-out photographs, rising scales; empty where not validated.
    """

    epoch: int
    step: int
    loss: float
    rate: float
    held_out_psnr: float | None
    test_psnr: float | None
    seconds: float
    held_out_each: tuple[float, ...] = ()


@dataclass(slots=True)
class Progress:
    """Where a training stands.

    Everything random is drawn from (seed, step), so the step stands for the state of the random numbers.

    Attributes:
        step: steps done.
        loss_sum: sum of the losses of the current epoch so far.
        best_psnr: highest held-out PSNR so far, dB.
        best_epoch: the epoch that reached it; 0: none yet.
        seconds: training time, over all sittings.
        history: one record per finished epoch.
        scaler: state of fp16's gradient scaler; empty in other precisions.
    """

    step: int = 0
    loss_sum: float = 0.0
    best_psnr: float = float("-inf")
    best_epoch: int = 0
    seconds: float = 0.0
    history: list[EpochRecord] = field(default_factory=list)
    scaler: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """As text; floats come back exactly."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Progress:
        """The inverse of `to_json`."""
        values = json.loads(text)
        values["history"] = [
            EpochRecord(**record | {"held_out_each": tuple(record.get("held_out_each", ()))})
            for record in values["history"]
        ]
        return cls(**values)

    def log_csv(self) -> str:
        """The learning curve as CSV."""
        names = EpochRecord.__slots__
        rows = [",".join(names)]
        for record in self.history:
            rows.append(",".join(_cell(getattr(record, name)) for name in names))
        return "\n".join(rows) + "\n"


def _cell(value: float | int | tuple[float, ...] | None) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ";".join(_cell(item) for item in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def save_state(folder: Path, tensors: dict[str, Tensor], progress: Progress) -> None:
    """Write the state to go on from, in one rename."""
    files.replace(folder / STATE, save(_detached(tensors), {"progress": progress.to_json()}))


def load_state(folder: Path) -> tuple[dict[str, Tensor], Progress]:
    """Read what `save_state` wrote."""
    tensors, about = _read(folder / STATE)
    try:
        return tensors, Progress.from_json(about["progress"])
    except (KeyError, TypeError, ValueError):
        raise TrainingError(f"{folder / STATE} is not the state of a training", "start again elsewhere") from None


def save_weights(path: Path, tensors: dict[str, Tensor], about: dict[str, str]) -> None:
    """Write weights to use, with a few words about them."""
    files.replace(path, save(_detached(tensors), about))


def load_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read what `save_weights` wrote; `path` is the file or the folder of a training."""
    return _read(path / WEIGHTS if path.is_dir() else path)


def _detached(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        # Read at once: a training may put a newer file, of another length, in its place at any moment.
        data = path.read_bytes()
        return load(data), _about(data)
    except FileNotFoundError:
        raise TrainingError(f"there is no {path}", "give the folder of a training, or a .safetensors file") from None
    except (SafetensorError, OSError) as error:
        raise TrainingError(f"cannot read {path}", str(error)) from None


def _about(data: bytes) -> dict[str, str]:
    """The words beside the tensors of a safetensors file: its header is JSON, its length comes first."""
    length = int.from_bytes(data[:8], "little")
    return dict(json.loads(data[8 : 8 + length]).get("__metadata__") or {})


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Adam's moments and step counts as named tensors."""
    state = optimiser.state_dict()["state"]
    return {f"optimiser.{index}.{name}": value for index, values in state.items() for name, value in values.items()}


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put back what `optimiser_tensors` took."""
    state = optimiser.state_dict()
    held: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "optimiser":
            index, _, key = rest.partition(".")
            held.setdefault(int(index), {})[key] = value
    state["state"] = held
    optimiser.load_state_dict(state)
