"""What an engine is: one method that turns a network file into something that runs.

An engine is added by one file with such a class and one line under `[project.entry-points."subpixel.engines"]`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from subpixel.types import NetworkFile, Precision, PrecisionChoice

Batch: TypeAlias = NDArray[np.float32]
"""(N, channels, H, W), float32, C-contiguous."""

Runner: TypeAlias = Callable[[Batch], Batch]
"""Runs a network: (N, C, H, W) → (N, C, scale·H, scale·W). Any N, H, W from 1 up. May be called from several threads
at once; `EngineSettings.threads` calls then run side by side. The result belongs to the caller."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How a network is to be run.

    Attributes:
        threads: how many calls of the runner will be made side by side, each on one thread; at least 1.
        precision: arithmetic inside the network. Engines that cannot do bf16 raise `EngineError`.
    """

    threads: int = 1
    precision: Precision = "fp32"


class Engine(Protocol):
    """Runs networks on some hardware."""

    def load(self, network: NetworkFile, settings: EngineSettings) -> Runner:
        """Compile `network`.

        Raises:
            EngineError: the runtime is not installed, or refuses the network or the precision.
        """
        ...


def choose_precision(choice: PrecisionChoice, *, cpu_has_bf16: bool, bits: int) -> Precision:
    """bf16 where the processor computes it and the picture has 8 bits, else fp32, unless forced.

    bf16 keeps 8 significant bits inside the network: within rounding of 8-bit samples, far from it for 16-bit ones.
    """
    if choice != "auto":
        return choice
    return "bf16" if cpu_has_bf16 and bits == 8 else "fp32"
