"""PSNR while training, by the protocol: 8-bit results, luma, the border cut; and pictures to look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from subpixel.image import colour
from subpixel_train.data import Cut, Example, Geometry
from subpixel_train.data.pixels import rounded
from subpixel_train.networks import Network


def mean_psnr(network: Network, pairs: Iterable[Example]) -> tuple[float, ...]:
    """Mean PSNR in dB of a network's enlargements, one per output; as many pixels as its scale cut from each border.

    Networks on luma are scored on their luma rounded to 8 bits, RGB networks on Y of the RGB rounded to 8 bits.
    """
    values = []
    for pair in pairs:
        cut, results = _enlarged(network, pair)
        scores = zip(results, cut.targets, network.scales, strict=True)
        values.append([psnr(result, target, scale) for result, target, scale in scores])
    return tuple(float(value) for value in np.mean(values, axis=0))


def psnr(result: NDArray[np.float32], target: NDArray[np.float32], border: int) -> float:
    """PSNR in dB of two pictures (1, H, W) luma or (3, H, W) RGB in 0–1, without `border` pixels on each side."""
    inside = (slice(None), slice(border, -border), slice(border, -border))
    error = float(np.mean(np.square(_brightness(result[inside]) - _brightness(target[inside]), dtype=np.float64)))
    return 100.0 if error == 0 else 10 * float(np.log10(255**2 / error))


def shown(network: Network, pairs: Sequence[Example], count: int = 2) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """The first pairs as pictures side by side: the small picture with its pixels repeated, the result, the target.

    Yields:
        Name of the picture (with its factor, where a network has several outputs), and (C, H, 3·W) uint8.
    """
    for pair in islice(pairs, count):
        cut, results = _enlarged(network, pair)
        for scale, result, target in zip(network.scales, results, cut.targets, strict=True):
            small = cut.input.repeat(scale, 1).repeat(scale, 2)
            sheet = np.concatenate([small, result, target], axis=2)
            if network.channels == 1:
                sheet = colour.y_to_grey(sheet)
            name = pair.name if len(network.scales) == 1 else f"{pair.name} ×{scale}"
            yield name, np.rint(np.clip(sheet, 0, 1) * 255).astype(np.uint8)


def _enlarged(network: Network, pair: Example) -> tuple[Cut, list[NDArray[np.float32]]]:
    """Small picture and targets of the pair, and what the network makes of it, each (C, H, W)."""
    cut = pair.whole(Geometry(network.scales, 0, network.channels))
    with torch.inference_mode():
        small = torch.from_numpy(cut.input)[None].to(next(network.parameters()).device)
        return cut, [result[0].float().cpu().numpy() for result in network.upscale(small)]


def _brightness(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Luma in 0–255 of the picture rounded to 8 bits."""
    if picture.shape[0] == 1:
        return np.rint(np.clip(picture, 0, 1) * 255)
    return colour.rgb_to_y(rounded(picture)) * np.float32(255)
