"""What an engine is: one method that turns a network file into something that runs.

An engine is added by one file with such a class and one line under `[project.entry-points."subpixel.engines"]`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from subpixel.engines.processor import has_vnni, quick_bf16
from subpixel.errors import EngineError, ModelDamaged
from subpixel.types import NetworkFile, Precision, PrecisionChoice

_WITH_BF16: Final = frozenset({"openvino"})
_WITH_INT8: Final = frozenset({"openvino", "onnxruntime"})

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
        precision: arithmetic inside the network. Engines that cannot do it raise `EngineError`. A network in QDQ form
            is rounded as its pairs say in int8 alone; in fp32 and bf16 the pairs are left out.
        scales: which of the network's outputs to compute, by factor; empty: all. Others cost nothing.
    """

    threads: int = 1
    precision: Precision = "fp32"
    scales: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Levels:
    """What the samples of a plane mean to a network on luma: 0–1 is `gain` · sample + `offset`.

    Attributes:
        gain: what one level more adds, as float32 holds it.
        offset: what sample 0 is.
    """

    gain: float
    offset: float = 0.0


SampleRunner: TypeAlias = Callable[[NDArray[np.uint8], NDArray[np.uint8], int], None]
"""A network on 8-bit samples, called with (batch, into, margin): of (1, 1, H, W) it makes (scale·H, scale·W), rounded
to nearest, and writes the part that begins `margin` rows and columns within it to `into` (h, w); all three are
multiples of the scale. Otherwise as `Runner`."""


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


def choose_precision(
    choice: PrecisionChoice, *, bits: int, engine: str = "openvino", int8: bool = False, bf16: bool = True
) -> Precision:
    """The quickest arithmetic that does for the picture, unless forced: int8, bf16, fp32.

    bf16 keeps 8 significant bits inside the network: within rounding of 8-bit samples, far from it for 16-bit ones.

    Args:
        choice: what was asked for.
        bits: of a sample of the picture.
        engine: that will compute.
        int8: the network was made for it.
        bf16: the network gives the same pixels in it however the picture is cut.
    """
    if choice != "auto":
        return choice
    if bits != 8:
        return "fp32"
    if int8 and has_vnni() and engine in _WITH_INT8:
        return "int8"
    return "bf16" if bf16 and quick_bf16() and engine in _WITH_BF16 else "fp32"


def check_int8(network: NetworkFile) -> None:
    """Refuse int8 where the network was not made for it, or the processor would get something else.

    Raises:
        EngineError: one of them.
    """
    if not network.int8:
        raise EngineError(
            f"the network {network.name} has no int8",
            "subpixel models lists those that have; or leave --precision to auto",
        )
    if not has_vnni():
        raise EngineError("this processor does not compute in int8 (VNNI)", "leave --precision to auto")


class TileEngine(Protocol):
    """An engine that computes tiles quicker where what it gives of their halos does not matter."""

    def load_tiles(self, network: NetworkFile, settings: EngineSettings) -> Runner:
        """As `Engine.load`, but within `network.halo` of a batch's borders results may differ from those."""
        ...


class SampleEngine(Protocol):
    """An engine that also takes 8-bit samples as they are, and rounds by itself: less memory to pass over."""

    def load_samples(self, network: NetworkFile, settings: EngineSettings, levels: Levels) -> SampleRunner | None:
        """Compile `network`, of one channel and one result, for samples of `levels`.

        Returns:
            The runner; None where results would not be those of floats, rounded, whatever a tile's size.

        Raises:
            EngineError: as `Engine.load`.
        """
        ...
