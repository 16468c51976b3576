"""Ways to enlarge a picture: nearest, bicubic, and every model."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from subpixel import zoo
from subpixel.engines import DEFAULT_ENGINE
from subpixel.measure.evaluation import Enlarger
from subpixel.measure.sets import resize_pixels
from subpixel.types import PrecisionChoice

BICUBIC: Final = "bicubic"
"""Name of bicubic enlargement in tables and on sheets."""
NEAREST: Final = "nearest"
"""Name of pixel repetition in tables and on sheets."""


def nearest(scale: int) -> Enlarger:
    """Every pixel repeated `scale` times each way."""

    def enlarge(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return picture.repeat(scale, axis=0).repeat(scale, axis=1)

    return enlarge


def bicubic(scale: int) -> Enlarger:
    """Bicubic, a = −0.5, every channel alike, rounded to 8 bits."""

    def enlarge(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return resize_pixels(picture, picture.shape[0] * scale, picture.shape[1] * scale)

    return enlarge


def model(
    name: str | Path,
    scale: int,
    *,
    engine: str = DEFAULT_ENGINE,
    precision: PrecisionChoice = "fp32",
    threads: int | None = None,
    eightfold: bool = False,
) -> Enlarger:
    """A model, through the whole upscaler: colour, tiles, rounding, everything a user's picture goes through.

    The network is loaded and run once here, so that the first picture is timed like the others.

    Args:
        name: a model's or a family's name, or a path to a model.
        scale: factor; where it is not the model's own, passes and a resample make it.
        engine: name of the engine.
        precision: arithmetic. Scores are quoted in fp32, which is the same on every processor.
        threads: tiles computed side by side; None for every core.
        eightfold: the mean over all flips and transpositions, as the quality ``best`` takes it.

    Raises:
        ModelError: no such model, or damaged files.
        EngineError: the engine is not installed or cannot run it.
    """
    from subpixel.upscaler import Upscaler  # here, so that scoring arrays loads no libvips

    upscaler = Upscaler(name, engine=engine, precision=precision, threads=threads, eightfold=eightfold)

    def enlarge(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return upscaler.upscale(picture, scale=scale)

    enlarge(np.zeros((16, 16, 3), np.uint8))
    return enlarge


def models_of_scale(scale: int) -> tuple[str, ...]:
    """Names of the shipped models that enlarge by `scale` in one pass, sorted; without the bicubic helpers."""
    cards = (zoo.card(name) for name in zoo.model_names())
    return tuple(card.name for card in cards if scale in card.scales and card.family != BICUBIC)
