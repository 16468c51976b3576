"""Scores of ways to enlarge pictures: every picture of a set, by every method, against its reference.

    pictures → small pictures → each method → 8-bit result → PSNR, SSIM (`quality`) → means

A method is any function from a small 8-bit picture to a large one; `methods.py` makes them from models.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import PictureUnsupported, SettingError
from subpixel.measure.quality import WINDOW, psnr, ssim
from subpixel.measure.reading import read_pixels
from subpixel.measure.sets import PictureSet, fit_reference, reduce

Enlarger: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
"""A way to enlarge: (h, w, C) uint8 → (scale·h, scale·w, C) uint8, C = 1 or 3."""
Notify: TypeAlias = Callable[[str], None]
"""Called with a picture's name after one method has done it."""

MEGAPIXEL: Final = 1e6
"""Pixels in a megapixel."""


@dataclass(frozen=True, slots=True)
class PictureScore:
    """One picture by one method.

    Attributes:
        picture: its name.
        psnr: decibels; infinite where result and reference are equal.
        ssim: −1 to 1.
        seconds: wall time of the enlargement.
        megapixels: of the result.
    """

    picture: str
    psnr: float
    ssim: float
    seconds: float
    megapixels: float


@dataclass(frozen=True, slots=True)
class SetScore:
    """One set by one method.

    Attributes:
        set_name: name of the set.
        method: name of the model, or ``"bicubic"``.
        scale: factor.
        pictures: every picture's score, in the order of the set.
    """

    set_name: str
    method: str
    scale: int
    pictures: tuple[PictureScore, ...]

    @property
    def psnr(self) -> float:
        """Mean PSNR of the pictures in dB."""
        return math.fsum(score.psnr for score in self.pictures) / len(self.pictures)

    @property
    def ssim(self) -> float:
        """Mean SSIM of the pictures."""
        return math.fsum(score.ssim for score in self.pictures) / len(self.pictures)

    @property
    def seconds_per_megapixel(self) -> float:
        """Seconds per million pixels of result, all pictures together."""
        total = math.fsum(score.megapixels for score in self.pictures)
        return math.fsum(score.seconds for score in self.pictures) / total


def evaluate(
    methods: Mapping[str, Enlarger], pictures: PictureSet, *, border: int | None = None, notify: Notify | None = None
) -> tuple[SetScore, ...]:
    """Score methods on a set.

    Args:
        methods: name → method, all for the set's factor.
        pictures: what to measure on.
        border: pixels cut from every side before scoring; None: the factor, as the tables do.
        notify: called after every picture and method, e.g. to advance a progress bar.

    Returns:
        One score per method, in the order of `methods`.

    Raises:
        PictureError: a picture cannot be read, or the sizes of a pair do not belong together.
        SettingError: a method returned another size than the factor says.
    """
    cut = pictures.scale if border is None else border
    rows: dict[str, list[PictureScore]] = {name: [] for name in methods}
    for pair in pictures.pairs:
        whole = read_pixels(pair.reference)
        small = reduce(whole, pictures.scale) if pair.small is None else read_pixels(pair.small)
        reference = fit_reference(whole, small, pictures.scale, pair.name)
        _check_area(reference, cut, pair.reference)
        for name, enlarge in methods.items():
            rows[name].append(score_picture(enlarge, small, reference, name=pair.name, border=cut))
            if notify is not None:
                notify(pair.name)
    return tuple(SetScore(pictures.name, name, pictures.scale, tuple(scores)) for name, scores in rows.items())


def score_picture(
    enlarge: Enlarger, small: NDArray[np.uint8], reference: NDArray[np.uint8], *, name: str, border: int
) -> PictureScore:
    """Score one method on one picture.

    Args:
        enlarge: the method.
        small: (h, w, C).
        reference: (H, W, C) that the result should be.
        name: name of the picture.
        border: pixels cut from every side before scoring.

    Raises:
        SettingError: the result has another size than the reference.
    """
    start = perf_counter()
    result = enlarge(small)
    seconds = perf_counter() - start
    if result.shape[:2] != reference.shape[:2]:
        raise SettingError(
            f"{name} became {result.shape[1]}×{result.shape[0]}, its reference is "
            f"{reference.shape[1]}×{reference.shape[0]}",
            "the method and the set must have the same factor",
        )
    megapixels = reference.shape[0] * reference.shape[1] / MEGAPIXEL
    return PictureScore(
        name,
        psnr(reference, result, border=border),
        ssim(reference, result, border=border),
        seconds,
        megapixels,
    )


def mean_scores(scores: Sequence[SetScore], method: str) -> dict[str, tuple[float, float]]:
    """Means of one method by set, as a model card holds them: set name → (PSNR in dB, SSIM)."""
    return {score.set_name: (score.psnr, score.ssim) for score in scores if score.method == method}


def _check_area(reference: NDArray[np.uint8], border: int, path: Path) -> None:
    """Refuse a picture with less left inside the border than SSIM's window."""
    if min(reference.shape[:2]) - 2 * border < WINDOW:
        raise PictureUnsupported(
            f"{path} is too small to score: {reference.shape[1]}×{reference.shape[0]}",
            f"at least {WINDOW + 2 * border} pixels on each side are needed",
        )
