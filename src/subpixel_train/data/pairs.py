"""From a photograph to what a network learns from: its input and the luma that it should return.

The small picture is made as the protocol of every number says: antialiased bicubic (a = −0.5) of the RGB picture,
rounded to 8 bits. Luma is taken from the rounded RGB, on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import TrainingError
from subpixel.image import colour, resample
from subpixel_train.data.folders import pictures, read_rgb


@dataclass(frozen=True, slots=True)
class Pair:
    """One picture to learn from or to test with.

    Attributes:
        name: file name of the photograph.
        input: what the network is given, (h, w) float32, luma in 16/255–235/255: the small picture, or its bicubic
            enlargement.
        target: luma of the photograph, (step·h, step·w) float32, with step the scale or 1.
    """

    name: str
    input: NDArray[np.float32]
    target: NDArray[np.float32]


def planes(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W, 3) uint8 → (3, H, W) float32 in 0–1."""
    return np.divide(rgb.transpose(2, 0, 1), 255, dtype=np.float32, order="C")


def rounded(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """To the nearest of the 256 levels of an 8-bit picture, clipped to 0–1."""
    return np.divide(np.rint(np.clip(values, 0, 1) * 255), 255, dtype=np.float32)


def cut_to_multiple(rgb: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Cut right and bottom so that both sides are multiples of `factor`."""
    height, width = rgb.shape[0] // factor * factor, rgb.shape[1] // factor * factor
    return rgb[:height, :width]


def reduce(large: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """The small picture of the protocol: (3, r·h, r·w) → (3, h, w), 8-bit levels in 0–1."""
    _, height, width = large.shape
    return rounded(resample.resize(large, height // scale, width // scale))


def enlarge(small: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """Bicubic enlargement, not rounded: (C, h, w) → (C, r·h, r·w)."""
    _, height, width = small.shape
    return resample.resize(small, height * scale, width * scale)


def make_pair(name: str, rgb: NDArray[np.uint8], scale: int, *, enlarged: bool) -> Pair:
    """Input and target from a photograph.

    Args:
        name: of the photograph.
        rgb: (H, W, 3), uint8; cut to a multiple of `scale`.
        scale: upscale factor.
        enlarged: give the bicubic enlargement of the small picture as input, not the small picture.
    """
    large = planes(cut_to_multiple(rgb, scale))
    small = colour.rgb_to_y(reduce(large, scale))
    return Pair(name, (enlarge(small, scale) if enlarged else small)[0], colour.rgb_to_y(large)[0])


def resized(rgb: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """The photograph at another size, antialiased bicubic, rounded to 8 bits."""
    if factor == 1:
        return rgb
    height, width = (max(1, round(side * factor)) for side in rgb.shape[:2])
    small = rounded(resample.resize(planes(rgb), height, width))
    return np.rint(small * 255).astype(np.uint8).transpose(1, 2, 0)


def training_paths(root: Path, folders: Sequence[str], held_out: int) -> tuple[list[Path], list[Path]]:
    """Pictures to train with and pictures to validate with.

    Args:
        root: what `folders` are relative to.
        folders: folders of photographs.
        held_out: how many to keep for validation, evenly spread over all; they are never trained with.
    """
    everything = [path for folder in folders for path in pictures(root / folder)]
    if held_out >= len(everything):
        raise TrainingError(
            f"{held_out} of {len(everything)} pictures are held out", "lower data.held_out or add pictures"
        )
    chosen = {round((i + 0.5) * len(everything) / held_out) for i in range(held_out)}
    train = [path for i, path in enumerate(everything) if i not in chosen]
    return train, [everything[i] for i in sorted(chosen)]


def held_out_pairs(paths: Sequence[Path], scale: int, limit: int = 320) -> list[Pair]:
    """Small pictures and photographs of the held-out set, each cut to its central `limit` pixels to keep this quick."""
    return [make_pair(path.name, centre(read_rgb(path), limit, scale), scale, enlarged=False) for path in paths]


def benchmark_pairs(folder: Path, scale: int) -> Iterator[Pair]:
    """Published test pairs: `folder/HR/xR` and `folder/LR/xR` hold files of the same names."""
    for path in pictures(folder / "HR" / f"x{scale}"):
        small = next(iter(sorted((folder / "LR" / f"x{scale}").glob(f"{path.stem}.*"))), None)
        if small is None:
            raise TrainingError(f"{path} has no small picture beside it", f"put it in {folder / 'LR' / f'x{scale}'}")
        yield Pair(path.stem, colour.rgb_to_y(planes(read_rgb(small)))[0], colour.rgb_to_y(planes(read_rgb(path)))[0])


def centre(rgb: NDArray[np.uint8], side: int, factor: int) -> NDArray[np.uint8]:
    """The central square of `side − side mod factor` pixels, or less where the picture is smaller."""
    height, width = (min(length, side) // factor * factor for length in rgb.shape[:2])
    top, left = (rgb.shape[0] - height) // 2, (rgb.shape[1] - width) // 2
    return rgb[top : top + height, left : left + width]
