"""PSNR while training: on luma, the border cut as the protocol says."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

from subpixel_train.data import Pair
from subpixel_train.networks import Network


def mean_psnr(network: Network, pairs: Iterable[Pair]) -> float:
    """Mean PSNR in dB of a network's enlargements, on luma rounded to 8 bits, `scale` pixels cut from each border."""
    values = []
    with torch.inference_mode():
        for pair in pairs:
            small = torch.from_numpy(pair.input)[None, None].to(next(network.parameters()).device)
            result = network.upscale(small)[0, 0].float().cpu().numpy()
            values.append(psnr(result, pair.target, network.scale))
    return float(np.mean(values))


def psnr(result: np.ndarray, target: np.ndarray, border: int) -> float:
    """PSNR in dB of two luma planes in 0–1, rounded to 8 bits, without `border` pixels on each side."""
    inside = (slice(border, -border), slice(border, -border))
    levels = np.rint(np.clip(result[inside], 0, 1) * 255) - np.rint(np.clip(target[inside], 0, 1) * 255)
    error = float(np.mean(np.square(levels, dtype=np.float64)))
    return 100.0 if error == 0 else 10 * float(np.log10(255**2 / error))
