"""What the frontier compares: every system under one form, prepared only when it is its turn to be measured.

A system is measured twice. Its *network* alone: one input of a fixed size, compiled for that size, no colour, no tiles.
And a *picture*: 8-bit RGB in, 8-bit RGB out, through everything that its user's picture goes through.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from static import EACH, onnxruntime_static, openvino_static

from subpixel import zoo
from subpixel.measure import Enlarger, model
from subpixel.types import NetworkFile

Kind = Literal["house", "other", "engine", "peer", "bicubic", "peak"]
Array = NDArray[np.float32]
Call = Callable[[], object]
"""Computes once; what it returns is not looked at while the clock runs."""

SCALES: Final = (2, 3, 4)
SIZES: Final = {2: (640, 360), 3: (426, 240), 4: (320, 180)}
"""Width and height of what is enlarged against the clock: the result is 1280×720, at ×3 1278×720."""
FAMILIES: Final = ("swift", "crisp", "fine")
HOUSE: Final = (*FAMILIES, *(f"{family}-restore" for family in FAMILIES))
OTHERS: Final = ("espcn", "srcnn")
REFERENCE: Final = "espcn fp32"
"""Times are quoted as ratios to this one, in the same round."""


@dataclass(frozen=True, slots=True)
class System:
    """One way to enlarge by `scale`.

    Attributes:
        name: unique at its scale, as ``"crisp int8"``.
        kind: whose it is.
        scale: factor.
        precision: arithmetic.
        digest: changes with the weights, so that scores of older ones are not taken for theirs.
        macs: multiply-adds per input pixel; 0 where they are not known.
        network: prepares the network alone, for an input (1, C, H, W) of that height and width.
        at_once: how many such inputs one call of it computes.
        picture: prepares the whole way of a picture.
    """

    name: str
    kind: Kind
    scale: int
    precision: str
    digest: str = ""
    macs: int = 0
    network: Callable[[int, int], Call] | None = None
    at_once: int = 1
    picture: Callable[[], Enlarger] | None = None


def input_plane(height: int, width: int, channels: int = 1) -> Array:
    """The same numbers in 0–1 for every network: (1, channels, H, W)."""
    noise = np.random.default_rng(0).random((1, channels, height, width))
    smooth = np.linspace(0.2, 0.8, width)[None, None, None, :]
    return np.ascontiguousarray(0.8 * smooth + 0.2 * noise, dtype=np.float32)


def house_models(scale: int) -> list[str]:
    """Names of the house's models of a factor that are in the zoo, swift to fine, then those that restore."""
    there = set(zoo.model_names())
    return [name for family in HOUSE if (name := f"{family}-x{scale}") in there]


def precisions(name: str) -> tuple[str, ...]:
    """Arithmetic that a shipped model can be run in."""
    return ("fp32", "bf16", "int8") if zoo.card(name).int8 else ("fp32", "bf16")


def own_systems(scale: int, threads: int) -> Iterator[System]:
    """The house's models, ESPCN and SRCNN, and bicubic, in this project's engine and pipeline."""
    names = [*(f"{family}-x{scale}" for family in OTHERS), *house_models(scale)]
    for name in names:
        for precision in precisions(name):
            yield _own(name, scale, precision, threads)
    yield _own(f"bicubic-x{scale}", scale, "fp32", threads)


def engine_systems(scale: int, threads: int) -> Iterator[System]:
    """The same ONNX files in ONNX Runtime, and the same weights in eager PyTorch."""
    families = ["espcn", *(name.removesuffix(f"-x{scale}") for name in house_models(scale) if "restore" not in name)]
    for family in families:
        name = f"{family}-x{scale}"
        loaded = zoo.load_model(name)
        digest = _digest(loaded.network.onnx)
        for precision in precisions(name):
            if precision != "bf16":  # which ONNX Runtime does not compute in on a CPU

                def static(height: int, width: int, file: NetworkFile = loaded.network, how: str = precision) -> Call:
                    return onnxruntime_static(file, how, threads, input_plane(height, width))

                yield System(
                    f"{family} {precision}, ONNX Runtime", "engine", scale, precision, digest, loaded.card.macs, static
                )
            if precision != "int8":

                def eager(height: int, width: int, what: str = name, how: str = precision) -> Call:
                    from eager import torch_static

                    return torch_static(what, how, threads, input_plane(height, width))

                yield System(
                    f"{family} {precision}, PyTorch", "engine", scale, precision, digest, loaded.card.macs, eager
                )


def _own(name: str, scale: int, precision: str, threads: int) -> System:
    loaded = zoo.load_model(name)
    family = name.removesuffix(f"-x{scale}")
    kind: Kind = "house" if family in HOUSE else "other" if family in OTHERS else "bicubic"

    def static(height: int, width: int) -> Call:
        return openvino_static(loaded.network, precision, threads, input_plane(height, width, loaded.card.channels))

    def whole() -> Enlarger:
        chosen: Any = precision
        return model(name, scale, precision=chosen, threads=threads)

    label = family if kind == "bicubic" else f"{family} {precision}"
    digest, macs = _digest(loaded.network.onnx), loaded.card.macs or loaded.card.work
    return System(label, kind, scale, precision, digest, macs, static, threads * EACH, whole)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def chosen(systems: list[System], words: list[str]) -> list[System]:
    """The systems that any of `words` names: the start of a name, or a pattern with ``*``; all where there are none.

    The one that ratios are taken to, and the engine's peaks, always stay.
    """
    if not words:
        return systems
    return [
        system
        for system in systems
        if system.name == REFERENCE or system.kind == "peak" or any(called(system, word) for word in words)
    ]


def called(system: System, word: str) -> bool:
    """Whether `word` is the start of its name, or a pattern with ``*`` that it has."""
    return fnmatch(system.name.lower(), f"{word.lower()}*")
