"""The numbers an int8 network computes with, chosen so that every engine gets exactly the same.

Activations are multiples of 1/256 from 0 to 255/256 (uint8), the same grid in every layer: a layer after a ReLU may be
scaled by any factor if the next one is divided by it, so ranges are a matter of the weights and need no parameters.
Weights are int8, with a scale for every output channel.

float32 holds every value on the way: sums of products are whole numbers below 2²⁴, and a scale has few enough digits
that a sum times a scale is exact wherever the result is within range. So the order of summation, fused multiply-adds
and vector widths make no difference, and one rounding, to the nearest and of halves to even, is the same everywhere.

What a network adds to, the enlarged input, and back-projection stay finer than a byte: luma less its mean, within −1
and 1, on steps of 2⁻¹¹, an eighth of an 8-bit level, times weights on steps of 2⁻¹³. Their sums are multiples of 2⁻²⁴,
and float32 holds every one of those below 1, and with them the sum of a layer's result, a multiple of the same. An
enlargement that sharpens so much that its sums may pass 1 has weights on steps of 2⁻¹², and sums that are exact below
2.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from subpixel.errors import TrainingError

STEP: Final = 2.0**-8
"""Distance of two values of an activation."""
TOP: Final = 255 * STEP
"""Largest activation."""
SCALE_STEP: Final = 2.0**-16
"""Scales of weights are multiples of it, …"""
SCALE_DIGITS: Final = 6
"""… and have so many significant binary digits. That makes weights 1.5% coarser at worst."""
EXACT: Final = 1 << 24
"""Whole numbers below it are all in float32."""
LARGEST: Final = 127
"""Largest weight: int8 without −128, so that the grid is symmetric."""
FINE_STEP: Final = 2.0**-11
"""Distance of two values of fine luma, …"""
FINE_WEIGHT_STEP: Final = 2.0**-13
"""… and of two weights that fine luma is multiplied by; twice that where sums would pass 1."""

_SHRINK: Final = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)
"""Shares of the largest weight that are tried as the end of the grid: clipping one weight makes all others finer."""
_LARGEST_ON_GRID: Final = range(126, 95, -1)
"""What the largest weight may be in steps where it is not 127: scales have few digits, so a grid may end 3% further;
and weights that make up for errors of others may be smaller."""


def activation(x: Tensor) -> Tensor:
    """ReLU and rounding to uint8: any shape → multiples of `STEP` in 0–`TOP`. Gradients pass inside that range."""
    inside = x.clamp(0.0, TOP)
    return inside + ((inside / STEP).round() * STEP - inside).detach()


@torch.no_grad()
def weight_scale(weight: Tensor) -> Tensor:
    """Scale for each output channel that leaves the least squared error: none, where it is on such a grid already.

    Args:
        weight: (out, in, k, k).

    Returns:
        (out,), multiples of `SCALE_STEP` with at most `SCALE_DIGITS` digits.
    """
    rows = weight.detach().float().flatten(1)  # (out, n)
    largest = rows.abs().amax(1)
    ends = [largest / LARGEST * share for share in _SHRINK] + [largest / steps for steps in _LARGEST_ON_GRID]
    scales = torch.stack([_short(end) for end in ends])  # (candidates, out)
    grid = scales[..., None]
    error = ((rows / grid).round().clamp(-LARGEST, LARGEST) * grid - rows).square().sum(2)
    return scales.gather(0, error.argmin(0, keepdim=True))[0]


def weight_steps(weight: Tensor, scale: Tensor) -> Tensor:
    """Weights as whole numbers −127…127 in float32: (out, in, k, k). Gradients pass inside that range."""
    steps = (weight / scale[:, None, None, None]).clamp(-LARGEST, LARGEST)
    return steps + (steps.round() - steps).detach()


def bias_steps(bias: Tensor, scale: Tensor) -> Tensor:
    """A bias in units of `STEP`·scale, the sum's own: (out,), whole numbers in float32. Gradients pass."""
    steps = bias / (scale * STEP)
    return steps + (steps.round() - steps).detach()


def fine(x: Tensor) -> Tensor:
    """Fine luma, less its mean: any shape → multiples of `FINE_STEP`. Gradients pass."""
    return x + ((x / FINE_STEP).round() * FINE_STEP - x).detach()


def fine_weight_step(kernels: Tensor) -> float:
    """Distance of two weights for fine luma: `FINE_WEIGHT_STEP`, or twice that where sums would pass 1."""
    return FINE_WEIGHT_STEP * (1 if _fine_reach(kernels) < 1 else 2)


def fine_weights(kernels: Tensor) -> Tensor:
    """Weights for fine luma: (out, in, k, k) → multiples of `fine_weight_step`. Gradients pass.

    Of each output they add up to what they did, to the nearest step: rounded one by one, they would brighten or darken
    even areas. So those furthest above a step are rounded up until the sum is right.
    """
    with torch.no_grad():
        step = fine_weight_step(kernels)
        steps = kernels.double().flatten(1) / step  # (out, n)
        below = steps.floor()
        missing = (steps.sum(1).round() - below.sum(1)).long()
        rank = (below - steps).argsort(dim=1, stable=True).argsort(dim=1)  # 0: the furthest above
        rounded = (below + (rank < missing[:, None])) * step
        change = rounded.view_as(kernels).to(kernels.dtype) - kernels
    return kernels + change


def must_be_exact(name: str, weight: Tensor, bias: Tensor) -> None:
    """Whether float32 holds every sum of a layer in whole numbers, whatever the input.

    Args:
        name: of the layer.
        weight: (out, in, k, k), −127…127.
        bias: (out,), whole numbers.

    Raises:
        TrainingError: it does not.
    """
    largest = float((255 * weight.detach().abs().double().sum(dim=(1, 2, 3)) + bias.detach().abs().double()).max())
    if largest >= EXACT:
        raise TrainingError(
            f"sums of the layer {name} reach {largest:.2g}, more than float32 holds exactly ({EXACT})",
            "export with --float, or train a narrower network",
        )


def must_be_fine(name: str, weight: Tensor, scale: Tensor, *, projected: bool) -> None:
    """Whether float32 holds every sum of fine luma, within −½ and ½, and of the layer that is added to it.

    Args:
        name: of the weights.
        weight: of fine luma, (out, in, k, k).
        scale: of the weights of that layer, (out,).
        projected: whether back-projection follows, whose own weights are on the finest grid.

    Raises:
        TrainingError: it does not.
    """
    largest = _fine_reach(weight)
    step = fine_weight_step(weight)
    whole = torch.cat((weight.detach().double().flatten() / step, scale.detach().double() * STEP / (FINE_STEP * step)))
    if largest >= step / FINE_WEIGHT_STEP or (projected and largest >= 1) or not torch.equal(whole, whole.round()):
        raise TrainingError(
            f"sums of the weights {name} reach {largest:.2f}, where float32 has too few steps for them",
            "export with --float, or train with skip: bicubic",
        )


def _fine_reach(kernels: Tensor) -> float:
    """The largest sum of fine luma, within −½ and ½, with these weights (out, in, k, k)."""
    return float(kernels.detach().abs().sum(dim=(1, 2, 3)).max()) / 2


def _short(scale: Tensor) -> Tensor:
    """The next scale above that has few digits."""
    digits = torch.exp2(scale.clamp_min(SCALE_STEP).log2().floor() - (SCALE_DIGITS - 1)).clamp_min(SCALE_STEP)
    return (scale / digits).ceil().clamp_min(1.0) * digits
