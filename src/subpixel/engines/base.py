"""What an engine is: one method that turns a network file into something that runs.

An engine is added by one file with such a class and one line under `[project.entry-points."subpixel.engines"]`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import ModelDamaged
from subpixel.types import NetworkFile, Precision, PrecisionChoice

Batch: TypeAlias = NDArray[np.float32]
"""(N, channels, H, W), float32, C-contiguous."""

Runner: TypeAlias = Callable[[Batch], tuple[Batch, ...]]
"""Runs a network: (N, C, H, W) → one (N, C, scale·H, scale·W) for every scale asked for, rising. Any N from 1 up; H and
W any multiples of the network's `align`. May be called from several threads at once; `EngineSettings.threads` calls
then run side by side. The results belong to the caller."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How a network is to be run.

    Attributes:
        threads: how many calls of the runner will be made side by side, each on one thread; at least 1.
        precision: arithmetic inside the network. Engines that cannot do bf16 raise `EngineError`.
        scales: which of the network's outputs to compute, by factor; empty: all. Others cost nothing.
    """

    threads: int = 1
    precision: Precision = "fp32"
    scales: tuple[int, ...] = ()


class Engine(Protocol):
    """Runs networks on some hardware."""

    def load(self, network: NetworkFile, settings: EngineSettings) -> Runner:
        """Compile `network`.

        Raises:
            EngineError: the runtime is not installed, or refuses the network or the precision.
        """
        ...


def wanted_outputs(network: NetworkFile, settings: EngineSettings, outputs: int) -> tuple[int, ...]:
    """Positions of the outputs to compute, rising, in a graph that has `outputs` of them.

    Raises:
        ModelDamaged: the graph has fewer outputs than the network should.
    """
    if outputs < len(network.scales):
        raise ModelDamaged(
            f"the network {network.name} has {outputs} output(s), its card says {len(network.scales)}",
            "correct scales in card.toml",
        )
    return tuple(i for i, scale in enumerate(network.scales) if scale in (settings.scales or network.scales))


def choose_precision(choice: PrecisionChoice, *, cpu_has_bf16: bool, bits: int) -> Precision:
    """bf16 where the processor computes it and the picture has 8 bits, else fp32, unless forced.

    bf16 keeps 8 significant bits inside the network: within rounding of 8-bit samples, far from it for 16-bit ones.
    """
    if choice != "auto":
        return choice
    return "bf16" if cpu_has_bf16 and bits == 8 else "fp32"
