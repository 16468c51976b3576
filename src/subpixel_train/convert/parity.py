"""What the exported graph computes in each engine, beside what the network computes in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from subpixel.engines import EngineSettings, has_bf16, load_engine
from subpixel.errors import EngineError, ModelError
from subpixel.types import NetworkFile

TOLERANCE: Final = 5e-4
"""Largest difference to PyTorch that is allowed, an eighth of an 8-bit level (of results in 0–1)."""

ENGINES: Final = {"openvino": "OpenVINO", "onnxruntime": "ONNX Runtime"}

Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def runner(file: NetworkFile, engine: str, precision: str = "fp32") -> Run:
    """The graph in an engine, on one thread: (N, C, H, W) → (N, C, scale·H, scale·W)."""
    settings = EngineSettings(threads=1, precision="bf16" if precision == "bf16" else "fp32")
    loaded = load_engine(engine).load(file, settings)
    return lambda x: loaded(x)[-1]


def by_torch(network: nn.Module) -> Run:
    """The network in PyTorch, with arrays."""

    def run(x: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            result: NDArray[np.float32] = network(torch.tensor(x)).numpy()  # a copy: some networks change their input
        return result

    return run


def inputs(channels: int, align: int, least: int) -> list[NDArray[np.float32]]:
    """Pictures of several sizes and counts to compare on: tiny, odd where the network allows it, wide, tall."""
    rng = np.random.default_rng(0)
    first = max(1, -(-least // align))
    sizes = ((1, first, first), (1, first + 1, first + 2), (2, first + 2, first), (1, 37, 50))
    made = []
    for count, rows, columns in sizes:
        height, width = (max(least, _near(n, align)) if n > 8 else n * align for n in (rows, columns))
        made.append(rng.random((count, channels, height, width), np.float32))
    return made


def _near(length: int, align: int) -> int:
    return max(1, round(length / align)) * align


def compare(file: NetworkFile, reference: Run, pictures: Sequence[NDArray[np.float32]]) -> float:
    """Run the graph by every engine and compare with `reference`.

    Returns:
        The largest difference, for results in 0–1.

    Raises:
        ModelError: an engine cannot run the graph, gives another size, or differs by more than `TOLERANCE`.
    """
    worst = 0.0
    wanted = [reference(x) for x in pictures]
    for engine, name in ENGINES.items():
        try:
            run = runner(file, engine)
            results = [run(x) for x in pictures]
        except EngineError as error:
            raise ModelError(f"the exported graph does not run: {error.what}", "nothing was written") from None
        for x, want, result in zip(pictures, wanted, results, strict=True):
            if result.shape != want.shape:
                raise ModelError(
                    f"{name} gives {result.shape} for {x.shape}, PyTorch {want.shape}", "nothing was written"
                )
            worst = max(worst, float(np.abs(result - want).max() / max(1.0, np.abs(want).max())))
        if not worst <= TOLERANCE:
            raise ModelError(
                f"{name} differs from PyTorch by {worst * 255:.2f} levels",
                f"at most {TOLERANCE * 255:.2f} are allowed; nothing was written",
            )
    return worst


def bf16_levels(file: NetworkFile, reference: Run, picture: NDArray[np.float32]) -> float | None:
    """How far bf16 is from `reference`: the 99th percentile, levels of 8 bits; None where it cannot be computed here.

    bf16 is what upscaling uses by itself for 8-bit pictures on processors that have it.
    """
    if not has_bf16():
        return None
    difference = np.abs(runner(file, "openvino", "bf16")(picture).clip(0, 1) - reference(picture).clip(0, 1))
    return float(np.percentile(difference, 99) * 255)
