"""Rounding of a layer's weights such that their errors make up for one another.

Rounded each to its nearest step, weights err at random, and so does what they are summed up to. But neighbouring pixels
are much alike: what one weight lost, the weights beside it can give. So weights are rounded one after the other, and
those not rounded yet are moved to what leaves the least squared error of the layer's results on some pictures (Frantar
et al., "GPTQ", ICLR 2023, https://arxiv.org/abs/2210.17323; the mathematics are those of Hassibi and Stork, "Optimal
Brain Surgeon", NIPS 1992). First they are moved to what fits the layer's results in float best when its input is
rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from subpixel_train.quantise import grid

DAMPING: Final = 0.01
"""Added to the squares of the inputs, as a share of their mean: what the pictures do not show should stay as it was."""
SAMPLES: Final = 40_000
"""Places that a layer is fitted at."""


@torch.no_grad()
def round_weights(layer: nn.Conv2d, given: Sequence[Tensor], wanted: Sequence[Tensor], border: int) -> None:
    """Put the weights of a layer on the grid, in place; the means of its results are left to its biases.

    Args:
        layer: keeps the size.
        given: what it is given, rounded: (N, in, H, W) each.
        wanted: what it should make of that: (N, out, H, W) each.
        border: so many pixels from the border nothing is compared.
    """
    seen, results = _places(layer, given, wanted, border)
    seen, results = seen - seen.mean(0), results - results.mean(0)
    weights = layer.weight.double().flatten(1)  # (out, n)
    squares = seen.T @ seen
    squares.diagonal().add_(DAMPING * float(squares.diagonal().mean()))
    missing = results - seen @ weights.T  # (places, out)
    weights += torch.linalg.solve(squares, seen.T @ missing).T
    order = squares.diagonal().argsort(descending=True)  # those that matter most first, while the others can still give
    weights, squares = weights[:, order], squares[order][:, order]
    left = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(squares)), upper=True)
    scale = grid.weight_scale(weights[:, order.argsort()].view_as(layer.weight)).double()
    rounded = torch.empty_like(weights)
    for i in range(weights.shape[1]):
        rounded[:, i] = (weights[:, i] / scale).round().clamp(-grid.LARGEST, grid.LARGEST) * scale
        error = (weights[:, i] - rounded[:, i]) / left[i, i]
        weights[:, i:] -= error[:, None] * left[i, i:]
    rounded = rounded[:, order.argsort()].view_as(layer.weight).float()
    found = grid.weight_scale(rounded)
    exact = (grid.weight_steps(rounded, found) * found[:, None, None, None] == rounded).flatten(1).all(1)
    layer.weight[exact] = rounded[exact]  # of the others not even the largest is near the grid's end: rounded as ever


def _places(layer: nn.Conv2d, given: Sequence[Tensor], wanted: Sequence[Tensor], border: int) -> tuple[Tensor, Tensor]:
    """What is within the kernel's sight, (places, in·k²), and the layer's results there, (places, out); float64."""
    every = max(1, sum(x.shape[0] * x.shape[2] * x.shape[3] for x in given) // SAMPLES)
    (side, _), (step, _) = layer.kernel_size, layer.dilation
    reach = step * (side // 2)
    shifts = range(0, step * side, step)
    seen, results = [], []
    for x, want in zip(given, wanted, strict=True):
        height, width = x.shape[2:]
        rows, columns = torch.meshgrid(
            torch.arange(border, height - border), torch.arange(border, width - border), indexing="ij"
        )
        rows, columns = rows.flatten()[::every], columns.flatten()[::every]
        around = functional.pad(x, (reach,) * 4)
        patches = torch.stack([around[:, :, rows + down, columns + along] for down in shifts for along in shifts], 2)
        seen.append(patches.permute(0, 3, 1, 2).flatten(0, 1).flatten(1))  # (N·places, in·k²)
        results.append(want[:, :, rows, columns].transpose(1, 2).flatten(0, 1))
    return torch.cat(seen).double(), torch.cat(results).double()
