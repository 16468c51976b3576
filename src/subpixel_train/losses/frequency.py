"""Loss on the Fourier transform: errors of texture weigh as much as errors of level."""

from __future__ import annotations

import torch
from torch import Tensor


def frequency(result: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of the two-dimensional discrete Fourier transforms.

    The mean runs over real and imaginary parts of all H·W coefficients. The transform is not normalised (a plain sum
    over the pixels), as in the papers, so that their weights hold here: 0.1 in MIMO-UNet, 0.05 beside MAE in efficient
    super-resolution. The value therefore grows with the side of the crop: white differences of standard deviation s
    give s·√(H·W/π).

    MIMO-UNet: Cho et al., ICCV 2021, https://arxiv.org/abs/2108.05054, equation 5; beside MAE: SAFMN, Sun et al.,
    ICCV 2023, https://arxiv.org/abs/2302.13800.

    Args:
        result: (N, C, H, W), 0–1.
        target: (N, C, H, W), 0–1.

    Returns:
        A scalar in float32, 0 for equal pictures.
    """
    with torch.autocast(result.device.type, enabled=False):
        difference = result.float() - target.float()
        width = difference.shape[-1]
        half = torch.view_as_real(torch.fft.rfft2(difference)).abs().sum(dim=(0, 1, 2, 4))  # (W/2 + 1,)
        # The transform of a real picture is symmetric: all columns but the first, and the middle one of an even
        # width, stand for two.
        twice = half[1 : (width + 1) // 2].sum()
        return (half.sum() + twice) / (2 * difference.numel())
