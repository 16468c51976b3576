"""PSNR and SSIM of systems on the benchmark sets, on small pictures of two kinds."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from systems import System

from subpixel.errors import SubpixelError
from subpixel.measure import Pair, PictureSet, benchmark_set, evaluate, read_pixels

SETS: Final = ("Set5", "Set14", "BSD100")
PUBLISHED, OPENCV = "published", "opencv"
"""Small pictures as published (MATLAB bicubic, antialiased), or made by `cv2.resize(…, INTER_CUBIC)`, which is not."""


@dataclass(frozen=True, slots=True)
class Quality:
    """One system on one set.

    Attributes:
        system: its name.
        scale: factor.
        digest: of its weights.
        small: kind of small pictures.
        pictures: name of the set.
        psnr: on Y, dB.
        ssim: on Y.
    """

    system: str
    scale: int
    digest: str
    small: str
    pictures: str
    psnr: float
    ssim: float


@contextmanager
def opencv_reduced(pictures: PictureSet) -> Iterator[PictureSet]:
    """The set with small pictures made by `cv2.resize(…, INTER_CUBIC)`, which does not antialias."""
    import cv2

    with tempfile.TemporaryDirectory() as folder:
        pairs = []
        for pair in pictures.pairs:
            reference = read_pixels(pair.reference)
            size = (reference.shape[1] // pictures.scale, reference.shape[0] // pictures.scale)
            small = Path(folder) / f"{pair.name}.png"
            cv2.imwrite(str(small), cv2.resize(reference[..., ::-1], size, interpolation=cv2.INTER_CUBIC))
            pairs.append(Pair(pair.name, pair.reference, small))
        yield PictureSet(pictures.name, pictures.scale, tuple(pairs))


def measure_quality(
    systems: Sequence[System],
    data: Path,
    sets: Sequence[str],
    known: set[tuple[str, int, str, str, str]],
    kinds: Sequence[str],
    notify: Callable[[str], None],
) -> Iterator[Quality]:
    """Scores that are not known yet, one after the other, so that a run that was stopped has not lost them.

    Args:
        systems: of any factors; those without a `picture` are passed over.
        data: holds benchmark/Set5, …
        sets: names of the sets.
        known: system, factor, digest, kind of small pictures and set of every score there is.
        kinds: of small pictures, `PUBLISHED` or `OPENCV`.
        notify: told what is going on.
    """
    for system in systems:
        missing = [
            (small, name)
            for small in kinds
            for name in sets
            if (system.name, system.scale, system.digest, small, name) not in known
        ]
        if system.picture is None or not missing:
            continue
        try:
            enlarge = system.picture()
        except SubpixelError as error:
            notify(f"{system.name} ×{system.scale} is left out: {error}")
            continue
        for small, name in missing:
            notify(f"{system.name} ×{system.scale}: {name}, small pictures {small}")
            pictures = benchmark_set(data, name, system.scale)
            if small == PUBLISHED:
                (score,) = evaluate({system.name: enlarge}, pictures)
            else:
                with opencv_reduced(pictures) as reduced:
                    (score,) = evaluate({system.name: enlarge}, reduced)
            psnr, ssim = round(score.psnr, 4), round(score.ssim, 5)
            yield Quality(system.name, system.scale, system.digest, small, name, psnr, ssim)
